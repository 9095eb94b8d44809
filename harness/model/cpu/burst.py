"""Processor time that some work asks for, split by cause, and interruptions of it."""

from collections.abc import Callable, Sequence
from typing import Final

from mypy_extensions import i64

from harness.engine.event import Event
from harness.engine.vecs import append, vec
from harness.model.ledger import Account, Books, Cause

Part = tuple[int, int]
"""A cause and its nanoseconds."""

_USER: Final = int(Cause.USER)
_OS: Final = int(Cause.OS)
_EMULATION: Final = int(Cause.EMULATION)


class Work:
    """Parts of processor time in the order in which they are executed.

    Attributes
    ----------
    ns
        The sum of all parts.
    """

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self._causes = vec[i64]()
        self._lengths = vec[i64]()
        self._count: i64 = 0
        self.ns: i64 = 0
        for cause, ns in parts:
            self.add(cause, ns)

    @property
    def parts(self) -> list[Part]:
        """The parts, as pairs of a cause and its nanoseconds."""
        return [(self._causes[part], self._lengths[part]) for part in range(self._count)]

    def add(self, cause: i64, ns: i64) -> None:
        """Add a part at the end."""
        count = self._count
        if count == len(self._causes):
            self._causes = append(self._causes, cause)
            self._lengths = append(self._lengths, ns)
        else:
            self._causes[count] = cause
            self._lengths[count] = ns
        self._count = count + 1
        self.ns += ns

    def change(self, first_ns: i64, second_ns: i64, third_ns: i64) -> None:
        """Give its three parts other lengths."""
        lengths = self._lengths
        lengths[0] = first_ns
        lengths[1] = second_ns
        lengths[2] = third_ns
        self.ns = first_ns + second_ns + third_ns

    def book(self, account: Account) -> None:
        """Book all of it."""
        booked, causes, lengths = account.ns, self._causes, self._lengths
        for part in range(self._count):
            booked[causes[part]] += lengths[part]

    def book_first(self, account: Account, ns: i64) -> None:
        """Book so many nanoseconds from its beginning."""
        part: i64 = 0
        while part < self._count and ns > 0:
            step = min(self._lengths[part], ns)
            account.ns[self._causes[part]] += step
            ns -= step
            part += 1

    def take_back_last(self, account: Account, ns: i64) -> i64:
        """Take so many nanoseconds of its end off an account, all of it if it has no more.

        Returns
        -------
        How many there were.
        """
        part = self._count
        taken: i64 = 0
        while part > 0 and ns > 0:
            part -= 1
            length = self._lengths[part]
            step = min(length, ns)
            account.ns[self._causes[part]] -= step
            taken += step
            ns -= length
        return taken

    def become_rest(self, work: "Work", done_ns: i64) -> None:
        """Become what is left of some work (of this one, too) after its first nanoseconds."""
        count = work._count
        self._count = 0
        self.ns = 0
        part: i64 = 0
        while part < count:
            cause, length = work._causes[part], work._lengths[part]
            step = min(length, done_ns)
            done_ns -= step
            if step < length:
                self.add(cause, length - step)
            part += 1


def work(*parts: Part) -> Work:
    """Make work of parts, leaving out those of no length."""
    return Work([part for part in parts if part[1]])


NO_WORK: Final = Work()


