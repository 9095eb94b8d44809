"""What a metric family is: name, kind, help, labels, and how it is read off a machine."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from harness.metrics.observer import Observation

Kind = Literal["counter", "gauge"]
Labels = tuple[str, ...]
Rows = Iterable[tuple[Labels, Any]]
"""Label values, and the number or the object that has it."""


def _itself(value: float) -> float:
    return value


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family and how it is read off a machine.

    A counter's name is given without its ``_total``.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    rows: Callable[[Observation], Rows]
    value: Callable[[Any], float] = _itself
    """Reads the number off the object of a row."""
    kind: Kind = "counter"

    def read(self, observation: Observation) -> Iterator[tuple[Labels, float]]:
        """Yield label values and numbers as they stand at this moment."""
        for labels, each in self.rows(observation):
            yield labels, self.value(each)

    @property
    def sample_name(self) -> str:
        """The name that a sample of the family has in an exposition."""
        return f"{self.name}_total" if self.kind == "counter" else self.name
