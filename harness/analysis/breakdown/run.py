"""A run as it is explained: what it counted, how it was configured, what things cost in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.catalog import Constants
from harness.model.caches import world_switch_displacement
from harness.model.costs import Costs
from harness.model.io.vios import VirtualScsiCosts, interrupt_cost

SIGNAL = ("hypervisor.interrupt", "hypervisor.wake")
"""What presenting an interrupt and waking its partition is made of."""


REFILL = (
    "processor.working_set",
    "processor.l3_latency",
    "processor.memory_latency",
    "processor.refill_overlap",
    "processor.tlb_miss",
)
"""What the time to fetch again depends on."""


@dataclass(frozen=True, slots=True)
class CostItem:
    """One kind of event under one cause."""

    cause: str
    """An account of the ledger."""
    event: str
    """What happened, in plain words."""
    count: float
    """How often, in the measured time."""
    seconds: float
    """Processor time that this many cost, on the whole machine."""
    constants: tuple[str, ...]
    """What the cost of one is made of."""

    def plus(self, other: "CostItem", share: float = 1.0) -> "CostItem":
        """Add a share of an item of the same cause and event."""
        return CostItem(
            self.cause,
            self.event,
            self.count + other.count * share,
            self.seconds + other.seconds * share,
            tuple(dict.fromkeys((*self.constants, *other.constants))),
        )


class Counts:
    """The counters of a run, by name and labels."""

    def __init__(self, samples: Iterable[tuple[str, Mapping[str, str], float]]) -> None:
        self._samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for name, labels, value in samples:
            self._samples.setdefault(name, []).append((labels, value))

    def each(self, name: str) -> list[tuple[Mapping[str, str], float]]:
        """Return the labels and values of a counter, named without ``vtax_`` and ``_total``."""
        return self._samples.get(f"vtax_{name}_total", [])

    def by(self, name: str, label: str) -> dict[str, float]:
        """Sum a counter for each value of a label."""
        totals: dict[str, float] = {}
        for labels, value in self.each(name):
            totals[labels[label]] = totals.get(labels[label], 0.0) + value
        return totals

    def of(self, name: str, **wanted: str) -> float:
        """Sum a counter over all samples that have these labels."""
        return sum(
            value
            for labels, value in self.each(name)
            if all(labels.get(key) == text for key, text in wanted.items())
        )


class Run:
    """What one run counted, and what each thing cost in it.

    Parameters
    ----------
    samples
        What the run exposed; counters are increases over the measured time.
    system
        The configuration of the machine, as the store keeps it.
    constants
        As drawn for the run.

    Attributes
    ----------
    flavour
        The hosted monitor, or None.
    signal_ns
        What it costs to present an interrupt and wake its partition.
    """

    def __init__(
        self,
        samples: Iterable[tuple[str, Mapping[str, str], float]],
        system: Mapping[str, Any],
        constants: Constants,
    ) -> None:
        self.counts = Counts(samples)
        self.system = system
        self.flavour: str | None = system["flavour"]
        self.costs = Costs(constants, system["machine"]["clock_hz"], self.flavour)
        self.signal_ns = interrupt_cost(self.costs)
        self.virtual_scsi = {
            backing: VirtualScsiCosts(self.costs, backing)
            for backing in ("physical", "logical-volume")
        }

    def item(
        self, cause: str, event: str, count: float, each_ns: float, *constants: str
    ) -> CostItem:
        """Say that something happened so often, at so many nanoseconds each."""
        return CostItem(cause, event, count, count * each_ns / 1e9, constants)

    def hosted(self, name: str, times: float = 1.0) -> int:
        """Return what an event costs the hosted monitor, in nanoseconds."""
        return self.costs.hosted(name, times)

    def world_switch_refill(self, switches: float, *names: str) -> CostItem:
        """Count what a guest fetches again after so many world switches; name what counts them."""
        return self.item(
            "refill",
            "what a world switch displaced, fetched again",
            switches,
            world_switch_displacement(self.costs).ns,
            *self.names("footprint", "tlb_entries", *names)[:-1],
            *REFILL,
        )

    def names(self, *names: str) -> tuple[str, ...]:
        """Name constants of the hosted monitor, and what they are carried over with."""
        return (*(f"hosted.{self.flavour}.{name}" for name in names), "hosted.transfer")
