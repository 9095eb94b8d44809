"""Rounding to whole nanoseconds."""

from typing import Final

from mypy_extensions import i64

_INTERPRETED: Final = __file__.endswith(".py")


def nearest(number: float) -> i64:
    """Round a number from 0 to 2**63 to the nearest integer, and to an even one halfway.

    That is what :func:`round` does, as a native integer.
    """
    if _INTERPRETED:
        return round(number)
    whole: i64 = int(number)
    rest = number - float(whole)
    if rest > 0.5 or (rest == 0.5 and whole & 1):
        whole += 1
    return whole
