"""The run queue of an operating system: work that waits for a virtual processor."""

from mypy_extensions import i64

from harness.engine.clock import Clock
from harness.engine.linked_list import LinkedList
from harness.model.cpu.burst import Burst


class RunQueue:
    """Work that waits for a virtual processor: interrupts' first, then threads in their order.

    Attributes
    ----------
    urgent
        Interrupts' work, and threads that come before one that runs.
    threads
        The others.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.urgent: LinkedList[Burst] = LinkedList()
        self.threads: LinkedList[Burst] = LinkedList()
        self._queued_ns: i64 = 0

    def append(self, burst: Burst) -> None:
        """Let a thread wait as the last one."""
        self.threads.append(burst)
        self._queued_ns -= self.clock.now

    def put_back(self, burst: Burst) -> None:
        """Let a thread that was interrupted go on before others that wait."""
        self.threads.appendleft(burst)
        self._queued_ns -= self.clock.now

    def append_urgent(self, burst: Burst) -> None:
        """Let work wait that comes before all threads."""
        self.urgent.append(burst)
        self._queued_ns -= self.clock.now

    def waits(self) -> bool:
        """Whether anything waits."""
        return self.urgent.length > 0 or self.threads.length > 0

    def popleft(self) -> Burst:
        """Take what is next, which must be there."""
        self._queued_ns += self.clock.now
        if self.urgent.length:
            return self.urgent.popleft()
        return self.threads.popleft()

    def rotate(self, burst: Burst) -> Burst:
        """Let a thread whose slice is over wait for its next turn; return what is next."""
        self.append(burst)
        return self.popleft()

    def items(self) -> list[Burst]:
        """Return all that waits."""
        return [*self.urgent.items(), *self.threads.items()]

    def wait_ns(self) -> int:
        """Time that work has waited, that of what still waits included.

        It is the time integral of the queue's length: what joins takes its time off, what leaves
        puts its time on.
        """
        waiting = self.threads.length + self.urgent.length
        return self._queued_ns + waiting * self.clock.now
