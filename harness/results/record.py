"""Record of a campaign and its cells in a store."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.results.environment import Environment, Load

FULL_SYSTEM = "full-system"
"""The baseline of modelled machines."""

NATIVE = "native"
"""The baseline of a real machine: a process of it."""

LEVELS: Mapping[str, str] = {
    NATIVE: "baseline",
    "capped": "operating-system",
    "qemu-tcg": "software",
    "qemu-kvm": "hardware",
}
"""The virtualizations of a real machine, and where each has its place."""


@dataclass(frozen=True)
class CellRecord:
    """A cell of the matrix as the store holds it."""

    position: int
    """Its place in the matrix; cells are always listed in this order."""
    machine: str
    os: str
    virtualization: str
    workload: str
    load: Load
    infeasible: str | None
    """Why the machine cannot hold it, so that it is not run; None for a cell that is run."""
    parameters: dict[str, Any] = field(compare=False)
    """Every resolved parameter, nested; empty when infeasible."""

    @property
    def scenario(self) -> dict[str, Any] | None:
        """The scenario as JSON holds it; None for a cell of the matrix."""
        found: dict[str, Any] | None = self.parameters.get("scenario")
        return found

    @property
    def environment(self) -> Environment:
        """What is the same for every virtualization that the cell is compared with."""
        return Environment(self.machine, self.os, self.workload, self.load)

    @property
    def factors(self) -> dict[str, str]:
        """Factor -> value, as columns of tables; a further factor is named ``load.NAME``."""
        return {
            "machine": self.machine,
            "os": self.os,
            "virtualization": self.virtualization,
            "workload": self.workload,
            **{f"load.{name}": value for name, value in self.load},
        }

    @property
    def title(self) -> str:
        """The cell's name for people, in one line."""
        if self.scenario is not None:
            return f"scenario {self.scenario['name']}"
        return self.environment.cell_title(self.virtualization)


@dataclass(frozen=True)
class CampaignRecord:
    """Campaign at the time of its first run: everything that a report needs to repeat it."""

    name: str
    title: dict[str, str]
    """Language -> title; ``en`` is always there."""
    identity: str
    """SHA-256 of everything that decides the results or the verdict, except how many
    replications."""
    claim: dict[str, Any] | None
    """``firmware``, ``software`` (lists of names), ``measures`` or ``parts``, ``text`` (language ->
    text): :mod:`harness.analysis.claim` reads it."""
    margin: float
    """How much overhead is small enough, as a ratio."""
    alpha: float
    """Level of the tests."""
    seed: int
    replications: dict[str, Any]
    """``minimum``, ``maximum``, ``half_width`` (ratio or None), ``per_draw``."""
    starts: str
    """Where simulated time begins, in ISO 8601."""
    source: str
    """How the user named the campaign: a shipped name or a path."""
    text: str
    """The campaign file as it was written."""
    constants: tuple[dict[str, Any], ...]
    """Every constant of the catalog, sorted by name: ``name``, ``value``, ``low``, ``high``,
    ``unit``, ``published``, ``at``, ``source``, ``status``, ``meaning``."""
    versions: dict[str, str]
    """vtax, Python and the packages that decide results."""
    model: str
    """Digest of the model's source."""
    cells: tuple[CellRecord, ...]
    baseline: str = FULL_SYSTEM
    """The virtualization that every other is compared with."""
    files: tuple[dict[str, str], ...] = ()
    """The user's files that decide results, sorted by path: ``path``, ``sha256``."""
    real: dict[str, Any] | None = None
    """Properties of this machine, measured before real targets were run; None for a simulated
    campaign."""
    imported: dict[str, Any] | None = None
    """Files of real systems that the results are read from
    (:class:`harness.results.imported.Imported`); None for a campaign that was run."""

    @property
    def per_draw(self) -> int:
        """Replications with each draw of the uncertain constants; a real machine draws none."""
        return int(self.replications.get("per_draw", 1))

    def baseline_of(self, environment: Environment) -> str:
        """Return the virtualization that all others of an environment are compared with."""
        own: dict[str, str] = (self.claim or {}).get("baselines", {})
        return own.get(environment.workload, self.baseline)

    @property
    def levels(self) -> dict[str, str]:
        """Virtualizations of the claim -> ``firmware`` or ``software``; firmware if it is both."""
        return {
            virtualization: level
            for level in ("software", "firmware")
            for virtualization in (self.claim or {}).get(level, ())
        }

    def monitor(self, virtualization: str) -> str:
        """Return the name of a hosted monitor and the year of its software; empty without one."""
        prefix = f"hosted.{virtualization.removeprefix('hosted-')}"
        names = (f"{prefix}.title", f"{prefix}.year")
        found = {
            each["name"]: each["published"] for each in self.constants if each["name"] in names
        }
        title = found.get(names[0], "")
        return f"{title} ({found[names[1]]})" if names[1] in found else title

    def to_json(self) -> dict[str, Any]:
        """Return the record without its cells as JSON holds it."""
        record = asdict(self)
        del record["cells"]
        if self.imported is None:
            del record["imported"]
        return record

    @classmethod
    def from_json(cls, data: dict[str, Any], cells: Sequence[CellRecord]) -> "CampaignRecord":
        """Rebuild a record from what :meth:`to_json` returned and its cells."""
        constants, files = tuple(data["constants"]), tuple(data.get("files", ()))
        return cls(**{**data, "constants": constants, "files": files, "cells": tuple(cells)})
