"""Search for the factor at which an outcome flips, by few and costly trials."""

import math
from dataclasses import dataclass, field

LIMIT = 100.0
"""Factors are searched between 1 / LIMIT and LIMIT."""

TOLERANCE = 1.15
"""The search ends when the flipped and the kept factor are no farther apart than this."""

TRIALS = 12
"""After so many the search ends with what it has."""

_END = math.log(LIMIT)
_WIDTH = math.log(TOLERANCE)


@dataclass(slots=True)
class Bracket:
    """A search along distances from the factor one, in logarithms.

    Attributes
    ----------
    kept
        The farthest distance below the flip at which nothing has flipped.
    flipped
        The nearest distance at which it has; None if it has at none.
    """

    guess: float
    """Where to begin: a distance, in logarithms."""
    start: float
    """The score at the factor one, below zero; zero is where the flip is expected."""
    kept: float = 0.0
    flipped: float | None = None
    _scores: dict[float, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._scores[0.0] = self.start

    @property
    def done(self) -> bool:
        """Whether the flip is known well enough, or there is none up to the limit."""
        if self.flipped is None:
            return self.kept >= _END or len(self._scores) > TRIALS
        return self.flipped - self.kept <= _WIDTH or len(self._scores) > TRIALS

    def next(self) -> float:
        """Return the distance of the next trial."""
        if len(self._scores) == 1:
            return min(max(self.guess, _WIDTH), _END)
        if self.flipped is None:
            return min(max(self._expected(), self.kept + _WIDTH), 3 * self.kept + _WIDTH, _END)
        root = self._expected()
        # Either end of the bracket is to come close to where the flip is expected.
        if self.flipped > root + 0.6 * _WIDTH:
            wanted = root + 0.45 * _WIDTH
        else:
            wanted = root - 0.45 * _WIDTH
        inside = 0.08 * (self.flipped - self.kept)
        return min(max(wanted, self.kept + inside), self.flipped - inside)

    def record(self, distance: float, score: float, *, flipped: bool) -> None:
        """Record a trial.

        Parameters
        ----------
        score
            Grows with the distance and is about zero at the flip.
        flipped
            The outcome of the trial.
        """
        self._scores[distance] = score
        if flipped and (self.flipped is None or distance < self.flipped):
            self.flipped = distance
        elif not flipped and distance > self.kept and distance < (self.flipped or math.inf):
            self.kept = distance

    def _expected(self) -> float:
        """Expect the flip on the line through the two trials around it, or the last two.

        Costs grow with the factor itself, so the line is one of the factor, not its logarithm.
        """
        if self.flipped is not None:
            near, far = self.kept, self.flipped
        else:
            near, far = sorted(self._scores)[-2:]
        low, high = self._scores[near], self._scores[far]
        if not high > low:
            return 2 * far if self.flipped is None else (near + far) / 2
        factor = math.exp(near) + (math.exp(far) - math.exp(near)) * -low / (high - low)
        return math.log(factor) if factor > 0.0 else near
