"""Users of a modelled partition as threads of its operating system."""

from collections.abc import Callable

from harness.model.cpu.burst import Thread


class UserThread(Thread):
    """The thread of one user, which goes on in a greenlet of its own.

    Parameters
    ----------
    switch
        Switches to the user's greenlet.
    """

    def __init__(self, switch: Callable[[], object]) -> None:
        super().__init__()
        self._switch = switch

    def fire(self) -> None:
        """Let the user go on."""
        self._switch()
