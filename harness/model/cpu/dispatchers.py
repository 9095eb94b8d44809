"""All dispatchers of one machine."""

from collections.abc import Sequence

from harness.engine.clock import Clock
from harness.model.cpu.cache_refill import CacheCosts
from harness.model.cpu.dedicated import Dedicated
from harness.model.cpu.dispatcher import Dispatcher
from harness.model.cpu.entities import Processor
from harness.model.cpu.shared_pool import SharedPool
from harness.model.ledger import Ledger


class Dispatchers:
    """The shared pool or the host's scheduler, those of dedicated partitions, and the reserve.

    Attributes
    ----------
    all
        All of them; each processor of the machine is in one.
    pool
        The shared processor pool, if the machine has one.
    reserve
        Where processors are that no partition owns, so that their idle time is counted.
    """

    def __init__(
        self, clock: Clock, ledger: Ledger, processors: Sequence[Processor], cache: CacheCosts
    ) -> None:
        self.clock = clock
        self.ledger = ledger
        self.processors = processors
        self.cache = cache
        self.all: list[Dispatcher] = []
        self.pool: SharedPool | None = None
        self.reserve = Dedicated(clock, ledger, [], cache)

    def dedicate(self, processors: Sequence[Processor]) -> Dedicated:
        """Make the dispatcher of a partition that owns processors."""
        own = Dedicated(self.clock, self.ledger, processors, self.cache)
        self.all.append(own)
        return own

    def keep_reserve(self) -> list[Processor]:
        """Put processors that no dispatcher has into the reserve, and return them."""
        known = {p.index for dispatcher in self.all for p in dispatcher.processors}
        rest = [p for p in self.processors if p.index not in known]
        self.reserve.processors.extend(rest)
        self.all.append(self.reserve)
        return rest
