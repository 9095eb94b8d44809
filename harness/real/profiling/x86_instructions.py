"""x86-64 instructions by what they work on: floating point, vectors, or neither."""

import re
from enum import Enum

from capstone import CS_ARCH_X86, CS_MODE_64, Cs


class Kind(Enum):
    """Kind of the data that an instruction processes."""

    SCALAR = "scalar"
    """Single integers and addresses; jumps and calls."""
    VECTOR = "vector"
    """Several integers at a time, moves of vectors, and repeated string instructions: the C library
    copies and compares memory with them."""
    FLOATING = "floating"
    """x87, SSE, AVX and AVX-512 arithmetic, comparison and conversion, and scalar moves."""


_DECODER = Cs(CS_ARCH_X86, CS_MODE_64)
_FLOATING = re.compile(
    r"f(?!xsave|xrstor|emms)|v?cvt|v?movs[sd] .*mm"
    r"|v?(add|sub|mul|div|r?sqrt|rcp|min|max|cmp|u?comi|fn?m|hadd|hsub|dp|r(ou)?nd)\w*[ps][sd] .*mm"
)
_VECTOR = re.compile(r"rep\w* (movs|stos|lods|cmps|scas)|vzero|.* (.*\W)?([xyz]?mm\d|k[0-7]\b)")


def kind_of(code: bytes) -> Kind:
    """Return the kind of the first instruction; SCALAR if it is not valid."""
    for _, _, name, operands in _DECODER.disasm_lite(code, 0, 1):
        text = f"{name} {operands}"
        if _FLOATING.match(text):
            return Kind.FLOATING
        if _VECTOR.match(text):
            return Kind.VECTOR
    return Kind.SCALAR
