"""Environment: machine, operating system, workload and load, in which virtualizations compete."""

from typing import Any, NamedTuple

from harness.printable import printable

Load = tuple[tuple[str, str], ...]
"""Further factors and their values as text, in the order of the campaign file."""


class Environment(NamedTuple):
    """What all virtualizations that are compared with each other have in common."""

    machine: str
    os: str
    workload: str
    load: Load

    @property
    def title(self) -> str:
        """Name in one line."""
        return " / ".join(self[:3]) + _text(self.load)

    def cell_title(self, virtualization: str) -> str:
        """Name of the cell of a virtualization, in one line."""
        return " / ".join((*self[:2], virtualization, self.workload)) + _text(self.load)

    def labels(self, **more: str) -> dict[str, str]:
        """Prometheus labels, live and in exports; ``more`` labels follow."""
        load = {_label(name): printable(value) for name, value in self.load}
        return {**dict(zip(self._fields, self[:3], strict=False)), **load, **more}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it, the load as an object."""
        return {**self._asdict(), "load": dict(self.load)}


def _text(load: Load) -> str:
    return "".join(f", {name} = {value}" for name, value in load)


def _label(factor: str) -> str:
    """Make the name of a label from the name of a factor, which may hold any character."""
    return "load_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)
