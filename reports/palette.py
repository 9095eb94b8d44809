"""Colours and marks. Shapes, dashes, signs or words show every meaning of a colour, too.

Firmware is blue and software orange, and these colours stand for nothing else. The baseline is ink,
everything else green, violet or brown, in lightness steps that are distinct for colour-blind
readers and in grey print.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from harness.results.record import FULL_SYSTEM, LEVELS

INK = "#1b2430"
MUTED = "#5a6675"
RULE = "#d5dbe3"

Dashes = tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Style:
    """How a virtualization is drawn."""

    colour: str
    marker: str
    dashes: Dashes


_BLUES = ("#0b3c78", "#2f76c4", "#5796d6", "#4c5fb0")
_ORANGES = ("#b4480a", "#d37d12", "#7d5300", "#e0a458")
_OTHERS = ("#2e7d5b", "#7b4fa3", "#5c4a12")
_LOOKS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "firmware": (_BLUES, ("o", "s", "^", "P")),
    "software": (_ORANGES, ("D", "v", "X", "*")),
    "other": (_OTHERS, ("x", "+", "1")),
    "operating-system": (_OTHERS, ("x",)),
    "hardware": (_BLUES, ("o",)),
}
"""Level -> colours and markers of its virtualizations."""
_PLACES: Mapping[str, int] = {
    "shared-uncapped": 0,
    "shared-capped": 1,
    "dedicated": 2,
    "physical": 3,
    "hosted-vmware": 0,
    "hosted-uml": 1,
    "hosted-esx-3": 2,
    "hosted-xen-3": 3,
}
"""Shipped virtualization -> place in the colours of its level: the same in every report and
dashboard, whichever others a campaign has."""
_DASHES: Sequence[Dashes] = ((0, ()), (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))

CAUSES: Mapping[str, str] = {
    "user": "#c9cfd8",
    "os": "#98a2af",
    "tick": "#5a6675",
    "hypervisor": "#0b3c78",
    "refill": "#b9a8dc",
    "vios": "#3f86d0",
    "switch": "#a9cbee",
    "copy": "#6e2c00",
    "emulation": "#b4480a",
    "world_switch": "#e08a2b",
    "host": "#f6cd96",
    "contention": "#8f7ab8",
}
"""Causes of the ledger, in the order in which they are stacked: the work itself in greys, what the
firmware level adds in blues, what the software level adds in oranges; caches and contention in
violet."""


def level_of(
    virtualization: str, claim: Mapping[str, Any] | None, baseline: str = FULL_SYSTEM
) -> str:
    """Return ``baseline``, ``firmware``, ``software`` or ``other``.

    On a real machine there are ``operating-system`` and ``hardware``, too.

    The claim decides where there is one; otherwise partitions that the hypervisor dispatches are
    firmware and hosted ones are software.
    """
    if virtualization == baseline:
        return "baseline"
    if virtualization in LEVELS:
        return LEVELS[virtualization]
    if claim is not None:
        levels = (level for level in ("firmware", "software") if virtualization in claim[level])
        return next(levels, "other")
    if virtualization.startswith("hosted-"):
        return "software"
    return "firmware" if virtualization.startswith("shared-") else "other"


def styles(
    virtualizations: Sequence[str],
    claim: Mapping[str, Any] | None,
    baseline: str = FULL_SYSTEM,
) -> dict[str, Style]:
    """Choose a style for each virtualization; those of a level have similar colours."""
    taken: dict[str, set[int]] = {}
    made = {}
    for name in sorted(virtualizations, key=lambda name: name not in _PLACES):
        level = level_of(name, claim, baseline)
        if level == "baseline":
            made[name] = Style(INK, "|", (0, ()))
            continue
        others = taken.setdefault(level, set())
        number = _PLACES[name] if name in _PLACES else next(n for n in count() if n not in others)
        others.add(number)
        colours, markers = _LOOKS[level]
        made[name] = Style(
            colours[number % len(colours)],
            markers[number % len(markers)],
            _DASHES[number % len(_DASHES)],
        )
    return {name: made[name] for name in virtualizations}
