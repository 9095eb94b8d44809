"""The labels that name environments and cells in metrics, live and exported."""

from collections.abc import Iterable

from harness.campaign.cell import Cell
from harness.results.record import CellRecord
from harness.printable import printable


def environment_labels(
    machine: str, os: str, workload: str, load: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """Return the labels that name an environment."""
    return {
        "machine": machine,
        "os": os,
        "workload": workload,
        **{_label(name): printable(value) for name, value in load},
    }


def cell_labels(cell: Cell | CellRecord) -> dict[str, str]:
    """Return the labels that every series of a cell has, as in an export of its campaign."""
    return {
        **environment_labels(cell.machine, cell.os, cell.workload, cell.load),
        "virtualization": cell.virtualization,
    }


def _label(factor: str) -> str:
    """Make a label's name of a factor's, which may hold any character."""
    return "load_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)
