"""What things cost on a given machine: published constants turned into nanoseconds."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from harness.catalog import Constants
from harness.catalog.constants import event_names
from harness.engine.clock import to_ns


class Costs:
    """Constants at the clock of one machine.

    Parameters
    ----------
    clock_hz
        The clock of the machine's processors.
    flavour
        The hosted monitor (``vmware``, ``uml``...) whose costs a guest pays, or None.

    Attributes
    ----------
    user_ns_per_second
        Nanoseconds here for a second in user mode on the reference processor.
    known_events
        The operating-system events that have a cost.
    monitor_per_user
        What a hosted monitor spends for a nanosecond in user mode (binary translation).
    """

    def __init__(self, constants: Constants, clock_hz: float, flavour: str | None = None) -> None:
        self.constants = constants
        self.clock_hz = clock_hz
        self.flavour = flavour
        self.user_ns_per_second = 1e9 * self.number("processor.reference_clock") / clock_hz
        self.monitor_per_user = 0.0
        if flavour is not None:
            self.monitor_per_user = self.number(f"hosted.{flavour}.translation")
            self.monitor_per_user *= self.number("hosted.transfer")
        self.known_events = event_names(constants)
        self._events: dict[int, tuple[Mapping[str, float], int, int]] = {}

    def number(self, name: str) -> float:
        """Look a constant up."""
        return self.constants.number(name)

    def time(self, name: str) -> int:
        """Look a time up, in nanoseconds."""
        return to_ns(self.number(name))

    def cycles(self, cycles: float) -> int:
        """Convert cycles to nanoseconds on this machine."""
        return round(cycles / self.clock_hz * 1e9)

    def work(self, name: str) -> int:
        """Look up cycles, in nanoseconds on this machine."""
        return self.cycles(self.number(name))

    def line_transfers(self) -> tuple[float, float, float]:
        """Return what fetching a line takes that another partition has just used, in nanoseconds.

        By the distances of :mod:`harness.model.cpu.topology`; on the same core it takes nothing.
        """
        per_cycle = 1e9 / self.clock_hz / self.number("processor.refill_overlap")
        chip = self.number("processor.transfer_latency.chip")
        remote = self.number("processor.transfer_latency.remote")
        return 0.0, chip * per_cycle, remote * per_cycle

    def hosted(self, name: str, times: float = 1.0) -> int:
        """Look up cycles of the hosted monitor, carried over to this machine, in nanoseconds."""
        cycles = self.number(f"hosted.{self.flavour}.{name}") * self.number("hosted.transfer")
        return self.cycles(cycles * times)

    def user(self, processor_seconds: float) -> int:
        """Convert user-mode time on the reference processor to nanoseconds on this one."""
        return round(processor_seconds * self.user_ns_per_second)

    def events(self, events: Mapping[str, float]) -> tuple[int, int]:
        """Add up what operating-system events cost.

        Parameters
        ----------
        events
            Mean number of each; of a read-only view (``MappingProxyType``) the costs are kept.

        Returns
        -------
        Nanoseconds of the operating system as on an undivided machine, and on top those that the
        hosted monitor adds. The published differences are carried over, so that the uncertainty
        of the native costs does not turn into overhead.
        """
        fixed = isinstance(events, MappingProxyType)
        if fixed:
            known = self._events.get(id(events))
            if known is not None and known[0] is events:
                return known[1], known[2]
        native = self.number("native.transfer")
        hosted = 0.0 if self.flavour is None else self.number("hosted.transfer")
        os_cycles = monitor_cycles = 0.0
        for name, count in events.items():
            if f"events.native.{name}" not in self.constants:
                raise ValueError(f"there is no event {name!r} in the catalog")
            cycles = self.number(f"events.native.{name}")
            os_cycles += count * cycles * native
            if self.flavour is not None:
                added = self.number(f"events.{self.flavour}.{name}") - cycles
                monitor_cycles += count * max(0.0, added) * hosted
        os_ns, monitor_ns = self.cycles(os_cycles), self.cycles(monitor_cycles)
        if fixed:
            self._events[id(events)] = events, os_ns, monitor_ns
        return os_ns, monitor_ns


def fixed_and_per_unit(at: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Split costs per byte, published for two packet sizes, into a part per byte and per packet.

    With ``c(s) = b + p / s`` for payloads ``s``: two published points give both unknowns. A
    negative part per byte (the points do not decide) is taken as zero.

    Returns
    -------
    Cost per byte ``b`` and per packet ``p``.
    """
    (s1, s2), (c1, c2) = at, values
    per_packet = (c1 - c2) / (1 / s1 - 1 / s2)
    per_byte = max(0.0, c2 - per_packet / s2)
    return per_byte, per_packet
