"""Physical processors (cores) and the chips whose caches they share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.platform.virtual_processor import VirtualProcessor


class Chip:
    """Cores that share a second-level cache.

    ``filled_lines`` counts the lines ever fetched after a dispatch: the difference between two
    moments is what was driven out in between, at most.
    """

    __slots__ = ("filled_lines", "processors")

    def __init__(self) -> None:
        self.filled_lines = 0
        self.processors: list[Processor] = []


class Processor:
    """One core.

    ``free_ns`` is the time since which the core has had nothing to do, while ``vp`` is None. It
    may lie a few microseconds ahead when an idle partition's tick has just borrowed the core.
    """

    __slots__ = ("chip", "free_ns", "index", "vp")

    def __init__(self, index: int, chip: Chip) -> None:
        self.index = index
        self.chip = chip
        self.vp: VirtualProcessor | None = None
        self.free_ns = 0
        chip.processors.append(self)


def build_processors(cores: int, cores_per_chip: int) -> list[Processor]:
    """Make ``cores`` processors, ``cores_per_chip`` to a chip."""
    processors: list[Processor] = []
    chip = Chip()
    for index in range(cores):
        if index % cores_per_chip == 0:
            chip = Chip()
        processors.append(Processor(index, chip))
    return processors
