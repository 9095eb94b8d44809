"""A digest of response times: quantiles within half a per cent in bounded memory.

Counts in buckets whose bounds grow geometrically, as in DDSketch (Masson, Rim, Lee, VLDB 2019):
for any distribution, the error of a quantile is at most half the width of a bucket.
Means are exact.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from mypy_extensions import i64

from harness.engine.vecs import append, vec

GROWTH: Final = 1.01
"""Ratio of a bucket's bounds."""

RELATIVE_ERROR = (GROWTH - 1) / (GROWTH + 1)
"""Largest relative error of a quantile: about 0.5 %."""

_PER_LOG: Final = 1 / math.log(GROWTH)
_BUCKETS: Final[i64] = math.ceil(math.log(1e15) * _PER_LOG) + 1
"""Up to 10^15 ns, eleven days; what is longer counts as that long."""


class Digest:  # noqa: PLW1641 (mutable)
    """Response times of one kind, in nanoseconds.

    Attributes
    ----------
    count
        How many there are.
    sum_ns
        Their sum.
    """

    def __init__(self) -> None:
        self.count: i64 = 0
        self.sum_ns = 0
        # Counts of neighbouring buckets from the first one that is occupied or before it.
        self._first: i64 = 0
        self._counts = vec[i64]()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Digest)
            and self.sum_ns == other.sum_ns
            and self.occupied() == other.occupied()
        )

    def add(self, ns: i64) -> None:
        """Add one response time."""
        self.sum_ns += ns
        bucket: i64 = 0
        if ns > 1:
            bucket = int(math.log(float(ns)) * _PER_LOG)
            if bucket >= _BUCKETS:
                bucket = _BUCKETS - 1
        self.add_count(bucket, 1)

    def add_count(self, bucket: i64, count: i64) -> None:
        """Add so many response times of a bucket, without their sum."""
        self.count += count
        place = bucket - self._first
        if place < 0 or place >= len(self._counts):
            self._reach(bucket)
            place = bucket - self._first
        self._counts[place] += count

    def _reach(self, bucket: i64) -> None:
        """Extend the counts so that a bucket is among them."""
        if len(self._counts) == 0:
            self._first = bucket
        elif bucket < self._first:
            before, first = self._counts, self._first
            self._counts = vec[i64]()
            self._first = bucket
            for _ in range(first - bucket):
                self._counts = append(self._counts, 0)
            for count in before:
                self._counts = append(self._counts, count)
        while bucket - self._first >= len(self._counts):
            self._counts = append(self._counts, 0)

    def occupied(self) -> list[tuple[int, int]]:
        """Return the occupied buckets in their order, with their counts."""
        buckets = []
        bucket: i64 = self._first
        for count in self._counts:
            if count:
                buckets.append((int(bucket), int(count)))
            bucket += 1
        return buckets

    @property
    def mean_seconds(self) -> float:
        """The exact mean; NaN without samples."""
        return self.sum_ns / self.count / 1e9 if self.count else math.nan

    def quantile(self, q: float) -> float:
        """Read the ``q`` quantile (0 to 1) in seconds, with :data:`RELATIVE_ERROR`.

        It is the response time of rank ``ceil(q * count)``, NaN without samples.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(q * int(self.count)))
        seen = 0
        for bucket, count in self.occupied():
            seen += count
            if seen >= rank:
                return _middle(bucket) / 1e9
        raise AssertionError("counts and count disagree")

    def cumulative(self, bounds_seconds: Sequence[float]) -> list[int]:
        """Count the response times up to each of some ascending bounds.

        A response time within a bucket's width of a bound (1 %) may count on either side of it.
        """
        counts = []
        buckets = self.occupied()
        below = index = 0
        for bound in bounds_seconds:
            end = int(math.log(max(1.0, bound * 1e9)) * _PER_LOG)
            while index < len(buckets) and buckets[index][0] < end:
                below += buckets[index][1]
                index += 1
            counts.append(below)
        return counts

    def histogram(self, bounds_seconds: Sequence[float]) -> list[tuple[str, float]]:
        """Buckets of a Prometheus histogram: label ``le`` and :meth:`cumulative` count."""
        counts = self.cumulative(bounds_seconds)
        buckets = [
            (f"{bound:.7g}", float(count))
            for bound, count in zip(bounds_seconds, counts, strict=True)
        ]
        return [*buckets, ("+Inf", float(self.count))]

    @classmethod
    def merged(cls, digests: Iterable["Digest"]) -> "Digest":
        """Digest of the response times of several digests."""
        merged = Digest()
        for each in digests:
            merged.sum_ns += each.sum_ns
            for bucket, count in each.occupied():
                merged.add_count(bucket, count)
        return merged

    def copy(self) -> "Digest":
        """Return an independent copy."""
        twin = Digest()
        twin.count = self.count
        twin.sum_ns = self.sum_ns
        twin._first = self._first
        twin._counts = self._counts[:]
        return twin

    def since(self, earlier: "Digest") -> "Digest":
        """Return what has been added since an earlier copy of this digest was taken."""
        twin = self.copy()
        twin.count -= earlier.count
        twin.sum_ns -= earlier.sum_ns
        for bucket, count in earlier.occupied():
            twin._counts[bucket - twin._first] -= count
        return twin

    def to_json(self) -> dict[str, Any]:
        """Return the occupied buckets as JSON holds them."""
        occupied = self.occupied()
        return {
            "sum_ns": self.sum_ns,
            "buckets": [bucket for bucket, _ in occupied],
            "counts": [count for _, count in occupied],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Digest":
        """Read what :meth:`to_json` returned.

        Raises
        ------
        ValueError
            If it has a bucket that there is not.
        """
        digest = Digest()
        digest.sum_ns = data["sum_ns"]
        for bucket, count in zip(data["buckets"], data["counts"], strict=True):
            if bucket >= _BUCKETS:
                raise ValueError(f"there is no bucket {bucket}")
            digest.add_count(bucket, count)
        return digest


def _middle(bucket: int) -> float:
    """Return the value in a bucket from which both bounds are equally far, relatively."""
    low = GROWTH**bucket
    return 2 * low * GROWTH / (1 + GROWTH)
