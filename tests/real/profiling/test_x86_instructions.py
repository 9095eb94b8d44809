import pytest

from harness.real.profiling.x86_instructions import Kind, kind_of

INSTRUCTIONS = {
    Kind.FLOATING: [
        "f2 0f 58 c1",  # addsd %xmm1,%xmm0
        "f2 0f 59 c2",  # mulsd
        "66 0f 58 c1",  # addpd
        "0f 5e c1",  # divps
        "f2 0f 11 44 24 f8",  # movsd %xmm0,-8(%rsp)
        "f2 48 0f 2a c0",  # cvtsi2sd %rax,%xmm0
        "66 0f 2f c1",  # comisd
        "d9 fe",  # fsin
        "dc c9",  # fmul
        "c5 f3 58 c2",  # vaddsd
        "c4 e2 f1 b8 c2",  # vfmadd231pd
        "c4 c1 7b 58 c0",  # vaddsd %xmm8,%xmm0,%xmm0
        "62 f1 ed 48 58 cb",  # vaddpd %zmm3,%zmm2,%zmm1
        "f2 0f 51 c0",  # sqrtsd
        "64 f2 0f 10 04 25 f8 ff ff ff",  # movsd %fs:-8,%xmm0: a thread's own variable
        "66 0f 7c c1",  # haddpd
    ],
    Kind.VECTOR: [
        "66 0f 6f 06",  # movdqa
        "f3 0f 6f 06",  # movdqu
        "0f 10 06",  # movups: structures are copied with it
        "0f 29 07",  # movaps
        "f3 a4",  # rep movsb
        "f3 48 ab",  # rep stosq
        "66 0f ef c0",  # pxor
        "66 0f 74 c1",  # pcmpeqb
        "66 0f 38 00 c1",  # pshufb
        "66 0f 3a 63 c1 0c",  # pcmpistri
        "c5 fd 74 06",  # vpcmpeqb
        "c5 fe 6f 06",  # vmovdqu
        "62 f3 7d 20 3f 06 00",  # vpcmpub
        "66 0f d7 c1",  # pmovmskb
        "0f 38 cb d1",  # sha256rnds2
        "66 0f 38 dc c1",  # aesenc
        "0f 3a cc c1 00",  # sha1rnds4
        "62 f2 e5 28 b4 0e",  # vpmadd52luq: integers
        "62 52 7d 21 a2 3c 20",  # vscatterdps: a move
        "c5 f8 77",  # vzeroupper
    ],
    Kind.SCALAR: [
        "48 01 d8",  # add %rbx,%rax
        "e8 00 00 00 00",  # call
        "0f 84 00 00 00 00",  # je
        "0f af c3",  # imul
        "f3 0f b8 c3",  # popcnt
        "f2 48 0f 38 f1 c2",  # crc32
        "c4 e2 f8 f2 c3",  # andn
        "0f b6 00",  # movzbl
        "0f 94 c0",  # sete
        "0f 05",  # syscall
        "a8 01",  # test $1,%al
        "f3 0f 1e fa",  # endbr64
        "66 90",  # nop
        "",
    ],
}


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in INSTRUCTIONS.items() for code in codes]
)
def test_instructions_are_told_apart(kind, code):
    assert kind_of(bytes.fromhex(code)) == kind
