"""Where every processor-nanosecond goes: accounts by partition and cause."""

from enum import IntEnum

from mypy_extensions import i64

from harness.engine.vecs import vec


class Cause(IntEnum):
    """Why a processor was busy. The numbers index an account."""

    USER = 0
    """The application's own instructions."""
    OS = 1
    """The operating system's work for the application, as on an undivided machine."""
    TICK = 2
    """Clock ticks of a partition's operating system."""
    HYPERVISOR = 3
    """Switching virtual processors, hypervisor calls, presenting interrupts."""
    REFILL = 4
    """Fetching again what others drove out of the caches."""
    VIOS = 5
    """A Virtual I/O Server's work on a client's operation."""
    SWITCH = 6
    """The hypervisor's virtual Ethernet switch copying frames."""
    COPY = 7
    """Copying data between a guest and its host."""
    EMULATION = 8
    """A monitor doing in software what hardware or the OS does natively."""
    WORLD_SWITCH = 9
    """Changing between the monitor's and the host's state of a processor."""
    HOST = 10
    """The host operating system's work: scheduling, ticks, its own I/O path."""
    CONTENTION = 11
    """Waiting, while running, for locks, caches and memory that other processors use."""


CAUSE_LABELS = tuple(cause.name.lower() for cause in Cause)


class Account:
    """Nanoseconds by cause.

    Attributes
    ----------
    ns
        The nanoseconds, indexed by cause.
    """

    def __init__(self) -> None:
        self.ns = vec[i64]([0] * len(CAUSE_LABELS))

    def add(self, cause: i64, ns: i64) -> None:
        """Book nanoseconds; negative ones are taken back."""
        self.ns[cause] += ns

    def total(self) -> int:
        """Return the sum over all causes."""
        return sum(self.ns)

    def copy(self) -> "Account":
        """Return an independent copy."""
        twin = Account()
        twin.ns = vec[i64](self.ns)
        return twin


class Ledger:
    """All accounts of one machine.

    Conservation: processors x elapsed time = the sum of all accounts + idle time, exactly.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.idle_ns: i64 = 0

    def open(self, owner: str) -> Account:
        """Open the account of a partition (or of the host) and return it."""
        if owner in self.accounts:
            raise ValueError(f"account {owner!r} is open already")
        account = Account()
        self.accounts[owner] = account
        return account

    def account(self, owner: str) -> Account:
        """Return an account, which is opened if it is not open yet."""
        return self.accounts[owner] if owner in self.accounts else self.open(owner)


class Books:
    """Where an account is booked: in the account itself."""

    def of(self, account: Account) -> Account:
        """Return the account to book in."""
        return account


class Snapshot(Books):
    """Copies of all accounts of a ledger, to book in what is under way at this moment."""

    def __init__(self, ledger: Ledger) -> None:
        self._copies = {account: account.copy() for account in ledger.accounts.values()}

    def of(self, account: Account) -> Account:
        """Return the copy of an account."""
        return self._copies[account]
