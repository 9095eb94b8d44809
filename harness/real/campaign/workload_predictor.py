"""Predicted cost of each work of a campaign in each target, before it is run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.campaign.cell import RunSpec
from harness.real.calibration.costs import MachineCosts
from harness.real.calibration.file import write
from harness.real.campaign.partition import RealPartition
from harness.real.campaign.run import drive
from harness.real.prediction.from_events import predict_events
from harness.real.prediction.prediction import Prediction, predict
from harness.real.profiling.file import profile_document
from harness.real.profiling.program import profile_program
from harness.real.programs.shipped import PROGRAM_BY_NAME
from harness.real.target.target import Target
from harness.statistics.intervals import Interval, finite

PROFILED_TRANSACTIONS = 3
"""Transactions that are done natively to count the events of a work."""
REPETITIONS = 3
"""Timed runs of a profiled program."""


class WorkloadPredictor:
    """Predictor of works from the costs of a machine.

    Parameters
    ----------
    costs
        Costs of events.
    rounds_per_second
        As for :class:`harness.real.campaign.partition.RealPartition`.
    scratch
        Directories on a tmpfs and on a disk, for programs that are profiled.
    results
        Directory for profiles of programs.
    show
        Shows what is being done.
    """

    def __init__(
        self,
        costs: MachineCosts,
        rounds_per_second: float,
        scratch: tuple[Path, Path],
        results: Path,
        show: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._costs = costs
        self._rounds_per_second = rounds_per_second
        self._scratch = scratch
        self._results = results
        self._show = show
        self.outputs: dict[str, tuple[int, str]] = {}
        """Size and digest of each program's native output."""

    def predictions(self, spec: RunSpec, native: Target) -> Iterator[dict[str, Any]]:
        """Yield a work's predictions in the form of the store, one for each target.

        The work is done natively, and its requests are counted: events as they are, a program by
        its profile. A work of both has no prediction.

        Parameters
        ----------
        spec
            A run of the work on the baseline.
        native
            The baseline, running and answering.

        Raises
        ------
        RefusalError, TargetError
            If the baseline cannot do the work, or fails.
        UserError
            If a program cannot be profiled.
        """
        self._show(f"profiling {spec.cell.workload}")
        partition = RealPartition(native, self._rounds_per_second, outputs=self.outputs)
        course = drive(partition, spec, lambda n, _: n >= PROFILED_TRANSACTIONS)
        if not partition.ran:
            counts = {e: number / len(course.ended) for e, number in partition.done.items()}
            for target in self._costs.targets:
                found = predict_events(counts, self._costs, target)
                if found is not None:
                    yield _row(spec, found)
        elif not partition.done and len(partition.ran) == 1:
            (name,) = partition.ran
            profile = profile_program(
                PROGRAM_BY_NAME[name],
                *self._scratch,
                repetitions=REPETITIONS,
                show=lambda what: self._show(f"profiling {name}: {what}"),
            )
            write(profile_document(profile), self._results / f"{name}.profile.toml")
            for target in self._costs.targets:
                yield _row(spec, predict(profile, self._costs, target))


def _row(spec: RunSpec, found: Prediction) -> dict[str, Any]:
    return {
        "workload": spec.cell.workload,
        "load": [list(pair) for pair in spec.cell.load],
        "virtualization": found.target,
        "slowdown": _interval(found.elapsed),
        "processor-time": _interval(found.processor),
        "causes": [
            {"cause": each.cause, "share": each.share, "extra_share": finite(each.extra_share)}
            for each in found.contributions
        ],
        "notes": list(found.notes),
    }


def _interval(ratio: Interval) -> dict[str, float]:
    return {"ratio": ratio.estimate, "low": ratio.low, "high": ratio.high}
