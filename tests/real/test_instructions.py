import pytest

from harness.real.instructions import is_floating


@pytest.mark.parametrize(
    "code",
    [
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
    ],
)
def test_floating_point_is_recognized(code):
    assert is_floating(bytes.fromhex(code))


@pytest.mark.parametrize(
    "code",
    [
        "48 01 d8",  # add %rbx,%rax
        "e8 00 00 00 00",  # call
        "0f 84 00 00 00 00",  # je
        "0f af c3",  # imul
        "66 0f 6f 06",  # movdqa
        "f3 0f 6f 06",  # movdqu
        "0f 10 06",  # movups: structures are copied with it
        "0f 29 07",  # movaps
        "f3 a4",  # rep movsb
        "66 0f ef c0",  # pxor
        "66 0f 74 c1",  # pcmpeqb
        "c5 fd 74 06",  # vpcmpeqb
        "c5 fe 6f 06",  # vmovdqu
        "62 f3 7d 20 3f 06 00",  # vpcmpub
        "f3 0f b8 c3",  # popcnt
        "0f 05",  # syscall
        "",
    ],
)
def test_everything_else_is_not(code):
    assert not is_floating(bytes.fromhex(code))
