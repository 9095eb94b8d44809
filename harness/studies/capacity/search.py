"""Search for the highest level of a grid that passes, by few and costly trials."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Search:
    """Steps away from level 0 by doubling distances, then halves the interval it has found.

    What passes is taken to pass at every lower level, too.

    Attributes
    ----------
    passed
        The highest level seen to pass; None if none has.
    failed
        The lowest level seen not to; None if none has.
    """

    lowest: int
    highest: int
    stride: int
    """The first step."""
    passed: int | None = None
    failed: int | None = None
    _level: int = field(default=0)

    @property
    def level(self) -> int | None:
        """The next level to be tried; None when the search has ended."""
        if self.passed is not None and self.failed is not None:
            if self.failed - self.passed <= 1:
                return None
            return (self.passed + self.failed) // 2
        if self.passed == self.highest or self.failed == self.lowest:
            return None
        return self._level

    def record(self, level: int, *, passed: bool) -> None:
        """Record a trial of :attr:`level`."""
        if passed:
            self.passed = level
            self._level = min(level + self.stride, self.highest)
        else:
            self.failed = level
            self._level = max(level - self.stride, self.lowest)
        self.stride *= 2
