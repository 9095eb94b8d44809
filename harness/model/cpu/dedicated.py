"""Dedicated processors: a partition owns whole cores, and no other runs there."""

from harness.model.cpu.dispatcher import Dispatcher
from harness.model.cpu.entities import Processor, VirtualProcessor


class Dedicated(Dispatcher):
    """The cores of one partition, one virtual processor to a core.

    The full-system partition and physical partitions are dispatched in the same way.
    """

    def adopt(self, vp: VirtualProcessor) -> None:
        """Give a virtual processor its own core: the first that no other has."""
        super().adopt(vp)
        owned = {other.last_processor for partition in self.partitions for other in partition.vps}
        vp.last_processor = next(
            processor for processor in self.processors if processor not in owned
        )

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Name the virtual processor's own core if it is idle."""
        last = vp.last_processor
        return last if last is not None and last.vp is None else None

    def wake(self, vp: VirtualProcessor) -> None:
        """Run at once: the core serves no other virtual processor."""
        vp.ready_ns = vp.runnable_ns = self.clock.now
        assert vp.last_processor is not None
        self.start(vp, vp.last_processor)

    def release(self, processor: Processor) -> None:
        """Leave the core idle until its virtual processor wakes."""

    def forget(self, vp: VirtualProcessor) -> None:
        """Do nothing: no virtual processor ever waits."""

    def add_processor(self, processor: Processor) -> None:
        """Take one more core into service; a virtual processor for it has to be added."""
        self.processors.append(processor)

    def remove_processor(self, processor: Processor) -> None:
        """Give up a core whose virtual processor has been removed."""
        self.processors.remove(processor)
