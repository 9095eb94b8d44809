"""What is observed of a running machine and its users."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.metrics.ddsketch import Digest
from harness.metrics.request import MOST_MS, owner, problem
from harness.model.machine import Machine
from workloads.arguments import number

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
    refused
        Why the first request that was none is none, such as one without its user; or None.
    """

    def __init__(self, machine: Machine, environment: "Environment") -> None:
        self.machine = machine
        self.transactions: dict[Key, Transactions] = {}
        self.start_ns = 0
        self.completed = 0
        self.response_ns = 0
        self.refused: str | None = None
        environment.events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]

    @property
    def now_ns(self) -> int:
        """The machine's time."""
        return self.machine.clock.now_ns

    def _on_request(
        self,
        name: Any = None,
        response_time: Any = None,
        exception: Any = None,
        context: Any = None,
        **_: object,
    ) -> None:
        # Whatever a user reports arrives here: Locust prints an error of ours, and goes on.
        try:
            partition, group = owner(context).labels
            milliseconds = response_time if type(response_time) is float else number(response_time)
            if not isinstance(name, str) or milliseconds is None:
                raise TypeError
            if not 0.0 <= milliseconds <= MOST_MS:
                raise ValueError
        except (LookupError, TypeError, AttributeError, ValueError):
            self.refused = self.refused or problem(name, response_time, context)
            return
        key = (partition, group, name)
        kind = self.transactions.get(key)
        if kind is None:
            kind = self.transactions[key] = Transactions()
        if exception:
            kind.failed += 1
            return
        ns = round(milliseconds * 1e6)
        kind.response.add(ns)
        self.completed += 1
        self.response_ns += ns
