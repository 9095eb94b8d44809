"""A digest of response times: quantiles within half a per cent in bounded memory.

Counts in buckets whose bounds grow geometrically, as in DDSketch (Masson, Rim, Lee, VLDB 2019):
for any distribution, the error of a quantile is at most half the width of a bucket.
Means are exact.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

GROWTH = 1.01
"""Ratio of a bucket's bounds."""

RELATIVE_ERROR = (GROWTH - 1) / (GROWTH + 1)
"""Largest relative error of a quantile: about 0.5 %."""

_PER_LOG = 1 / math.log(GROWTH)
_BUCKETS = math.ceil(math.log(1e15) * _PER_LOG) + 1
"""Up to 10^15 ns, eleven days; what is longer counts as that long."""


class Digest:  # noqa: PLW1641 (mutable)
    """Response times of one kind, in nanoseconds.

    Attributes
    ----------
    counts
        Number of response times by bucket; only occupied buckets are keys.
    """

    __slots__ = ("count", "counts", "sum_ns")

    def __init__(self) -> None:
        self.count = 0
        self.sum_ns = 0
        self.counts: defaultdict[int, int] = defaultdict(int)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and self.to_json() == other.to_json()

    def add(self, ns: int) -> None:
        """Add one response time."""
        self.count += 1
        self.sum_ns += ns
        if ns < 1:
            ns = 1
        bucket = int(math.log(ns) * _PER_LOG)
        self.counts[bucket if bucket < _BUCKETS else _BUCKETS - 1] += 1

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
        rank = max(1, math.ceil(q * self.count))
        seen = 0
        for bucket, count in sorted(self.counts.items()):
            seen += count
            if seen >= rank:
                return _middle(bucket) / 1e9
        raise AssertionError("counts and count disagree")

    def cumulative(self, bounds_seconds: Sequence[float]) -> list[int]:
        """Count the response times up to each of some ascending bounds.

        A response time within a bucket's width of a bound (1 %) may count on either side of it.
        """
        counts = []
        buckets = sorted(self.counts)
        below = index = 0
        for bound in bounds_seconds:
            end = int(math.log(max(1.0, bound * 1e9)) * _PER_LOG)
            while index < len(buckets) and buckets[index] < end:
                below += self.counts[buckets[index]]
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
        merged = cls()
        for each in digests:
            merged.count += each.count
            merged.sum_ns += each.sum_ns
            for bucket, count in each.counts.items():
                merged.counts[bucket] += count
        return merged

    def copy(self) -> "Digest":
        """Return an independent copy."""
        twin = Digest()
        twin.count = self.count
        twin.sum_ns = self.sum_ns
        twin.counts = self.counts.copy()
        return twin

    def since(self, earlier: "Digest") -> "Digest":
        """Return what has been added since an earlier copy of this digest was taken."""
        twin = Digest()
        twin.count = self.count - earlier.count
        twin.sum_ns = self.sum_ns - earlier.sum_ns
        for bucket, count in self.counts.items():
            added = count - earlier.counts.get(bucket, 0)
            if added:
                twin.counts[bucket] = added
        return twin

    def to_json(self) -> dict[str, Any]:
        """Return the occupied buckets as JSON holds them."""
        occupied = sorted(self.counts.items())
        return {
            "sum_ns": self.sum_ns,
            "buckets": [bucket for bucket, _ in occupied],
            "counts": [count for _, count in occupied],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Digest":
        """Read what :meth:`to_json` returned."""
        digest = cls()
        digest.sum_ns = data["sum_ns"]
        for bucket, count in zip(data["buckets"], data["counts"], strict=True):
            digest.counts[bucket] = count
            digest.count += count
        return digest


def _middle(bucket: int) -> float:
    """Return the value in a bucket from which both bounds are equally far, relatively."""
    low = GROWTH**bucket
    return 2 * low * GROWTH / (1 + GROWTH)
