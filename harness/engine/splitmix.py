"""Random numbers by counting: SplitMix64.

Source: Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014. The n-th
number of a stream is a hash of the stream's start plus n times a constant: to begin a stream costs
nothing. The generator passes TestU01's BigCrush; a stream has 2**64 numbers.
"""

from typing import Final

from mypy_extensions import i64

_INTERPRETED: Final = __file__.endswith(".py")
_GOLDEN: Final = i64(-0x61C8864680B583EB)
_FACTOR_1: Final = i64(-0x40A7B892E31B1A47)
_FACTOR_2: Final = i64(-0x6B2FB644ECCEEE15)
"""The constants of SplitMix64, as signed integers."""

_TO_UNIT: Final = 2.0**-53


def scatter(number: i64) -> i64:
    """Map a number to 64 evenly scattered bits (the finalizer of SplitMix64)."""
    if _INTERPRETED:
        return _scatter_interpreted(number)
    # Native integers wrap around by themselves; their shifts copy the sign, which is masked.
    z = number + _GOLDEN
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * _FACTOR_1
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * _FACTOR_2
    return z ^ ((z >> 31) & 0x1FFFFFFFF)


def _scatter_interpreted(number: int) -> int:
    """Do the same with integers of any length."""
    mask = 0xFFFFFFFFFFFFFFFF
    z = (number + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


class SplitMix64:
    """A stream of random numbers.

    Attributes
    ----------
    state
        The stream's start plus the numbers drawn so far times a constant; 64 bits.
    """

    def __init__(self, state: i64 = 0) -> None:
        self.state: i64 = state

    def start(self, stream: i64) -> None:
        """Begin the stream of a number; neighbouring numbers have unrelated streams."""
        self.state = scatter(stream)

    def bits(self) -> i64:
        """Draw 64 bits; as a native integer they are signed."""
        drawn = scatter(self.state)
        if _INTERPRETED:
            self.state = (self.state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        else:
            self.state += _GOLDEN
        return drawn

    def random(self) -> float:
        """Draw a number from 0 to 1, 1 excluded, with 53 random bits."""
        return float((self.bits() >> 11) & 0x1FFFFFFFFFFFFF) * _TO_UNIT
