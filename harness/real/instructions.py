"""Which x86-64 instructions are floating point."""


def is_floating(code: bytes) -> bool:
    """Say whether the instruction that begins here computes or moves floating-point numbers.

    Known are x87, scalar SSE moves, and SSE, AVX and AVX-512 arithmetic, comparison and conversion.
    Packed moves are not: compilers copy structures with them.

    Source of the codes: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
    appendix A.
    """
    scalar = False
    place = 0
    while place < len(code) and code[place] in _PREFIXES:
        scalar = scalar or code[place] in _SCALAR
        place += 1
    if place < len(code) and 0x40 <= code[place] <= 0x4F:  # REX
        place += 1
    first, second, third, fourth, fifth = code[place : place + 5].ljust(5, b"\0")
    if 0xD8 <= first <= 0xDF:
        return True
    if first == 0x0F:
        return _of_map_one(second, scalar)
    if first == 0xC5:  # VEX of two bytes
        return _of_map_one(third, second & 3 >= 2)
    if first == 0xC4:  # VEX of three
        if second & 0x1F == 2:
            return 0x96 <= fourth <= 0xBF  # Fused multiplication and addition.
        return second & 0x1F == 1 and _of_map_one(fourth, third & 3 >= 2)
    if first == 0x62 and second & 7 == 1:  # EVEX
        return _of_map_one(fifth, third & 3 >= 2)
    return False


_SCALAR = (0xF2, 0xF3)
_PREFIXES = (0x66, *_SCALAR)


def _of_map_one(operation: int, scalar: bool) -> bool:
    if operation in (0x10, 0x11):
        return scalar
    return operation in _COMPUTING


_COMPUTING = frozenset(
    (
        *(0x2A, 0x2C, 0x2D, 0x2E, 0x2F, 0xE6, 0x5A, 0x5B),  # conversion and comparison
        *(0x51, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0xC2),
    )
)
