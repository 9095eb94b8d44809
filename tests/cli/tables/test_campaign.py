import io

from rich.console import Console

from harness.campaign.plan import make_plan
from harness.cli.tables.campaign import ProgressBar, plan_table
from harness.results.store import Failure


def printed(renderable) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


def test_a_plan_brings_together_what_is_alike():
    plan = make_plan("carrier")
    text = printed(plan_table(plan, 2))
    for entry in plan.matrix:
        for name in (entry.machine, entry.os, entry.virtualization, entry.workload):
            assert name in text
    assert text.count("carrier-mix") == 3


def test_a_progress_bar_counts_runs_and_failures():
    specs = make_plan("smoke").runs()
    console = Console(width=120, file=io.StringIO())
    with ProgressBar(console, 2) as bar:
        bar.begin(specs)
        for number, spec in enumerate(specs):
            bar.done(spec, 0.1, Failure.ERROR if number == 0 else None)
    text = console.file.getvalue()
    assert f"{len(specs)}/{len(specs)}" in text
    assert "about 0 s left" in text
    assert "1 failed" in text
