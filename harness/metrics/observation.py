"""What is observed of a running machine and its users."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.metrics.digest import Digest
from harness.platform.machine import Machine

if TYPE_CHECKING:
    # Importing Locust patches the whole process, also where metrics are only read.
    from locust.env import Environment

Key = tuple[str, str, str]
"""Partition, group and name of a transaction."""


@dataclass(slots=True)
class Transactions:
    """Transactions of one kind: response times of those that succeeded, number of the others."""

    response: Digest = field(default_factory=Digest)
    failed: int = 0


class Observation:
    """A machine, its users' transactions, and since when they are measured.

    Attributes
    ----------
    transactions
        By partition, group and name; in order of first appearance.
    start_ns
        Where the measured time begins.
    stray
        The name of a request that was reported without saying which user it is of.
    """

    def __init__(self, machine: Machine, environment: "Environment") -> None:
        self.machine = machine
        self.transactions: dict[Key, Transactions] = {}
        self.start_ns = 0
        self.completed = 0
        self.response_ns = 0
        self.stray: str | None = None
        environment.events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]

    @property
    def now_ns(self) -> int:
        """The machine's time."""
        return self.machine.clock.now_ns

    def _on_request(
        self,
        name: str,
        response_time: float,
        exception: BaseException | None,
        context: dict[str, Any],
        **_: object,
    ) -> None:
        user = context.get("user")
        if user is None:
            self.stray = name
            return
        partition, group = user.labels
        key = (partition, group, name)
        kind = self.transactions.get(key)
        if kind is None:
            kind = self.transactions[key] = Transactions()
        if exception is not None:
            kind.failed += 1
            return
        ns = round(response_time * 1e6)
        kind.response.add(ns)
        self.completed += 1
        self.response_ns += ns
