from harness.campaign.plan import make_plan
from harness.execution.attempt import RunFailedError
from harness.execution.execute import execute
from harness.execution.process_pool import SerialExecutor
from harness.results.run_result import RunResult
from harness.results.store import Failure, Store


def test_runs_in_this_process_are_kept_one_after_the_other_whatever_becomes_of_them(
    tmp_path, write
):
    plan = make_plan(str(write()))
    specs = plan.runs(0, 1)
    seen = []

    def run(spec):
        seen.append(spec)
        if spec.cell_position == 1:
            raise RunFailedError(Failure.TARGET_FAILED, "it was\nkilled")
        if spec.cell_position == 2:
            raise RuntimeError("no way")
        if spec is specs[-1]:
            raise KeyboardInterrupt
        return RunResult([("value", {}, 1.0)], {}, 0.0, 1.0, 1)

    with Store.start(tmp_path / "out", plan.record()) as store:
        summary = execute(specs, store, run, workers=SerialExecutor, drawn=plan.drawn)
        rows = {row.cell.position: row for row in store.runs()}
    assert seen == specs
    failed = [p for p in (1, 2) if p != specs[-1].cell_position]
    assert summary.interrupted
    assert (summary.done, summary.failed) == (len(specs) - 1 - len(failed), len(failed))
    assert specs[-1].cell_position not in rows
    for position in failed:
        kind, reason = {1: (Failure.TARGET_FAILED, "it was killed"), 2: (Failure.ERROR, "no way")}[
            position
        ]
        assert rows[position].failure is kind
        assert reason in rows[position].reason
    with Store.start(tmp_path / "out", plan.record()) as store:
        again = execute(
            specs[:-1],
            store,
            lambda _: RunResult([], {}, 0.0, 1.0, 1),
            workers=SerialExecutor,
            drawn={},
        )
    assert (again.kept, again.done) == (summary.done, summary.failed)
