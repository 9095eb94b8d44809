"""The claim of a campaign, in its parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.results.environment import Environment
from harness.results.record import CampaignRecord

WHOLE = "claim"
"""Name of the only part of a claim that is not divided."""


@dataclass(frozen=True)
class Part:
    """A part of a claim, with an outcome of its own."""

    name: str
    measures: tuple[str, ...]
    text: Mapping[str, str] = field(default_factory=dict)
    """Language -> the part in words; empty for a claim that is not divided."""
    below_software: bool = False
    """Whether the firmware level is to cost less than every software virtualization."""
    margins: Mapping[str, float] = field(default_factory=dict)
    """Measure -> the overhead that the firmware level has to stay below; empty without a margin."""
    workloads: tuple[str, ...] | None = None
    """None: all."""

    def concerns(self, environment: Environment) -> bool:
        """Whether the part says anything about an environment."""
        return self.workloads is None or environment.workload in self.workloads


def parts_of(campaign: CampaignRecord) -> tuple[Part, ...]:
    """Return the parts of a campaign's claim.

    A claim that is not divided is one part: less than the margin and less than every software
    virtualization, in each of its measures. A campaign without a claim has no part.
    """
    claim = campaign.claim
    if claim is None:
        return ()
    if not claim.get("parts"):
        measures = tuple(claim["measures"])
        margins = dict.fromkeys(measures, campaign.margin)
        return (Part(WHOLE, measures, below_software=True, margins=margins),)
    return tuple(_part(each, campaign.margin) for each in claim["parts"])


def _part(written: Mapping[str, Any], margin: float) -> Part:
    measures, workloads = tuple(written["measures"]), written["workloads"]
    below_software = written["below"] == "software"
    margins: dict[str, float] = {}
    if not below_software:
        given = written["margin"]
        own = given if isinstance(given, dict) else {}
        common = margin if given is None or own else given
        margins = {name: own.get(name, common) for name in measures}
    return Part(
        name=written["name"],
        measures=measures,
        text=written["text"] or {},
        below_software=below_software,
        margins=margins,
        workloads=None if workloads is None else tuple(workloads),
    )


def measures_of(parts: tuple[Part, ...]) -> tuple[str, ...]:
    """Return the measures of all parts, each once."""
    return tuple(dict.fromkeys(measure for part in parts for measure in part.measures))
