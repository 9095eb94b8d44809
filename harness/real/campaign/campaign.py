"""Whole campaign on real targets: preparation of the machine, then run after run."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.analysis.sequential_stopping import cells_needing_more_runs
from harness.campaign.cell import RunSpec
from harness.campaign.plan import Plan
from harness.execution.attempt import RunFailedError
from harness.execution.campaign import run_campaign
from harness.execution.execute import Observer, Summary
from harness.execution.process_pool import SerialExecutor
from harness.real.agent import build_agent
from harness.real.campaign.partition import RealPartition
from harness.real.campaign.prepare import Show, prepare_machine, programs_of
from harness.real.campaign.run import drive, run_on
from harness.real.programs.shipped import PROGRAM_BY_NAME
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.launcher import launcher
from harness.real.target.pool import RunningTarget, TargetPool
from harness.results.run_result import RunResult
from harness.results.store import Failure, Store

BLOCK = 2
"""Replications added at a time where intervals are too wide."""

SETTLING_SECONDS = 0.3
SETTLING_RUNS = 6
ALIKE = 0.1
"""A target is warm for a work if two trials in a row take the same within a tenth. A trial lasts at
least SETTLING_SECONDS or one transaction; SETTLING_RUNS is the most trials."""


def run_real_campaign(
    plan: Plan, store: Store, *, observer: Observer | None = None, show: Show = lambda _: None
) -> Summary:
    """Carry out all runs of a plan on real targets that have no result in the store.

    The results of the preparation (targets that work, costs of events) are kept in the store, and
    the costs also as a catalog file beside it; an interrupted campaign continues with them.

    Raises
    ------
    UserError
        If the native target cannot be measured, or a file cannot be written.
    """
    try:
        with launcher() as place:
            show("building the agent")
            agent = build_agent(place.directory)
            staged = place.stage(
                [PROGRAM_BY_NAME[name] for name in dict.fromkeys(programs_of(plan).values())]
            )
            pool = TargetPool(place, agent, staged if staged.programs else None)
            if store.campaign.real is None:
                prepare_machine(plan, store, pool, staged.missing, show)
            show("running")
            runner = _Runner(pool, store)
            return run_campaign(
                replace(plan, selected=plan.selected & runner.feasible),
                store,
                runner,
                workers=SerialExecutor,
                observer=observer,
                cells_needing_more_runs=cells_needing_more_runs
                if plan.half_width is not None
                else None,
                block=BLOCK,
            )
    except KeyboardInterrupt:
        return Summary(kept=len(store.complete()), interrupted=True)


class _Runner:
    def __init__(self, pool: TargetPool, store: Store) -> None:
        real = store.campaign.real
        assert real is not None
        self._pool = pool
        self._rounds_per_second = float(real["rounds_per_second"])
        self._outputs = {
            name: (int(size), digest) for name, (size, digest) in real["outputs"].items()
        }
        self._machine = _labels(real["machine"])
        self.feasible = frozenset(
            cell.position for cell in store.campaign.cells if cell.infeasible is None
        )

    def __call__(self, spec: RunSpec) -> RunResult:
        name = spec.cell.virtualization
        try:
            running = self._pool.running(name)
        except UnavailableError as reason:
            raise RunFailedError(Failure.TARGET_UNAVAILABLE, str(reason)) from None
        try:
            return run_on(
                running.target,
                spec,
                rounds_per_second=self._rounds_per_second,
                clock_ratio=running.clock_ratio,
                outputs=self._outputs,
                settled=self._settle(running, spec),
                machine={**self._machine, "target_kernel": running.target.kernel},
            )
        except RefusalError as refusal:
            raise RunFailedError(Failure.REFUSED, str(refusal)) from None
        except TargetError as failure:
            self._pool.lost(name, str(failure))
            raise RunFailedError(Failure.TARGET_FAILED, f"{name}: {failure}") from None

    def _settle(self, running: RunningTarget, spec: RunSpec) -> bool:
        """Return whether a target is warm for a work, with trials when the work is new to it."""
        key = (spec.cell.workload, spec.cell.load)
        if key not in running.settled:
            running.settled[key] = self._settles(running, spec)
        return running.settled[key]

    def _settles(self, running: RunningTarget, spec: RunSpec) -> bool:
        wanted, before = 0, 0.0
        for _ in range(SETTLING_RUNS):
            partition = RealPartition(
                running.target, self._rounds_per_second, running.clock_ratio, self._outputs
            )
            course = drive(partition, spec, partial(_enough, wanted))
            # The same user with the same random numbers does the same work each time.
            wanted = len(course.ended)
            taken = sum(each.response_seconds for each in course.ended)
            if before and abs(taken - before) <= ALIKE * taken:
                return True
            before = taken
        return False


def _enough(wanted: int, count: int, seconds: float) -> bool:
    """Whether there were as many transactions as wanted; of 0, whether the time is up."""
    return count >= wanted if wanted else seconds >= SETTLING_SECONDS


def _labels(machine: Mapping[str, Any]) -> dict[str, str]:
    mitigations = machine.get("mitigations", {})
    labels = {
        "processor": machine.get("processor", "unknown"),
        "kernel": machine["kernel"],
        "qemu": machine.get("qemu", ""),
        "mitigations": "; ".join(f"{name}: {text}" for name, text in sorted(mitigations.items())),
    }
    return {name: str(text) for name, text in labels.items() if text}
