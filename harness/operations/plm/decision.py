"""One decision of the Partition Load Manager: which partition gives a resource to which.

It looks for what a partition needs in this order: what no partition owns; partitions that do not
need all they have; partitions that have more than they are guaranteed and deserve it less, by their
shares (after IBM's overview of PLM and table 8-2 of "WebSphere on AIX"). Quantities are
whole numbers of the smallest amount that moves: hundredths of a core, cores, memory blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """What a partition has of a resource, may have, and needs.

    Attributes
    ----------
    held, minimum, guaranteed, maximum
        The last three as far as both the policy and the console's profile allow.
    shares
        Of what is beyond the guaranteed amounts; 0: none of it.
    delta
        How much it gains or gives at most in one action.
    wants
        Its load has been above the high threshold for long enough.
    needs
        Its load has not been below the low threshold for as long: it has a right to its guarantee.
    spares
        Its load has been below the low threshold for long enough.
    releases
        It gives back at once what it does not need.
    """

    held: int
    minimum: int
    guaranteed: int
    maximum: int
    shares: int
    delta: int
    wants: bool = False
    needs: bool = False
    spares: bool = False
    releases: bool = False

    @property
    def ceiling(self) -> int:
        """The most that it may ever get."""
        return self.maximum if self.shares else min(self.maximum, self.guaranteed)

    @property
    def excess(self) -> int:
        """What it has beyond what it is guaranteed."""
        return max(0, self.held - self.guaranteed)


@dataclass(frozen=True, slots=True)
class Transfer:
    """An amount that moves; None stands for what no partition owns."""

    source: str | None
    target: str | None
    amount: int


def decide(standings: Mapping[str, Standing], free: int, room: int) -> list[Transfer]:
    """Decide what moves among the partitions of a group.

    Parameters
    ----------
    free
        What no partition owns.
    room
        How much the group as a whole may still grow.
    """
    given: dict[str, int] = {}
    transfers: list[Transfer] = []
    for name in _requesters(standings):
        own = standings[name]
        ceiling = own.ceiling if own.wants else min(own.ceiling, own.guaranteed)
        missing = min(own.delta, ceiling - own.held)
        taken = max(0, min(missing, free, room))
        if taken:
            free -= taken
            room -= taken
            missing -= taken
            transfers.append(Transfer(None, name, taken))
        for source, most in _sources(standings, name, own.held + taken):
            amount = min(missing, most - given.get(source, 0))
            if amount > 0:
                given[source] = given.get(source, 0) + amount
                missing -= amount
                transfers.append(Transfer(source, name, amount))
    for name, own in standings.items():
        if own.spares and own.releases and name not in given:
            amount = min(own.delta, own.held - own.minimum)
            if amount > 0:
                transfers.append(Transfer(name, None, amount))
    return transfers


def _requesters(standings: Mapping[str, Standing]) -> list[str]:
    """List those that are to get more: first who is short of its guarantee, then by shares."""

    def short(own: Standing) -> bool:
        return own.held < own.guaranteed and (own.wants or own.needs)

    asking = [n for n, own in standings.items() if short(own) or own.wants]
    return sorted(asking, key=lambda n: (not short(standings[n]), _greed(standings[n])))


def _greed(own: Standing) -> float:
    """Weigh what it has beyond its guarantee by its shares: the more, the less it deserves it."""
    if not own.excess:
        return 0.0
    return own.excess / own.shares if own.shares else float("inf")


def _sources(standings: Mapping[str, Standing], requester: str, held: int) -> list[tuple[str, int]]:
    """List who can give to a requester that has so much, and how much at most, in order."""
    found: list[tuple[str, int]] = []
    others = {name: own for name, own in standings.items() if name != requester}
    donors = [name for name, own in others.items() if own.spares]
    for name in sorted(donors, key=lambda name: others[name].minimum - others[name].held):
        own = others[name]
        found.append((name, min(own.delta, own.held - own.minimum)))
    rest = [name for name in others if name not in donors]
    for name in sorted(rest, key=lambda name: -_greed(others[name])):
        own = others[name]
        found.append((name, min(own.delta, _undeserved(own, standings[requester], held))))
    return found


def _undeserved(own: Standing, requester: Standing, held: int) -> int:
    """How much of a partition's excess a requester deserves more.

    Up to its guarantee it deserves all of it; beyond, both have as much for each share in the end.
    """
    short = max(0, requester.guaranteed - held)
    if short >= own.excess:
        return own.excess
    excess = max(0, held - requester.guaranteed)
    left = own.excess - short
    if not own.shares:
        even = left
    elif not requester.shares:
        even = 0
    else:
        even = (requester.shares * left - own.shares * excess) // (requester.shares + own.shares)
    return short + max(0, even)
