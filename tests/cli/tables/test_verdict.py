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
    assert "2 findings: 2 refuted" in text
    against = text.index("Refuted:")
    for measure in ("slowdown", "processor-time"):
        assert re.search(
            rf"- commercial, users = 4, {measure} \(2 environments\): firmware [\d.]+ to [\d.]+ % "
            r"\([\d.]+ to [\d.]+ %\), margin 10 %, holds on 0 % of plausible machines",
            text[against:],
        )
    (row,) = (line for line in text.splitlines() if line.startswith(" commercial"))
    assert re.fullmatch(r" commercial users = 4( +[\d.]+ to [\d.]+){4} *", row)
