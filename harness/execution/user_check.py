"""Check of which users can be recorded: their first run is carried out both ways."""

from collections.abc import Sequence
from dataclasses import replace

from harness.campaign.cell import RunSpec, UserMode
from harness.results.packed_result import PackedResult
from harness.results.store import Outcome

Users = frozenset[str]
"""User classes of a cell, as its groups name them."""


class UserCheck:
    """Which users of a campaign run live, and which are recorded.

    A user that shares something with others, such as a counter, would see them in another order
    when it is recorded. So the first run of each set of user classes is carried out live and
    recorded; where the results differ, or the run fails, all runs with these users are live.

    Parameters
    ----------
    live
        Let all users run live.
    """

    def __init__(self, *, live: bool = False) -> None:
        self._live = live
        self._modes: dict[Users, UserMode] = {}

    def missing(self, specs: Sequence[RunSpec], outstanding: Sequence[RunSpec]) -> list[RunSpec]:
        """Return the runs that tell how the users of outstanding runs are carried out.

        Parameters
        ----------
        specs
            All runs; which one is carried out both ways depends on these alone.
        outstanding
            Those without a result.
        """
        if self._live:
            return []
        needed = {_users(spec) for spec in outstanding}
        first: dict[Users, RunSpec] = {}
        for spec in specs:
            users = _users(spec)
            if users and users in needed and users not in self._modes and users not in first:
                first[users] = replace(spec, users=UserMode.COMPARED)
        return list(first.values())

    def note(self, spec: RunSpec, outcome: Outcome) -> None:
        """Note the outcome of one of these."""
        mode = UserMode.LIVE
        if isinstance(outcome, PackedResult) and outcome.reason is None:
            mode = UserMode.RECORDED
        self._modes[_users(spec)] = mode

    def chosen(self, spec: RunSpec) -> RunSpec:
        """Return a run with the mode of its users."""
        mode = self._modes.get(_users(spec), UserMode.LIVE)
        return spec if mode is UserMode.LIVE else replace(spec, users=mode)


def _users(spec: RunSpec) -> Users:
    """Return the user classes of a run that may be recorded."""
    system = spec.cell.nominal_system
    if system is None or spec.cell.scenario is not None:
        return frozenset()
    return frozenset(group.user for each in system.partitions for group in each.groups)