class Burst(Event):
    """Work for one virtual processor, charged to one account; it fires when all of it is done.

    Attributes
    ----------
    account
        The partition that pays, on whose behalf the work is done; another partition's virtual
        processor may execute it.
    work
        What is left to do.
    ns
        The sum of what is left.
    computes
        Whether it is an application's computing, which takes longer for what runs beside it.
    urgent
        Whether it is an interrupt's work.
    ran_ns
        How long its thread has run since it last waited for anything but a processor, before this
        burst and in it, as far as that is settled.
    slice_left_ns
        What its thread has left of a time slice that was interrupted; 0 for a new slice.
    """

    def __init__(self, account: Account, work: Work) -> None:
        super().__init__()
        self.account = account
        self.work = work
        self.ns: i64 = work.ns
        self.computes = False
        self.urgent = False
        self.ran_ns: i64 = 0
        self.slice_left_ns: i64 = 0
        self._rest: Work | None = None

    def ask(self, account: Account, work: Work) -> None:
        """Ask for other work, after the work before has been done."""
        self.account = account
        self.work = work
        self.ns = work.ns

    def progress(self, done_ns: i64) -> None:
        """Book the first ``done_ns`` nanoseconds of what is left and forget them."""
        if done_ns > self.ns:
            raise ValueError(f"a burst of {self.ns} ns cannot have done {done_ns} ns")
        self.ns -= done_ns
        self.ran_ns += done_ns
        self.work.book_first(self.account, done_ns)
        rest = self._rest
        if rest is None:
            # The work itself may belong to others as well.
            self._rest = rest = Work()
        rest.become_rest(self.work, done_ns)
        self.work = rest

    def carry(self, account: Account, ratio: float) -> None:
        """Have another account pay for what is left, which takes so many times as long."""
        self.account = account
        if ratio != 1.0:
            self.work = work(*((cause, round(ns * ratio)) for cause, ns in self.work.parts))
            self.ns = self.work.ns


class CallbackBurst(Burst):
    """A burst that calls a function when it is done."""

    def __init__(self, account: Account, work: Work, done: Callable[[], object]) -> None:
        super().__init__(account, work)
        self._done = done

    def fire(self) -> None:
        """Call it."""
        self._done()


class Thread(Burst):
    """A thread of an operating system, which asks for one thing at a time.

    It fires when it has what it has asked for. As long as that is processor time, it is the burst
    itself.
    """

    def __init__(self) -> None:
        super().__init__(_NO_ACCOUNT, NO_WORK)
        self.computes = True
        self._own = Work([(_USER, 0), (_OS, 0), (_EMULATION, 0)])

    def compute(self, account: Account, user_ns: i64, os_ns: i64, monitor_ns: i64) -> None:
        """Ask for processor time of an application, its operating system and a monitor."""
        own = self._own
        own.change(user_ns, os_ns, monitor_ns)
        self.account = account
        self.work = own
        self.ns = own.ns


_NO_ACCOUNT: Final = Account()


class CallbackThread(Thread):
    """A thread that calls a function when it has what it has asked for."""

    def __init__(self, done: Event) -> None:
        super().__init__()
        self._done = done

    def fire(self) -> None:
        """Call it."""
        self._done.fire()


class Interruption:
    """Work that came between, when it ends and the account that pays for it."""

    def __init__(self, end_ns: i64, account: Account, work: Work) -> None:
        self.end_ns = end_ns
        self.account = account
        self.work = work


class Interruptions:
    """The last interruptions of something, each booked in full when it began."""

    def __init__(self) -> None:
        self._kept: list[Interruption] = []
        self._count: i64 = 0

    def end_ns(self) -> i64:
        """Return when the last one ends; -1 without any."""
        if self._count == 0:
            return -1
        return self._kept[self._count - 1].end_ns

    def add(self, end_ns: i64, account: Account, work: Work) -> None:
        """Add one after all others, and book it."""
        work.book(account)
        if self._count == len(self._kept):
            self._kept.append(Interruption(end_ns, account, work))
        else:
            kept = self._kept[self._count]
            kept.end_ns = end_ns
            kept.account = account
            kept.work = work
        self._count += 1

    def clear(self) -> None:
        """Forget all."""
        self._count = 0

    def take_back(self, now_ns: i64, books: Books) -> i64:
        """Take off the accounts what lies after a time; return its nanoseconds."""
        taken: i64 = 0
        place: i64 = 0
        while place < self._count:
            each = self._kept[place]
            taken += each.work.take_back_last(books.of(each.account), each.end_ns - now_ns)
            place += 1
        return taken
