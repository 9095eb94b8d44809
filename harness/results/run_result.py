"""Result of one run."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any

from pydantic import GetPydanticSchema, with_config
from pydantic_core import core_schema

from harness.metrics.ddsketch import Digest
from harness.metrics.measures import Count, DigestJson, Measures, measure
from harness.results.store_schema import STRICT, Number

Sample = tuple[str, dict[str, str], Number]
"""A sample of the exposition: name, labels, value."""

Point = tuple[Number, str, dict[str, str], Number]
"""A sample during the run: seconds since simulated time began, name, labels, value."""


ResponseTimes = Annotated[
    Digest,
    GetPydanticSchema(
        lambda _, schema_of: core_schema.no_info_after_validator_function(
            Digest.from_json, schema_of(DigestJson)
        )
    ),
]
"""Digest, read from its JSON form."""


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class OperationEvent:
    """Change of the status of an operation."""

    at_seconds: Number
    operation: str
    status: str
    """``started``, ``done``, ``refused`` or ``failed``."""
    reason: str


_ROUNDING = 1e-9


def beyond_limit(relation: str, expected: float, tolerance: float, value: float) -> float:
    """Return how far a number lies beyond what is expected; not above 0 where it fulfils it."""
    if relation == "equals":
        return abs(value - expected) - tolerance
    return value - expected if relation == "at-most" else expected - value


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Check:
    """An expectation of a scenario beside what was measured."""

    name: dict[str, str]
    """Language -> what is expected, in words."""
    measured: Number | str | None
    """In SI units; None if there was nothing to measure."""
    expected: Number | str
    relation: str
    """``equals``, ``at-least`` or ``at-most``."""
    tolerance: Number
    """How far off ``equals`` may be, in the unit of the value."""
    unit: str
    passed: bool
    detail: str
    """Further information: the partition of the value, the reason of a refusal."""
    source: str
    assumed: tuple[str, ...]
    """Unpublished constants that the outcome depends on."""
    over_runs: str = ""
    """The statistic of the values of all runs that must fulfil it; empty if each run must."""

    def holds(self, value: float) -> bool:
        """Whether a number fulfils the expectation, rounding left aside."""
        expected = float(self.expected)
        beyond = beyond_limit(self.relation, expected, self.tolerance, value)
        return beyond <= _ROUNDING * max(1.0, abs(expected))


@with_config(STRICT)
@dataclass(slots=True)
class RunResult:
    """The result of one run: what its exposition says at the end, and the response times.

    Nothing in it depends on the machine that carried the run out, nor on how long that took.
    """

    samples: list[Sample]
    """The exposition at the end of the run; a counter's value is its increase over the measured
    time."""
    digests: dict[str, ResponseTimes]
    """``partition/group/name`` -> the response times."""
    warm_up_seconds: Number
    """Simulated time that was cut off at the beginning."""
    measured_seconds: Number
    """Simulated time that the samples cover."""
    requests: Count
    """Requests that were completed in the measured time, failed ones included."""
    timeline: list[Point] = field(default_factory=list)
    """Samples during the run, in order of time; empty unless the run records them."""
    operations: list[OperationEvent] = field(default_factory=list)
    """Events of a scenario's operations, in order of time."""
    checks: list[Check] = field(default_factory=list)
    """A scenario's expectations beside what was measured."""
    live_reason: str = ""
    """Why users ran live that were to be recorded; empty otherwise."""

    def measures(self) -> Measures:
        """Measures of the run, from its exposition and its response times."""
        return measure(
            self.samples,
            (self.digests[key] for key in sorted(self.digests)),
            measured_seconds=self.measured_seconds,
            warm_up_seconds=self.warm_up_seconds,
        )

    def to_json(self) -> str:
        """Write the result as compact JSON with sorted keys: equal results give equal text.

        Raises
        ------
        ValueError
            If a value is not a finite number.
        """
        return json.dumps(
            {each.name: getattr(self, each.name) for each in fields(self)},
            default=_plain,
            allow_nan=False,
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )


def _plain(value: Any) -> dict[str, Any]:
    return value.to_json() if isinstance(value, Digest) else asdict(value)
