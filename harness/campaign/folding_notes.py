"""What a plan says about virtual processor folding."""

from harness.campaign.plan import Plan
from harness.units import amount


def folding_notes(plan: Plan) -> list[str]:
    """List the workloads whose runs end before virtual processor folding looks for the first time.

    Folding looks once in an interval of the catalog, and folds or unfolds one virtual processor.
    """
    names = set()
    interval = 0.0
    for entry in plan.matrix:
        cell = entry.cell
        if cell is None or cell.nominal_system is None or entry.position not in plan.selected:
            continue
        interval = entry.context.catalog.nominal().number("hypervisor.folding_interval")
        folds = any(each.folding for each in cell.nominal_system.partitions)
        if folds and cell.duration_seconds + (cell.warm_up_seconds or 0.0) < interval:
            names.add(cell.workload)
    first = amount(interval, "s")
    return [
        f"workloads.{name}: its runs end before virtual processor folding looks for the first "
        f"time, after {first}: it does not act"
        for name in sorted(names)
    ]
