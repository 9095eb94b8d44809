"""The random stream of one open arrival."""

from random import Random
from typing import Any

from harness.engine.splitmix import SplitMix64

_MASK_63 = (1 << 63) - 1
_MASK_64 = (1 << 64) - 1


class ArrivalRandom(Random):
    """Python's random distributions on a generator that costs nothing to seed.

    Every arrival has a stream of its own. Seeding a Mersenne Twister, which :class:`random.Random`
    has otherwise, takes several microseconds.
    """

    def __init__(self) -> None:
        self._generator = SplitMix64()
        super().__init__(0)

    def seed(self, a: object = 0, version: int = 2) -> None:
        """Begin the stream of an integer; of other values as :class:`random.Random` does."""
        number = a if isinstance(a, int) else Random(a).getrandbits(63)  # type: ignore[arg-type]
        self._generator.start(number & _MASK_63)
        self.gauss_next = None

    def random(self) -> float:
        """Draw a number from 0 to 1, 1 excluded."""
        return self._generator.random()

    def getrandbits(self, k: int, /) -> int:
        """Draw an integer of ``k`` bits."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        bits = 0
        for _ in range(-(-k // 64)):
            bits = bits << 64 | self._generator.bits() & _MASK_64
        return bits >> -k % 64

    def getstate(self) -> tuple[Any, ...]:
        """Return what :meth:`setstate` needs to go on from here."""
        return self._generator.state & _MASK_64, self.gauss_next

    def setstate(self, state: tuple[Any, ...]) -> None:
        """Go on from where a state was taken."""
        number, self.gauss_next = state
        # As a native integer it is signed.
        self._generator.state = number - (1 << 64) if number > _MASK_63 else number
