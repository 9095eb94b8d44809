"""Constants that decide the costs of the virtualizations of a campaign."""

from collections.abc import Collection, Mapping
from contextlib import suppress

from harness.analysis.breakdown.accounts import cost_items
from harness.analysis.breakdown.breakdown import run_constants
from harness.analysis.breakdown.run import Run
from harness.results.record import CampaignRecord, CellRecord
from harness.results.store import Store

DISPATCHING: Mapping[str, tuple[str, ...]] = {
    "shared": ("hypervisor.window", "hypervisor.spare_slice"),
    "hosted": ("hosted.host.timeslice", "hosted.host.tick_rate", "hosted.host.wake_preemption"),
}
"""Beginning of a virtualization's name -> constants that cost nothing but decide who waits."""


def used_constants(store: Store) -> dict[str, tuple[str, ...]]:
    """Constants of the costs of each virtualization, beyond the baseline's.

    One run of each workload is read, because all others have the same kinds of events.

    Returns
    -------
    dict
        Virtualization -> sorted names of constants; those without a complete run are left out,
        and all of real machines.
    """
    if store.campaign.real is not None or store.campaign.imported is not None:
        return {}
    chosen = _chosen(store.campaign, store.measured())
    drawn = store.drawn()
    found: dict[str, set[str]] = {}
    seen: set[int] = set()
    for stored, result in store.results(chosen):
        position = stored.cell.position
        if result is None or position in seen:
            continue
        seen.add(position)
        constants = run_constants(store.campaign, drawn.get(stored.constants, {}))
        names = found.setdefault(stored.cell.virtualization, set())
        with suppress(KeyError):  # another version of the catalog, which lacks constants
            run = Run(result.samples, stored.cell.parameters["nominal_system"], constants)
            names.update(name for item in cost_items(run) for name in item.constants)
    everywhere = found.pop(store.campaign.baseline, set())
    for virtualization, names in found.items():
        names.difference_update(everywhere)
        for beginning, further in DISPATCHING.items():
            if virtualization.startswith(beginning):
                names.update(further)
    return {virtualization: tuple(sorted(names)) for virtualization, names in found.items()}


def scenario_constants(store: Store) -> tuple[str, ...]:
    """Return the constants of the costs in the scenarios of a campaign, sorted.

    One run of each scenario is read. What an operation takes is not among them.
    """
    positions = frozenset(cell.position for cell in store.campaign.cells if cell.scenario)
    drawn = store.drawn()
    names: set[str] = set()
    seen: set[int] = set()
    for stored, result in store.results(positions) if positions else ():
        if result is None or stored.cell.position in seen:
            continue
        seen.add(stored.cell.position)
        constants = run_constants(store.campaign, drawn.get(stored.constants, {}))
        with suppress(KeyError):  # partitions of other machines, another version of the catalog
            run = Run(result.samples, stored.cell.parameters["nominal_system"], constants)
            names.update(name for item in cost_items(run) for name in item.constants)
    return tuple(sorted(names))


def _chosen(campaign: CampaignRecord, measured: Collection[int]) -> frozenset[int]:
    """Choose a cell of each virtualization and workload that has results."""
    cells: dict[tuple[str, str], CellRecord] = {}
    for cell in campaign.cells:
        if cell.scenario is None and cell.position in measured:
            cells.setdefault((cell.virtualization, cell.workload), cell)
    return frozenset(cell.position for cell in cells.values())
