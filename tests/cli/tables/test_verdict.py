import io
import re

from rich.console import Console

from harness.analysis.study import analyse
from harness.cli.tables.verdict import verdict_text


def printed(renderable) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


def test_a_verdict_names_outcome_findings_and_intervals(synthetic, tmp_path):
    firmware, software = ({"response": f, "processor": f} for f in (1.3, 1.5))
    made = synthetic({"shared-uncapped": firmware, "hosted-vmware": software})
    with made.fill(tmp_path) as store:
        study = analyse(store)
    assert study.verdict is not None
    text = printed(verdict_text(study, study.verdict))
    assert "synthetic: refuted" in text
    assert "margin 10 %" in text
    assert "2 findings: 2 refuted" in text
    assert "holds on 0 % of plausible machines" in text
    where = r"commercial, users = 4, slowdown \(2 environments\)"
    assert re.search(rf"{where}: firmware (29|30)(\.\d+)?( to \S+)? % \(", text)
