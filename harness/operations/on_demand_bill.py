"""What a machine has used of Capacity on Demand: state and bill."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Charge:
    """An entry of the bill."""

    seconds: float
    """Simulated time since the start of the run."""
    kind: str
    """``permanent``, ``on-off``, ``reserve``, ``trial`` or ``utility``."""
    quantity: int
    unit: str
    """``cores``, ``processor-days`` or ``processor-minutes``."""


@dataclass(slots=True)
class OnDemand:
    """Capacity on Demand of one machine.

    Attributes
    ----------
    charges
        The bill, in order. A trial is free; its entry says that it has been used.
    turned_on
        Batches that On/Off has on at present, by number; the value is how many cores.
    reserve_cores, utility_cores
        Cores in the shared pool under Reserve and under Utility Capacity on Demand.
    """

    charges: list[Charge] = field(default_factory=list)
    turned_on: dict[int, int] = field(default_factory=dict)
    reserve_cores: int = 0
    utility_cores: int = 0

    def billed(self, kind: str) -> int:
        """Sum what has been charged of a kind."""
        return sum(charge.quantity for charge in self.charges if charge.kind == kind)
