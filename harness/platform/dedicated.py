"""Dedicated processors: a partition owns whole cores and nobody else runs there."""

from harness.platform.dispatcher import Dispatcher
from harness.platform.processor import Processor
from harness.platform.virtual_processor import VirtualProcessor


class Dedicated(Dispatcher):
    """The cores of one partition, one virtual processor to a core.

    The full-system partition and physical partitions are dispatched in the same way.
    """

    def free_processor(self, vp: VirtualProcessor) -> Processor | None:
        """Name the virtual processor's own core if it is idle."""
        processor = self.processors[vp.index]
        return processor if processor.vp is None else None

    def wake(self, vp: VirtualProcessor) -> None:
        """Run at once: the core waits for nobody else."""
        vp.ready_ns = self.clock.now_ns
        self.start(vp, self.processors[vp.index])

    def release(self, processor: Processor) -> None:
        """Leave the core idle until its virtual processor wakes."""
