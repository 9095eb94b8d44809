import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.analysis.study import analyse
from harness.campaign.plan import make_plan
from harness.cli.tables.campaign import ProgressBar, duration, plan_table, verdict_text
from harness.results.store import Failure


def printed(renderable) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (61.6, "1 min 02 s"),
        (3600, "1 h 00 min"),
        (30 * 86400, "30 days"),
        (1e12, "3.17e+04 years"),
    ],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


@given(st.floats(0, 1e6, exclude_max=True))
def test_durations_are_right_to_the_minute(seconds):
    found = re.findall(r"(\d+) (h|min|s)", duration(seconds))
    parts = {unit: int(number) for number, unit in found}
    total = 3600 * parts.get("h", 0) + 60 * parts.get("min", 0) + parts.get("s", 0)
    assert abs(total - seconds) <= 60
    assert parts.get("min", 0) < 60
    assert parts.get("s", 0) <= 60


def test_a_plan_brings_together_what_is_alike():
    plan = make_plan("carrier")
    text = printed(plan_table(plan, 2))
    for entry in plan.matrix:
        for name in (entry.machine, entry.os, entry.virtualization, entry.workload):
            assert name in text
    assert text.count("carrier-mix") == 3


def test_a_verdict_names_outcome_worst_environment_and_intervals(synthetic, tmp_path):
    firmware, software = ({"response": f, "processor": f} for f in (1.3, 1.5))
    made = synthetic({"shared-uncapped": firmware, "hosted-vmware": software})
    with made.fill(tmp_path) as store:
        study = analyse(store)
    assert study.verdict is not None
    text = printed(verdict_text(study, study.verdict))
    assert "synthetic: refuted" in text
    assert "margin 10 %" in text
    worst = study.verdict.worst
    assert f"worst: {worst.environment.title}" in text
    assert re.search(
        r"in 4 of 4 environments and measures, in 4 of them also for one machine", text
    )
    assert re.search(r"one machine \d+(\.\d+)? % to \d+(\.\d+)? %", text)
    assert re.search(r"shared-uncapped 3\d(\.\d+)? % \(\d+(\.\d+)? % to \d+(\.\d+)? %\)", text)


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
