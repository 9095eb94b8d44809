"""Result of one environment and measure: overheads, and what a part of the claim makes of them."""

from dataclasses import asdict, dataclass
from typing import Any

from harness.analysis.doubts import Doubt
from harness.analysis.overhead import Overhead
from harness.results.discrepancy import JudgedWithMisses
from harness.results.environment import Environment
from harness.statistics.intervals import finite
from harness.statistics.ratios import Share
from harness.statistics.verdict import Outcome


@dataclass(frozen=True)
class EnvironmentResult:
    """One measure in one environment: compared, and judged by a part of the claim."""

    environment: Environment
    measure: str
    firmware: Overhead | None
    """Highest overhead of the claim's firmware virtualizations; None if none was measured."""
    software: Overhead | None
    """Lowest overhead of the claim's software virtualizations; None if none was measured."""
    all: dict[str, Overhead]
    """Every virtualization that was measured, in the order of the matrix; without the baseline."""
    part: str = ""
    """Part of the claim by which it was judged; empty if it was not."""
    outcome: Outcome | None = None
    """None if it was not judged."""
    reason: str = ""
    """Reason of the outcome, in one sentence."""
    margin: float | None = None
    """The margin of the part in this measure; None without one."""
    p_values: dict[str, float] | None = None
    """``below-margin`` and ``below-software``: the largest, all of which confirming needs.
    ``above-margin`` and ``above-software``: the smallest, adjusted for all environments, measures
    and parts, one of which refuting needs."""
    plausible: Share | None = None
    """Share of plausible machines, which is to say of draws of the uncertain constants, on which
    the part holds here; None if it was not measured."""
    doubts: tuple[Doubt, ...] = ()
    """Why the outcome deserves less trust than the tests say."""
    without_misses: Outcome | None = None
    """Outcome without the model's own misses; None where :attr:`outcome` is that."""
    with_misses: JudgedWithMisses | None = None
    """The same judged with them, intervals included; None if they were not studied."""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON holds it; what is unknown or without bound is None."""
        return {
            **self.environment.to_json(),
            "part": self.part,
            "measure": self.measure,
            "firmware": _overhead_json(self.firmware),
            "software": _overhead_json(self.software),
            "outcome": None if self.outcome is None else str(self.outcome),
            "plausible": share_json(self.plausible),
            "doubts": list(map(str, self.doubts)),
            **_misses_json(self),
            "reason": self.reason,
            "margin": self.margin,
            "p_values": self.p_values,
        }


def share_json(found: Share | None) -> dict[str, Any] | None:
    """Return a share of plausible machines as JSON holds it."""
    return None if found is None else {**asdict(found), "estimate": finite(found.estimate)}


def _misses_json(result: EnvironmentResult) -> dict[str, Any]:
    """Return what the model's own misses change, as JSON holds it; None if not studied."""
    found = result.with_misses
    if found is None:
        return {"without_misses": None, "with_misses": None}
    kept = {"outcome", "firmware", "software"}
    return {
        "without_misses": str(result.without_misses),
        "with_misses": {
            **found.model_dump(mode="json", include=kept),
            "plausible": share_json(found.plausible),
        },
    }


def _overhead_json(overhead: Overhead | None) -> dict[str, Any] | None:
    if overhead is None:
        return None
    interval = overhead.interval
    return {
        "virtualization": overhead.virtualization,
        "overhead": interval.estimate,
        "low": interval.low,
        "high": finite(interval.high),
        "range_low": overhead.range.low,
        "range_high": finite(overhead.range.high),
        "level": interval.level,
        "samples": interval.samples,
        "spread": None if overhead.spread is None else asdict(overhead.spread),
        "warnings": [str(warning) for warning in interval.warnings],
    }
