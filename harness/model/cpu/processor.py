"""Physical processors (cores) and the chips whose caches they share."""

from typing import TYPE_CHECKING

from harness.model.cpu.burst import Interruption, Part
from harness.model.ledger import Account

if TYPE_CHECKING:
    from harness.model.cpu.virtual_processor import VirtualProcessor


class Chip:
    """Cores that share a second-level cache.

    ``recent`` holds how long the last turn of the virtual processors that have left was (in
    nanoseconds), in the order in which they left; ``lines`` is the sum of the working sets of all
    that were ever here.
    """

    __slots__ = ("lines", "lru", "processors")

    def __init__(self) -> None:
        self.lines = 0
        self.processors: list[Processor] = []
        self.lru: dict[VirtualProcessor, int] = {}


class Processor:
    """One core.

    ``free_ns`` is the time since which the core has had nothing to do, while ``vp`` is None. It
    may lie a few microseconds ahead when an idle partition's tick has just borrowed the core;
    ``borrowed`` holds the last of such ticks.
    """

    __slots__ = ("borrowed", "chip", "free_ns", "index", "vp")

    def __init__(self, index: int, chip: Chip) -> None:
        self.index = index
        self.chip = chip
        self.vp: VirtualProcessor | None = None
        self.free_ns = 0
        self.borrowed: list[Interruption] = []
        chip.processors.append(self)

    def run_idle_tick(
        self, account: Account, parts: tuple[Part, ...], ns: int, now_ns: int
    ) -> tuple[int, int]:
        """Let somebody use the idle core for a moment; return from when to when."""
        begin = max(self.free_ns, now_ns)
        self.free_ns = end = begin + ns
        if begin == now_ns:
            self.borrowed.clear()
        self.borrowed.append((end, account, parts))
        for cause, part_ns in parts:
            account[cause] += part_ns
        return begin, end


def build_processors(cores: int, cores_per_chip: int) -> list[Processor]:
    """Make ``cores`` processors, ``cores_per_chip`` to a chip."""
    processors: list[Processor] = []
    chip = Chip()
    for index in range(cores):
        if index % cores_per_chip == 0:
            chip = Chip()
        processors.append(Processor(index, chip))
    return processors
