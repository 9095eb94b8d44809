"""A target that does nothing, and says that it took as long as it was told to."""

from collections import Counter
from collections.abc import Callable, Sequence

from harness.real.host.interference import Interference, Sample
from harness.real.microbenchmarks import Microbenchmark
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.program import Program, ProgramSample

QUIET = Interference(others=0.01, stolen=0.0, load=0.2)


class ImitationTarget:
    """Stands in for :class:`harness.real.target.target.Target`.

    Parameters
    ----------
    factor
        How many times as long as natively everything takes: one microsecond for an event.
    clock
        Seconds of its clock for a second of the machine's.
    dies_after
        Requests that it answers before it ends; None: it does not.
    """

    kernel = "1.2.3-imitation"
    pid = 0

    def __init__(
        self,
        name: str = "native",
        factor: float = 1.0,
        clock: float = 1.0,
        dies_after: int | None = None,
        status: int = 0,
        refuses: str = "",
    ) -> None:
        self.name = name
        self.factor = factor
        self.clock = clock
        self.left = dies_after
        self.status = status
        self.refuses = refuses
        self.done: Counter[tuple[str, int]] = Counter()
        self.requests = 0
        self.ended = False
        self.extra: Callable[[int], float] = lambda request: 0.0
        """Seconds that a request takes longer, by its number."""

    def _begin(self) -> None:
        self.requests += 1
        if self.left is not None and self.requests > self.left:
            raise TargetError("it was killed by signal 9")

    def work(self, amounts: Sequence[tuple[Microbenchmark, int]]) -> tuple[float, float]:
        self._begin()
        if self.refuses in [event.request for event, _ in amounts]:
            raise RefusalError("No space left on device")
        for event, count in amounts:
            self.done[event.request, event.size] += count
        count = sum(count for _, count in amounts)
        seconds = 1e-6 * self.factor * count + self.extra(self.requests) * bool(count)
        return seconds * self.clock, seconds + 0.001

    def exchange(self, sent: int, received: int, count: int = 1) -> Sample:
        self._begin()
        seconds = 1e-6 * self.factor * count
        return Sample(seconds, seconds, 1e-7, QUIET)

    def run(self, program: Program) -> ProgramSample:
        self._begin()
        seconds = 0.01 * self.factor
        return ProgramSample(
            seconds=seconds,
            inside_seconds=seconds * self.clock,
            processor_seconds=seconds,
            inside_processor_seconds=seconds,
            status=self.status,
            output_bytes=10,
            output_digest="abc",
            complaint="it does not compile" if self.status else "",
            condition=QUIET,
        )

    def channel_seconds(self) -> float:
        self._begin()
        return 0.001

    def end(self) -> None:
        self.ended = True
