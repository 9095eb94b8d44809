"""Verdicts, and results of scenarios, in the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from harness.analysis.overhead import Overhead
from harness.analysis.scenario_results import Row, ScenarioResults
from harness.analysis.study import Outcome, Study, Verdict
from harness.cli.format import amount, interval, percent, span
from harness.cli.tables.table import add_row, notes, table

_COLOURS = {"confirmed": "green", "refuted": "red", "inconclusive": "yellow"}


def verdict_text(study: Study, verdict: Verdict) -> RenderableType:
    """Show a verdict: the whole, each measure, the worst environment of each."""
    claim = verdict.claim_text.get("en", "")
    level = percent(1 - verdict.alpha)
    lines = [
        Text.assemble(f"{study.campaign.name}: ", _outcome(str(verdict.outcome))),
        Text(f"claim: {claim}"),
        *_robust(verdict, level),
        Text(
            f"margin {percent(verdict.margin)}; in brackets the {level} interval of the mean "
            "over draws of the constants; beside it the prediction interval of one machine"
        ),
    ]
    if verdict.worst is not None:
        worst = verdict.worst
        where = worst.environment.title
        lines.append(Text(f"worst: {where}, {worst.measure}: {worst.reason}"))
    shown = table("", ("measure", "outcome, mean", "worst environment"), names=("measure",))
    for each in verdict.measures:
        environment = "" if each.worst is None else each.worst.environment.title
        add_row(shown, Text(each.measure, "bold"), _outcome(str(each.outcome)), environment)
        if each.worst is not None:
            for overhead in (each.worst.firmware, each.worst.software):
                if overhead is not None:
                    add_row(shown, *_overhead(overhead))
        shown.add_section()
    return Group(*lines, shown, *notes(verdict.notes))


def _robust(verdict: Verdict, level: str) -> list[Text]:
    """Count outcomes, and those that hold for one machine with its own constants, too."""
    total = len(verdict.environments)
    return [
        Text(
            f"{outcome} in {count} of {total} combinations of environment and measure, in "
            f"{verdict.count(outcome, robust=True)} of them also for one machine with its own "
            f"constants ({level})"
        )
        for outcome in (Outcome.CONFIRMED, Outcome.REFUTED)
        if (count := verdict.count(outcome))
    ]


def elements_text(study: Study, elements: ScenarioResults) -> RenderableType:
    """Show the results of scenarios: every expectation, and the value that was measured."""
    met = sum(row.passed for row in elements.rows)
    missing = [
        f"scenario {each.name} has no result" + (f": {each.failed[0]}" if each.failed else "")
        for each in elements.scenarios
        if not each.runs
    ]
    columns = ("expected", "", "measured", "passed")
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


_WORDS = {Outcome.CONFIRMED: "yes", Outcome.REFUTED: "no", Outcome.INCONCLUSIVE: "inconclusive"}
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


def _overhead(overhead: Overhead) -> tuple[str, str, str]:
    return (
        overhead.virtualization,
        interval(overhead.interval, percent),
        f"one machine {span(overhead.range.low, overhead.range.high, percent)}",
    )
