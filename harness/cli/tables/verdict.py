"""Verdicts, and results of scenarios, in the terminal."""

import math
from collections import Counter

from rich.console import Group, RenderableType
from rich.text import Text

from harness.analysis.doubts import Doubt
from harness.analysis.finding import Finding, Span
from harness.analysis.scenario_results import Row, ScenarioResults
from harness.analysis.study import Outcome, PartVerdict, Study, Verdict
from harness.analysis.workload_summary import SHOWN, workload_summaries
from harness.cli.format import amount, percent
from harness.cli.tables.table import add_row, notes, table

_COLOURS = {"confirmed": "green", "refuted": "red", "inconclusive": "yellow"}


def verdict_text(study: Study, verdict: Verdict) -> RenderableType:
    """Show a verdict: the whole, each part of the claim, the workloads, and what is against it."""
    lines: list[RenderableType] = [
        Text.assemble(
            f"{study.campaign.name}: ",
            _outcome(str(verdict.outcome)),
            _without(verdict.without_misses),
        ),
        Text(f"claim: {verdict.claim_text.get('en', '')}"),
    ]
    for each in verdict.parts:
        lines.append(Text())
        if len(verdict.parts) > 1:
            without = _without(each.without_misses)
            lines.append(Text.assemble(f"{each.part.name}: ", _outcome(str(each.outcome)), without))
            lines.append(Text(f"  {each.part.text.get('en', '')}"))
        lines.append(Text(f"  {_counted(each)}"))
    lines += [Text(), _workloads(study)]
    for outcome, heading in _AGAINST.items():
        found = [each for each in verdict.findings if each.outcome is outcome and each.firmware]
        if found:
            lines += [Text(heading, "bold"), *(Text(f"- {_finding(each)}") for each in found)]
            lines.append(Text())
    lacking = Counter(
        result.reason for each in verdict.findings if not each.firmware for result in each.results
    )
    if lacking:
        lines.append(Text("Not compared:", "bold"))
        lines += [
            Text(f"- {count} of {len(verdict.environments)} comparisons: {reason}")
            for reason, count in lacking.items()
        ]
        lines.append(Text())
    level = percent(1 - verdict.alpha)
    lines.append(
        Text(
            "A finding is a workload in one measure, with the machines and systems that do not "
            f"differ. In brackets: the {level} intervals. Plausible machines: draws of the "
            "uncertain constants."
        )
    )
    return Group(*lines, *notes(verdict.notes))


def _without(outcome: Outcome | None) -> str:
    """Name the outcome without the model's own misses, where these were studied."""
    return "" if outcome is None else f" (without the model's own misses: {outcome})"


_AGAINST = {
    Outcome.REFUTED: "Refuted:",
    Outcome.INCONCLUSIVE: "Inconclusive:",
}


def _counted(part: PartVerdict) -> str:
    """Say how many findings have which outcome."""
    total = len(part.findings)
    if not total:
        return "nothing was compared"
    counts = ", ".join(f"{part.count(each)} {each}" for each in Outcome if part.count(each))
    return f"{total} finding{'s' * (total != 1)}: {counts}"


def _workloads(study: Study) -> RenderableType:
    """Show each workload: firmware beside the best software, over all machines and systems."""
    columns = (
        "workload",
        ">slowdown,\nfirmware",
        ">slowdown,\nsoftware",
        ">share,\nfirmware",
        ">share,\nsoftware",
    )
    title = "Slowdown, and share of the machine's processors (%)"
    shown = table(title, columns, names=columns)
    for each in workload_summaries(study.environments):
        load = ", ".join(f"{name} = {value}" for name, value in each.load)
        cells = [
            _span(found).removesuffix(" %")
            for measure in SHOWN
            for found in (each.measures[measure].firmware, each.measures[measure].software)
        ]
        add_row(shown, f"{each.workload} {load}".strip(), *cells)
    return shown


