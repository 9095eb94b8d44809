"""Observation of a running machine and its users' requests."""

from typing import TYPE_CHECKING, Any

from harness.metrics.ddsketch import Digest
from harness.model.machine import Machine
from workloads.arguments import number, shown

if TYPE_CHECKING:
    # Importing Locust patches the whole process, also where metrics are only read.
    from locust.env import Environment

MOST_MS = 1e12
"""The longest response time that a request may have, in milliseconds."""

Key = tuple[str, str, str]
"""Partition, group and name of a transaction."""


class Transactions:
    """Transactions of one kind: response times of those that succeeded, number of the others."""

    def __init__(self) -> None:
        self.response = Digest()
        self.failed = 0


class Observation:
    """Machine and its users' transactions.

    Attributes
    ----------
    transactions
        By partition, group and name; in order of first appearance.
    refused
        Why the first invalid request is invalid, such as one without its user; or None.
    """

    def __init__(self, machine: Machine, environment: "Environment | None" = None) -> None:
        self.machine = machine
        self.transactions: dict[Key, Transactions] = {}
        self.refused: str | None = None
        if environment is not None:
            environment.events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]

    @property
    def now_ns(self) -> int:
        """The machine's time."""
        return self.machine.clock.now_ns

    @property
    def completed(self) -> int:
        """How many transactions have succeeded."""
        return sum(int(kind.response.count) for kind in self.transactions.values())

    @property
    def response_ns(self) -> int:
        """The sum of their response times."""
        return sum(kind.response.sum_ns for kind in self.transactions.values())

    def transactions_of(self, key: Key) -> Transactions:
        """Return the transactions of a kind, at first none."""
        kind = self.transactions.get(key)
        if kind is None:
            kind = self.transactions[key] = Transactions()
        return kind

    def _on_request(
        self,
        name: Any = None,
        response_time: Any = None,
        exception: Any = None,
        context: Any = None,
        **_: object,
    ) -> None:
        # Any value that a user reports arrives here; an error raised here Locust only prints.
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
        kind = self.transactions_of((partition, group, name))
        if exception:
            kind.failed += 1
        else:
            kind.response.add(round(milliseconds * 1e6))


def owner(context: Any) -> Any:
    """Return the user of a request: that of its context, or of the task set there.

    Raises
    ------
    LookupError, TypeError, AttributeError
        If there is none.
    """
    user = context["user"]
    return user if hasattr(user, "labels") else user.user


def problem(name: object, response_time: object, context: object) -> str:
    """Return why a reported request is invalid: its user, its time or its name; empty if valid."""
    try:
        owner(context).labels  # noqa: B018
    except (LookupError, TypeError, AttributeError):
        return (
            f"request {shown(name)} is reported without its user: mark the task with "
            "workloads.user.transaction, or fire with context={'user': self}"
        )
    if not isinstance(name, str):
        return f"a request is reported with name={shown(name)}: must be text"
    milliseconds = number(response_time)
    if milliseconds is None or not 0.0 <= milliseconds <= MOST_MS:
        return (
            f"request {shown(name)} is reported with response_time={shown(response_time)}: must "
            "be a finite number of milliseconds, not below 0"
        )
    return ""
