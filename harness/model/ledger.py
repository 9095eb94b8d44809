"""Where every processor-nanosecond goes: accounts by partition and cause."""

from enum import IntEnum


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


CAUSE_LABELS = tuple(cause.name.lower() for cause in Cause)

Account = list[int]
"""Nanoseconds by cause."""


class Ledger:
    """All accounts of one machine.

    Conservation: processors x elapsed time = the sum of all accounts + idle time, exactly.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.idle_ns = 0

    def open(self, owner: str) -> Account:
        """Open the account of a partition (or of the host) and return it."""
        if owner in self.accounts:
            raise ValueError(f"account {owner!r} is open already")
        account = [0] * len(Cause)
        self.accounts[owner] = account
        return account

    def account(self, owner: str) -> Account:
        """Return an account, which is opened if it is not open yet."""
        return self.accounts[owner] if owner in self.accounts else self.open(owner)
