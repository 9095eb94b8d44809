"""The section on the seven elements: expectations, measurements, and every scenario."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.analysis.scenario_results import ELEMENTS, Row, ScenarioResult, ScenarioResults
from harness.results.run_result import OperationEvent
from harness.statistics.verdict import conclude
from harness.units import amount
from reports import format as numbers
from reports.plots import timeline as timelines
from reports.view import ReportView

Content = dict[str, Any]

LEVELS = ("firmware", "software")
"""Endings of the names of scenarios that compare the levels."""

_LISTED = 60
"""Operations in a list; the others are counted."""


def elements(view: ReportView) -> Content | None:
    """Show the results of scenarios by element; None if the campaign has none."""
    results = view.study.elements
    if results is None:
        return None
    names = [*ELEMENTS, *dict.fromkeys(each.element for each in results.scenarios)]
    numbers = {id(each): number for number, each in enumerate(results.scenarios)}
    groups: list[Content] = []
    for name in dict.fromkeys(names):
        members = results.of(name)
        if members:
            title = view.texts.of(ELEMENTS.get(name, {"en": name}))
            shown = [_scenario(view, each, numbers[id(each)]) for each in members]
            groups.append(
                {
                    "key": f"element-{len(groups)}",
                    "title": title,
                    "outcome": str(conclude(each.outcome for each in members)),
                    "passed": sum(each["passed"] for each in shown),
                    "total": sum(each["total"] for each in shown),
                    "scenarios": shown,
                }
            )
    return {
        "groups": groups,
        "levels": levels(view, results),
        "assumed": sum(bool(row.assumed) for row in results.rows),
        "several": any(row.runs > 1 for row in results.rows),
    }


def outcome(view: ReportView) -> Content | None:
    """Count the expectations that were met, and name those that were not."""
    results = view.study.elements
    if results is None:
        return None
    order = {each.name: number for number, each in enumerate(results.scenarios)}
    rows = results.rows
    return {
        "outcome": str(results.outcome),
        "passed": sum(row.passed for row in rows),
        "total": len(rows),
        "scenarios": len(results.scenarios),
        "elements": len({each.element for each in results.scenarios}),
        "assumed": sum(bool(row.assumed) for row in rows),
        "unmet": [
            {
                "scenario": row.scenario,
                "key": f"scenario-{order[row.scenario]}",
                "row": _row(view, row),
            }
            for row in rows
            if not row.passed
        ],
        "missing": [
            {"scenario": each.name, "reasons": [view.texts.said(why) for why in each.failed]}
            for each in results.scenarios
            if each.failed or not each.runs
        ],
    }


def _scenario(view: ReportView, scenario: ScenarioResult, number: int) -> Content:
    texts = view.texts
    acts = operations(scenario.operations)
    panels = timelines.panels(scenario)
    key = f"scenario-{number}"
    return {
        "key": key,
        "name": scenario.name,
        "title": texts.of(scenario.title),
        "machine": scenario.machine,
        "virtualization": scenario.virtualization,
        "outcome": str(scenario.outcome),
        "rows": [_row(view, each) for each in scenario.rows],
        "passed": sum(row.passed for row in scenario.rows),
        "total": len(scenario.rows),
        "failed": [texts.said(why) for why in scenario.failed],
        "runs": scenario.runs,
        "figure": timelines.draw(texts, scenario, panels, acts, key) if panels else None,
        "table": timelines.table(texts, scenario, panels),
        "operations": [
            replace(act, text=texts.said(act.text), reason=texts.said(act.reason))
            for act in acts[:_LISTED]
        ],
        "further": max(0, len(acts) - _LISTED),
    }


def operations(events: Sequence[OperationEvent]) -> list[timelines.Act]:
    """Join begin and end of each operation; numbered by their begins.

    An operation that was refused at once has no event of its begin; one that goes on has no end.
    """
    acts: list[timelines.Act] = []
    begun: dict[str, list[int]] = {}
    for event in events:
        at = event.at_seconds
        if event.status == "started":
            begun.setdefault(event.operation, []).append(len(acts))
            acts.append(timelines.Act(len(acts) + 1, event.operation, at, None, "started", ""))
            continue
        if begun.get(event.operation):
            index = begun[event.operation].pop(0)
            number, since = acts[index].number, acts[index].begin
        else:
            index, number, since = len(acts), len(acts) + 1, at
        act = timelines.Act(number, event.operation, since, at, event.status, event.reason)
        acts[index : index + 1] = [act]
    return acts


def levels(view: ReportView, results: ScenarioResults) -> list[Content]:
    """Compare scenarios of both levels side by side.

    Their names end in ``-firmware`` and ``-software``; one of them may have no ending.
    """
    groups: dict[str, dict[str, ScenarioResult]] = {}
    for each in results.scenarios:
        stem, level = each.name, view.level(each.virtualization)
        for name in LEVELS:
            if each.name.endswith(f"-{name}"):
                stem, level = each.name.removesuffix(f"-{name}"), name
        groups.setdefault(stem, {})[level] = each
    compared = []
    for stem, sides in groups.items():
        if not set(LEVELS) <= sides.keys():
            continue
        rows = {
            name: {view.texts.of(row.name): _row(view, row) for row in sides[name].rows}
            for name in LEVELS
        }
        names = dict.fromkeys([*rows["firmware"], *rows["software"]])
        compared.append(
            {
                "title": _subject(view, stem),
                "keys": {
                    name: f"scenario-{results.scenarios.index(sides[name])}" for name in LEVELS
                },
                "rows": [(name, *(rows[level].get(name) for level in LEVELS)) for name in names],
            }
        )
    return compared


def _subject(view: ReportView, stem: str) -> str:
    """Return the title of scenarios of both levels; by default from their name."""
    known = view.texts.name("subject", stem)
    return known if known != stem else stem.replace("-", " ").capitalize()


def _row(view: ReportView, row: Row) -> Content:
    texts = view.texts
    unit = texts.said(row.unit)
    measured = texts.said(value(row.measured, unit)) or texts("elements.nothing")
    tolerance = f" ± {value(row.tolerance, unit)}" if row.tolerance else ""
    expected = texts.said(value(row.expected, unit))
    decided = row.passed or row.runs == 1 or bool(row.over_runs)
    span = ""
    if row.lowest is not None and row.highest is not None and row.runs > 1:
        span = f"{value(row.lowest, unit)} … {value(row.highest, unit)}"
    return {
        "name": texts.of(row.name),
        "expected": texts(f"elements.{row.relation}", value=f"{expected}{tolerance}"),
        "measured": measured,
        "span": span,
        "passed": row.passed,
        "outcome": str(row.outcome),
        "runs": "" if decided else f"{row.passed_runs} / {row.runs}",
        "detail": texts.said(row.detail),
        "source": row.source,
        "assumed": row.assumed,
    }


def value(measured: float | str | None, unit: str) -> str:
    """Write a value of a check: a word as it is, a number with its unit; empty if there is none."""
    if measured is None or isinstance(measured, str):
        return measured or ""
    return numbers.typeset(amount(measured, unit))
