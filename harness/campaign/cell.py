"""A cell of the campaign's matrix and one run of it: plain values that travel to a worker."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.campaign.script import Script
from harness.catalog import Constants
from harness.model.config import SystemConfiguration, UserGroup
from harness.results.environment import Environment
from workloads.loading import UserFile


@dataclass(frozen=True, slots=True)
class DrawnDemand:
    """A parameter of a demand that is an uncertain constant of the catalog."""

    partition: str
    group: str
    parameter: str
    constant: str


@dataclass(frozen=True)
class Cell:
    """An environment, a virtualization and a load: what one run simulates, or does for real.

    The names are labels to group by; what is simulated is the system alone.
    """

    machine: str
    os: str
    """The operating system's name, or ``mixed`` when partitions have different ones."""
    virtualization: str
    """The factor's value: ``full-system``, ``shared-uncapped``, ``hosted-vmware``..."""
    workload: str
    """The workload's name, or ``mixed`` when partitions have different ones."""
    load: tuple[tuple[str, str], ...]
    """Further factors and their values as text, in the order of the campaign file."""
    nominal_system: SystemConfiguration | None
    """What is simulated, with every demand at the catalog's stated value; a run takes
    :attr:`RunSpec.system`. None for a cell on a real target."""
    drawn_demands: tuple[DrawnDemand, ...]
    """The demands that vary with the catalog's constants."""
    duration_seconds: float
    """Time to be measured, simulated or real."""
    warm_up_seconds: float | None
    """Time to be cut off at the beginning; None: it is detected."""
    scenario: Script | None = None
    """What is done while it runs, and what is expected; None for a cell of the matrix."""
    groups: tuple[UserGroup, ...] = ()
    """Users of a real target; those of a modelled system stand with its partitions."""

    @property
    def environment(self) -> Environment:
        """What is the same for every virtualization that the cell is compared with."""
        return Environment(self.machine, self.os, self.workload, self.load)

    @property
    def title(self) -> str:
        """The cell's name in one line."""
        if self.scenario is not None:
            return f"scenario {self.scenario.name}"
        return self.environment.cell_title(self.virtualization)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Every resolved parameter, nested, as JSON holds it."""
        plain = dict(asdict(replace(self, scenario=None)), load=dict(self.load))
        return plain if self.scenario is None else {**plain, "scenario": self.scenario.parameters}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all parameters."""
        return sha256_of(self.parameters)


class UserMode(StrEnum):
    """How the users of a run are carried out; the result is the same."""

    LIVE = "live"
    """As Locust users."""
    RECORDED = "recorded"
    """From a recording of them, which other runs share."""
    COMPARED = "compared"
    """Both ways; live if the results differ."""


@dataclass(frozen=True)
class RunSpec:
    """One repetition of a cell: all that a worker needs to carry it out."""

    cell: Cell
    cell_position: int
    """The cell's place in the campaign's matrix, whatever part of it is run."""
    replication: int
    seed: int
    """The campaign's seed. Random streams are made of it, the replication, and names that do not
    depend on the virtualization, so that every virtualization sees the same arrivals."""
    constants: Constants
    """The catalog as drawn for this replication."""
    base: Path
    """The folder that locustfiles are relative to."""
    files: tuple[UserFile, ...]
    """The user's files that decide the result, sorted by path: locustfiles, the modules that they
    import, data files."""
    starts: datetime
    """Where simulated time begins."""
    model: str
    """Digest of the model's own source, so that a changed model is another run."""
    constants_digest: str = field(default="", compare=False)
    """``constants.digest()``, computed once for all runs that share the constants."""
    arrivals: int | None = None
    """The replication whose arrivals and demands the run sees; None: its own."""
    users: UserMode = field(default=UserMode.LIVE, compare=False)

    @cached_property
    def system(self) -> SystemConfiguration:
        """What this run simulates: the demands as drawn for its replication."""
        nominal = self.cell.nominal_system
        assert nominal is not None, "a real target is not simulated"
        drawn: dict[tuple[str, str], dict[str, float | int]] = {}
        for demand in self.cell.drawn_demands:
            values = drawn.setdefault((demand.partition, demand.group), {})
            values[demand.parameter] = self.constants.number(demand.constant)
        if not drawn:
            return nominal
        partitions = tuple(
            replace(
                partition,
                groups=tuple(
                    _with_demand(group, drawn.get((partition.name, group.name), {}))
                    for group in partition.groups
                ),
            )
            for partition in nominal.partitions
        )
        return replace(nominal, partitions=partitions)

    @property
    def streams(self) -> int:
        """The replication that random streams are made of."""
        return self.replication if self.arrivals is None else self.arrivals

    @cached_property
    def identity(self) -> str:
        """SHA-256 of everything that decides the result, and of nothing else."""
        return sha256_of(
            {
                "cell": self.cell.digest,
                "replication": self.streams,
                "seed": self.seed,
                "constants": self.constants_digest or self.constants.digest(),
                "files": [(file.path, file.sha256) for file in self.files],
                "starts": self.starts.isoformat(),
                "model": self.model,
            }
        )


def _with_demand(group: UserGroup, drawn: Mapping[str, float]) -> UserGroup:
    """Put drawn values in; what is a whole number stays one."""
    demand = {
        name: round(drawn[name]) if isinstance(value, int) else drawn[name]
        for name, value in group.demand.items()
        if name in drawn
    }
    return replace(group, demand={**group.demand, **demand}) if demand else group


def sha256_of(value: object) -> str:
    """Hash a value by its canonical JSON form (sorted keys, shortest exact numbers)."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
