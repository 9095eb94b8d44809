"""The labels that name environments and cells in metrics, live and exported."""

from collections.abc import Iterable
from typing import Protocol

from harness.printable import printable


class LabelledCell(Protocol):
    """Cell of a plan or of a store: what its labels are made of."""

    @property
    def machine(self) -> str: ...  # noqa: D102
    @property
    def os(self) -> str: ...  # noqa: D102
    @property
    def virtualization(self) -> str: ...  # noqa: D102
    @property
    def workload(self) -> str: ...  # noqa: D102
    @property
    def load(self) -> Iterable[tuple[str, str]]: ...  # noqa: D102


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


def cell_labels(cell: LabelledCell) -> dict[str, str]:
    """Return the labels that every series of a cell has, as in an export of its campaign."""
    return {
        **environment_labels(cell.machine, cell.os, cell.workload, cell.load),
        "virtualization": cell.virtualization,
    }


def _label(factor: str) -> str:
    """Make a label's name of a factor's, which may hold any character."""
    return "load_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)
