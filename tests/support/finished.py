"""Campaigns that are carried out in the process of a test: workers take seconds to start."""

from pathlib import Path

from harness.campaign.plan import make_plan
from harness.execution.campaign import run_campaign
from harness.execution.process_pool import SerialExecutor
from harness.results.store import Store
from harness.runs.scenario.run import run


def finish(source: str | Path, out: Path) -> Path:
    """Carry out a campaign, given by its name or file; return the directory of its results."""
    plan = make_plan(str(source))
    with Store.start(out, plan.record()) as store:
        run_campaign(plan, store, run, workers=SerialExecutor)
        assert not store.counts()["failed"]
    return out
