"""Idle processors of a scheduler."""

from harness.engine.linked_list import LinkedList
from harness.model.cpu.entities import Processor


class FreeProcessors:
    """Idle processors of a scheduler in the order in which they became idle."""

    def __init__(self, processors: list[Processor]) -> None:
        self._list: LinkedList[Processor] = LinkedList()
        for processor in processors:
            self.put(processor)

    @property
    def indices(self) -> list[int]:
        """The processors' indices, in order."""
        return [processor.index for processor in self._list.items()]

    def first(self) -> Processor | None:
        """Return the one that has been idle longest, or None."""
        return self._list.first

    def put(self, processor: Processor) -> None:
        """Add one that has become idle."""
        processor.free = True
        self._list.append(processor)

    def take(self, processor: Processor) -> None:
        """Take one that is about to be used."""
        processor.free = False
        self._list.remove(processor)

    def take_highest(self) -> Processor | None:
        """Take the one with the highest index, if there is any."""
        highest = self._list.first
        if highest is None:
            return None
        for processor in self._list.items():
            if processor.index > highest.index:
                highest = processor
        self.take(highest)
        return highest
