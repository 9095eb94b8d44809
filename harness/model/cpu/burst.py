"""A stretch of processor time that some work asks for, split by cause."""

from collections.abc import Callable, Sequence

from harness.model.ledger import Account

Part = tuple[int, int]
"""A cause and its nanoseconds."""

Work = tuple[tuple[Part, ...], int]
"""Parts in order, and the sum of their nanoseconds."""


def work(*parts: Part) -> Work:
    """Add parts up, leaving out those of no length."""
    return tuple(part for part in parts if part[1]), sum(ns for _, ns in parts)


Interruption = tuple[int, Account, tuple[Part, ...]]
"""When something ends that has come between, who pays for it, and its parts."""


def unspent(interruptions: Sequence[Interruption], now_ns: int) -> list[tuple[Account, list[Part]]]:
    """Say what of interruptions, booked in full when they began, lies after a time."""
    return [(account, cut(parts, end - now_ns)) for end, account, parts in interruptions]


def cut(parts: Sequence[Part], ns: int) -> list[Part]:
    """Take so many nanoseconds of some parts from their end, all of them if they have no more."""
    taken = []
    for cause, most in reversed(parts):
        if ns <= 0:
            break
        taken.append((cause, min(most, ns)))
        ns -= most
    return taken


class Burst:
    """Work for one virtual processor, charged to one account.

    Attributes
    ----------
    account
        Who pays: the partition on whose behalf the work is done, which need not be the partition
        whose virtual processor executes it.
    parts
        What is left to do, in order: (cause, nanoseconds).
    ns
        The sum of what is left.
    done
        Called when the last nanosecond has been executed.
    """

    __slots__ = ("account", "done", "ns", "parts")

    def __init__(self, account: Account, work: Work, done: Callable[[], object]) -> None:
        self.account = account
        self.parts, self.ns = work
        self.done = done

    def progress(self, done_ns: int) -> None:
        """Book the first ``done_ns`` nanoseconds of what is left and forget them."""
        if done_ns > self.ns:
            raise ValueError(f"a burst of {self.ns} ns cannot have done {done_ns} ns")
        self.ns -= done_ns
        left = []
        for cause, ns in self.parts:
            step = min(ns, done_ns)
            self.account[cause] += step
            done_ns -= step
            if step < ns:
                left.append((cause, ns - step))
        self.parts = tuple(left)

    def split(self, done_ns: int) -> list[Part]:
        """Say how the first ``done_ns`` nanoseconds divide by cause, booking nothing."""
        taken = []
        for cause, ns in self.parts:
            step = min(ns, done_ns)
            done_ns -= step
            taken.append((cause, step))
        return taken

    def carry(self, account: Account, ratio: float) -> None:
        """Let somebody else pay for what is left, and let it take so many times as long."""
        self.account = account
        if ratio != 1.0:
            self.parts, self.ns = work(*((cause, round(ns * ratio)) for cause, ns in self.parts))
