"""The labels that name a cell in metrics."""

from harness.campaign.cell import Cell
from harness.campaign.record import CellRecord


def cell_labels(cell: Cell | CellRecord) -> dict[str, str]:
    """Return the labels that every series of a cell has, as in an export of its campaign."""
    return {
        "machine": cell.machine,
        "os": cell.os,
        "virtualization": cell.virtualization,
        "workload": cell.workload,
        **{_label(name): value for name, value in cell.load},
    }


def _label(factor: str) -> str:
    """Make a label's name of a factor's, which may hold any character."""
    return "load_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)