def _finding(finding: Finding) -> str:
    """Write a finding as a sentence."""
    load = "".join(f", {name} = {value}" for name, value in finding.load)
    results = finding.results
    places = (
        f"{results[0].environment.machine}, {results[0].environment.os}"
        if len(results) == 1
        else f"{len(results)} environments"
    )
    head = f"{finding.workload}{load}, {finding.measure} ({places})"
    assert finding.firmware is not None
    words = [f"firmware {_span(finding.firmware)} {_ends(finding.firmware)}"]
    margin = results[0].margin
    if margin is not None:
        words.append(f"margin {percent(margin)}")
    elif finding.software is not None:
        words.append(f"best software {_span(finding.software)} {_ends(finding.software)}")
    if finding.firmware_with_misses is not None:
        ends = _ends(finding.firmware_with_misses)
        words.append(f"with the model's own misses {_span(finding.firmware_with_misses)} {ends}")
    if finding.without_misses not in (None, finding.outcome):
        words.append(f"{finding.without_misses} without these")
    if finding.plausible is not None:
        words.append(f"holds on {percent(finding.plausible.estimate)} of plausible machines")
    words += [_DOUBTS[each] for each in finding.doubts]
    return f"{head}: {', '.join(words)}"


_DOUBTS = {
    Doubt.UNSETTLED: "doubtful: the warm-up had no end in many runs",
    Doubt.MIX_DIFFERS: "doubtful: another mix of transactions than the baseline",
    Doubt.WORK_MISSING: "doubtful: some of the baseline's work was never completed",
    Doubt.NO_VARIATION: "doubtful: an interval has no width",
    Doubt.WIDE: "an interval is wider than the target",
}


def _span(found: Span | None) -> str:
    if found is None:
        return "-"
    return _percents(found.lowest, found.highest)


def _ends(found: Span) -> str:
    if math.isinf(found.high):
        return "(interval unknown)"
    return f"({_percents(found.low, found.high)})"


def _percents(low: float, high: float) -> str:
    """Write two ratios, with their unit once."""
    ends = percent(low), percent(high)
    return ends[1] if ends[0] == ends[1] else f"{ends[0].removesuffix(' %')} to {ends[1]}"


def elements_text(study: Study, elements: ScenarioResults) -> RenderableType:
    """Show the results of scenarios: every expectation, and the value that was measured."""
    met = sum(row.passed for row in elements.rows)
    missing = [
        f"scenario {each.name} has no result" + (f": {each.failed[0]}" if each.failed else "")
        for each in elements.scenarios
        if not each.runs
    ]
    columns = ("expectation", "expected", "measured", "result")
    tables = {row.scenario: table(row.scenario, columns) for row in elements.rows}
    for row in elements.rows:
        add_row(
            tables[row.scenario],
            row.name["en"],
            _expected(row),
            _value(row.measured, row.unit),
            Text(_passed(row), style=_STYLES[row.outcome]),
        )
    return Group(
        Text.assemble(f"{study.campaign.name}: scenarios ", _outcome(str(elements.outcome))),
        Text(f"{met} of {len(elements.rows)} expectations met in every run"),
        *notes(missing),
        *tables.values(),
    )


def _passed(row: Row) -> str:
    word = _WORDS[row.outcome]
    passed = word if row.passed or row.over_runs else f"{word} ({row.passed_runs} of {row.runs})"
    return f"{passed}, depends on assumed constants" if row.assumed else passed


_WORDS = {
    Outcome.CONFIRMED: "met",
    Outcome.REFUTED: "not met",
    Outcome.INCONCLUSIVE: "inconclusive",
}
_STYLES = {Outcome.CONFIRMED: "", Outcome.REFUTED: "bold red", Outcome.INCONCLUSIVE: "yellow"}
_RELATIONS = {"equals": "", "at-least": "at least ", "at-most": "at most "}


def _expected(row: Row) -> str:
    text = _RELATIONS[row.relation] + _value(row.expected, row.unit)
    return f"{text} ± {_value(row.tolerance, row.unit)}" if row.tolerance else text


def _value(value: float | str | None, unit: str) -> str:
    if value is None or isinstance(value, str):
        return value or "nothing"
    return amount(value, unit)


def _outcome(name: str) -> Text:
    return Text(name, style=f"bold {_COLOURS[name]}")
