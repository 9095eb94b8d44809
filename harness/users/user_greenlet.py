"""Greenlet in which a user's code runs on a simulated clock."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from greenlet import greenlet

from harness.errors import UserError
from harness.users.user_thread import UserThread
from workloads.source_line import users_line

if TYPE_CHECKING:
    from workloads.user import PartitionUser

WAITS_FOR_REAL = (
    "waits for something real (a lock, an event, a queue, a socket), while simulated time stands "
    "still: wait with self.partition.wait(seconds), and hold no lock over a verb"
)
"""Description of a user's waiting for something other than simulated time."""

Fail = Callable[[Exception], object]
"""Function that ends a run with an error, which a user's code cannot catch."""


def raise_error(error: Exception) -> NoReturn:
    """Raise an error where it occurs, without ending a run."""
    raise error


class UserGreenlet(greenlet):  # type: ignore[misc]
    """Greenlet that runs a user, with the attributes that Locust expects of it.

    Parameters
    ----------
    user
        The user.
    hub
        The greenlet in which time passes.
    fail
        Called with the user's errors.
    run
        The function to run; by default the user's.
    """

    def __init__(
        self,
        user: "PartitionUser",
        hub: greenlet,
        fail: Fail,
        run: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(run or user.run, hub)
        self.user = user
        self.args = (user,)
        self.fail = fail
        self.thread = UserThread(self.switch)
        # Whether a crash would interrupt it.
        self.in_verb = True

    def refuse(self, what: str) -> None:
        """End the run: the user does something that has no meaning in simulated time."""
        error = UserError(f"{users_line()}: {type(self.user).__name__} {what}")
        self.fail(error)
        raise error

    def switch_out(self) -> None:
        """Refuse to wait for an object of gevent's; gevent calls this before it switches away."""
        self.refuse(WAITS_FOR_REAL)
