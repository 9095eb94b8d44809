import io
import re

from rich.console import Console

from harness.analysis.study import analyse
from harness.cli.tables.verdict import verdict_text


def printed(renderable) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


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
        r"in 4 of 4 combinations of environment and measure, in 4 of them also for one machine",
        text,
    )
    assert re.search(r"one machine \d+(\.\d+)? % to \d+(\.\d+)? %", text)
    assert re.search(r"shared-uncapped +3\d(\.\d+)? % \(\d+(\.\d+)? % to \d+(\.\d+)? %\)", text)
