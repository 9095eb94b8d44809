"""Virtual processor folding: AIX gives work to no more virtual processors than it needs.

Source: SG24-7940 p.62: once a second AIX computes how many virtual processors it needs, and folds
or unfolds one.
"""

from mypy_extensions import i64

from harness.engine.event import Event
from harness.model.cpu.entities import Partition
from harness.model.cpu.reconfiguration import fold, unfold


class Folding(Event):
    """The rule of one partition.

    The number needed is what was used in the last interval, in processors, rounded up; one more
    than there are in use while threads wait for one of them.
    """

    def __init__(self, partition: Partition, interval_ns: int) -> None:
        super().__init__()
        self.partition = partition
        self.interval_ns: i64 = interval_ns
        self._used_ns: i64 = 0

    def fire(self) -> None:
        """Fold or unfold one virtual processor, and look again after the interval."""
        partition = self.partition
        partition.clock.schedule(self.interval_ns, self)
        occupied_ns: i64 = partition.occupied_ns()
        used_ns = occupied_ns - self._used_ns
        self._used_ns = occupied_ns
        if partition.down:
            return
        needed = max(1, -(-used_ns // self.interval_ns))
        in_use = len(partition.vps) - len(partition.folded)
        if partition.run_queue.threads.first is not None:
            # Those in use cannot show more use than they are; the work that waits shows the rest.
            needed = max(needed, in_use + 1)
        if in_use > needed:
            fold(partition)
        elif in_use < min(needed, len(partition.vps)):
            unfold(partition)
