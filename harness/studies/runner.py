"""Runs of a study: those missing are carried out, all are kept in the study's store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from harness.campaign.cell import RunSpec
from harness.catalog.constants import Constants, NotedConstants
from harness.execution.execute import ExecutorFactory, Observer, execute
from harness.execution.user_check import UserCheck
from harness.metrics.measures import Measures
from harness.results.run_result import RunResult
from harness.results.store import Store
from harness.runs.run_cell import run_cell

T = TypeVar("T")

NOTED = "vtax_constant_read"
"""Sample that marks a constant that the run has read."""


def run_noting(spec: RunSpec) -> RunResult:
    """Carry out a run and note in its result the constants that it has read."""
    noted = NotedConstants(spec.constants)
    result = run_cell(replace(spec, constants=noted))
    result.samples += [(NOTED, {"constant": name}, 1.0) for name in sorted(noted.read)]
    return result


def read_by(result: RunResult) -> frozenset[str]:
    """Return the constants that a run has read."""
    return frozenset(labels["constant"] for name, labels, _ in result.samples if name == NOTED)


def with_constants(spec: RunSpec, constants: Constants, number: int) -> RunSpec:
    """Repeat a run, its arrivals and demands included, with other constants.

    Parameters
    ----------
    number
        The replication as which the store keeps it.
    """
    return replace(
        spec,
        constants=constants,
        constants_digest=constants.digest(),
        replication=number,
        arrivals=spec.streams,
    )


def moved(stated: Constants, specs: Sequence[RunSpec]) -> dict[str, dict[str, Any]]:
    """Digest of constants -> values that differ from those stated."""
    constants = {spec.constants_digest: spec.constants for spec in specs}
    return {
        digest: {name: value for name, value in each.items() if stated.get(name) != value}
        for digest, each in constants.items()
    }


class Runner:
    """Carries out runs of a study and returns their measures.

    Parameters
    ----------
    run
        Carries out one run.
    drawn
        Returns, for some runs, the drawn constants by digest, as the store keeps them.
    """

    def __init__(
        self,
        store: Store,
        run: Callable[[RunSpec], RunResult],
        drawn: Callable[[Sequence[RunSpec]], Mapping[str, Mapping[str, Any]]],
        *,
        workers: ExecutorFactory,
        observer: Observer | None = None,
    ) -> None:
        self._store = store
        self._run = run
        self._drawn = drawn
        self._workers = workers
        self._observer = observer
        self._users = UserCheck()
        self._asked: set[str] = set()
        self._without: set[str] = set()

    @property
    def made(self) -> int:
        """How many different runs were asked for so far, those kept from before included."""
        return len(self._asked)

    @property
    def failed(self) -> int:
        """How many of them have no result."""
        return len(self._without)

    def measures(self, specs: Sequence[RunSpec]) -> dict[str, Measures]:
        """Return what runs measured, by identity; as :meth:`results`."""
        return self._each(specs, self._store.measured_by)

    def results(self, specs: Sequence[RunSpec]) -> dict[str, RunResult]:
        """Carry out what has no result yet; return the results by identity.

        Raises
        ------
        KeyboardInterrupt
            When SIGINT came.
        """
        return self._each(specs, self._store.result)

    def _each(self, specs: Sequence[RunSpec], read: Callable[[str], T | None]) -> dict[str, T]:
        unique = {spec.identity: spec for spec in specs}
        summary = execute(
            list(unique.values()),
            self._store,
            self._run,
            workers=self._workers,
            drawn=self._drawn(list(unique.values())),
            observer=self._observer,
            users=self._users,
        )
        if summary.interrupted:
            raise KeyboardInterrupt
        self._asked.update(unique)
        kept = {identity: read(identity) for identity in unique}
        results = {identity: result for identity, result in kept.items() if result is not None}
        self._without.update(unique.keys() - results.keys())
        return results
