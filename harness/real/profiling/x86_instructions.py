"""Which x86-64 instructions are floating point, which work on vectors, and which are neither.

Source of the codes: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
appendix A.
"""

from enum import Enum


class Kind(Enum):
    """What an instruction works on."""

    SCALAR = "scalar"
    """Integers and addresses, one at a time; jumps and calls."""
    VECTOR = "vector"
    """Several integers at a time, moves of vectors, and repeated string instructions: what the C
    library copies and compares memory with."""
    FLOATING = "floating"
    """x87, SSE, AVX and AVX-512 arithmetic, comparison and conversion, and scalar moves."""


def kind_of(code: bytes) -> Kind:
    """Say what the instruction that begins here works on."""
    prefixes = set()
    place = 0
    while place < len(code) and code[place] in _PREFIXES:
        prefixes.add(code[place])
        place += 1
    if place < len(code) and 0x40 <= code[place] <= 0x4F:  # REX
        place += 1
    first, second, third, fourth, fifth = code[place : place + 5].ljust(5, b"\0")
    scalar = bool(prefixes & _SCALAR)
    if 0xD8 <= first <= 0xDF:
        return Kind.FLOATING
    if scalar and 0xA4 <= first <= 0xAF and first not in _TESTS:
        return Kind.VECTOR
    if first == 0x0F:
        return _legacy(second, third, scalar, 0x66 in prefixes)
    if first == 0xC5:  # VEX of two bytes
        return _vex(1, third, second & 3 >= 2)
    if first == 0xC4:  # VEX of three
        return _vex(second & 0x1F, fourth, third & 3 >= 2)
    if first == 0x62:  # EVEX
        return _vex(second & 7, fifth, third & 3 >= 2)
    return Kind.SCALAR


_SCALAR = {0xF2, 0xF3}
_PREFIXES = {0x66, *_SCALAR}
_TESTS = (0xA8, 0xA9)

_ARITHMETIC = frozenset(
    (
        *(0x2A, 0x2C, 0x2D, 0x2E, 0x2F, 0xE6, 0x5A, 0x5B),  # conversion and comparison
        *(0x51, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0xC2),
    )
)
"""Of the opcodes that begin with 0F, and of the first VEX map."""
_MOVES = (0x10, 0x11)
_VECTOR = frozenset(
    (
        *range(0x10, 0x18),
        *(0x28, 0x29, 0x2B, 0x50, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57),
        *range(0x60, 0x77),
        *range(0x7C, 0x80),
        *(0xC4, 0xC5, 0xC6),
        *range(0xD0, 0xFF),
    )
)
"""Likewise."""
_BIT_FIELDS = (0xF2, 0xF3, 0xF5, 0xF6, 0xF7)
"""BMI instructions of the second VEX map."""


def _legacy(operation: int, more: int, scalar: bool, wide: bool) -> Kind:
    if operation in (0x38, 0x3A):
        hashes = operation == 0x38 and 0xC8 <= more <= 0xCD
        return Kind.VECTOR if hashes or (wide and more < 0xF0) else Kind.SCALAR
    if operation in _ARITHMETIC or (scalar and operation in _MOVES):
        return Kind.FLOATING
    return Kind.VECTOR if operation in _VECTOR else Kind.SCALAR


def _vex(table: int, operation: int, scalar: bool) -> Kind:
    if table == 1 and (operation in _ARITHMETIC or (scalar and operation in _MOVES)):
        return Kind.FLOATING
    if table == 2 and 0x96 <= operation <= 0xBF:  # Fused multiplication and addition.
        return Kind.FLOATING
    if (table == 2 and operation in _BIT_FIELDS) or (table == 3 and operation == 0xF0):
        return Kind.SCALAR
    return Kind.VECTOR
