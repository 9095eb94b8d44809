"""The sections of a report, in their order: names, and values of their templates.

A section is a template ``sections/<name>.html.jinja`` and a function. A section whose function
returns None is left out, also of the table of contents.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePath
from typing import Any

from harness.analysis.claim import WHOLE
from harness.analysis.overhead import MEASURES
from harness.analysis.workload_summary import SHOWN
from harness.catalog.constant import Status
from harness.metrics.ddsketch import RELATIVE_ERROR
from harness.real.host.interference import DISTURBED_SHARE
from reports import format as numbers
from reports.palette import CAUSES
from reports.plots import bars as figures
from reports.sections import imports, real, scenarios, tables
from reports.sections.capacity import capacity
from reports.sections.findings import findings
from reports.sections.limits import limits
from reports.sections.sensitivity import sensitivity
from reports.sections.validation import validation
from reports.sections.verdict import verdict
from reports.view import ReportView, chunks, distinct, work_text

Content = dict[str, Any]

_ROWS = 16
"""Workloads in one figure; more go into further figures, so that none is longer than a page."""

_NATIVE = ("user", "os", "tick")


def reading(view: ReportView) -> Content:
    """Explain the numbers, the outcomes and the names."""
    claim = view.claim or {"firmware": (), "software": ()}
    return {level: ", ".join(claim[level]) or "\N{EN DASH}" for level in ("firmware", "software")}


def _matrix(view: ReportView) -> list[Content]:
    """Show outcomes and overheads by machine, operating system and workload."""
    verdict = view.study.verdict
    return [
        {
            "part": "" if each.part.name == WHOLE else each.part.name,
            "measure": one.measure,
            "rows": tables.matrix(view, one.environments),
            "judged": tables.judged(view, one.environments),
        }
        for each in (verdict.parts if verdict is not None else ())
        for one in each.measures
    ]


def overheads(view: ReportView) -> Content | None:
    """Show every overhead with its interval: figures for the claim's measures, tables for all."""
    if not any(each.all for each in view.study.environments):
        return None
    rows = {
        (measure, machine): tables.overhead_rows(view, measure, machine)
        for measure in distinct((*view.measures, *MEASURES))
        for machine in view.machines
    }
    claimed = [
        {
            "measure": measure,
            "shown": measure in SHOWN or view.real or measure == view.measures[0],
            "machines": [
                {
                    "machine": machine,
                    "rows": rows[measure, machine],
                    "figures": [
                        figures.forest(view, measure, machine, works)
                        for works in chunks(view.works, _ROWS)
                    ],
                }
                for machine in view.machines
                if rows[measure, machine]
            ],
        }
        for measure in view.measures
    ]
    return {
        "title": "overheads.real_title" if view.real else "overheads.title",
        "claimed": [each for each in claimed if each["machines"]],
        "matrix": _matrix(view),
        "loaded": view.loads != ((),),
        "startling": list(_startling(view)),
        "further": [
            {
                "measure": measure,
                "rows": [row for machine in view.machines for row in rows[measure, machine]],
            }
            for measure in MEASURES
            if measure not in view.measures
        ],
        "names": view.compared,
        "single": any(
            overhead.interval.samples == 1
            for each in view.study.environments
            for overhead in each.all.values()
        ),
    }


def _startling(view: ReportView) -> Iterator[str]:
    """Explain overheads that look like errors and are not."""
    slowdowns: dict[str, list[float]] = {}
    for result in view.study.environments:
        for name, overhead in result.all.items() if result.measure == "slowdown" else ():
            slowdowns.setdefault(name, []).append(overhead.interval.estimate)
    for name, threshold in (("shared-capped", 0.5), ("dedicated", 0.5)):
        largest = max(slowdowns.get(name, ()), default=0.0)
        if largest > threshold:
            yield view.texts(f"overheads.why_{name}", overhead=numbers.overhead(largest))
    smallest = min(slowdowns.get("physical", ()), default=0.0)
    if smallest < -0.05:
        yield view.texts("overheads.why_physical", overhead=numbers.overhead(smallest))


def time(view: ReportView) -> Content | None:
    """Show processor time by cause."""
    spent = {
        name
        for cell in view.study.cells
        for name, interval in cell.causes.items()
        if interval.estimate > 0.0
    }
    if not spent or view.real:  # causes are unknown outside of a target
        return None
    causes = [name for name in CAUSES if name in spent] + sorted(spent - set(CAUSES))
    return {
        "causes": causes,
        "native": _NATIVE,
        "machines": _by_machine(
            view,
            causes,
            lambda machine, works: figures.causes(view, machine, view.focus, works, causes),
        ),
        "loaded": view.loads != ((),),
    }


def responses(view: ReportView) -> Content | None:
    """Show distributions of the response times, and the arrivals of work."""
    if not any(cell.response for cell in view.study.cells):
        return None
    return {
        "machines": _by_machine(
            view,
            (),
            lambda machine, works: figures.responses(view, machine, view.focus, works),
        ),
        "arrivals": _arrivals(view),
        "error": numbers.level(RELATIVE_ERROR),
        "loaded": view.loads != ((),),
    }


def _by_machine(
    view: ReportView, causes: Sequence[str], draw: Callable[[str, Any], Any]
) -> list[Content]:
    machines = []
    for machine in view.machines:
        rows = tables.cell_rows(view, machine, causes)
        if rows:
            parts = chunks(view.works, _ROWS)
            machines.append(
                {
                    "machine": machine,
                    "rows": rows,
                    "figures": [draw(machine, works) for works in parts],
                }
            )
    return machines


def _arrivals(view: ReportView) -> list[Content]:
    """Describe the arrivals of each group of users of each workload."""
    users: dict[tuple[str, str, float, float | None], list[int]] = {}
    for cell in view.study.campaign.cells:
        system = cell.parameters.get("nominal_system") or {"partitions": [cell.parameters]}
        for partition in system["partitions"]:
            for group in partition.get("groups", ()):
                name = group["name"].rpartition("/")[2]
                rate, think = group["arrivals_per_second"], group["think_time_seconds"]
                work = work_text((cell.workload, cell.load))
                counts = users.setdefault((work, name, think, rate), [])
                counts.append(group["users"] or 0)
    texts = view.texts
    models = []
    for (work, name, think, rate), counts in users.items():
        ends = [f"{each:,}" for each in distinct((min(counts), max(counts)))]
        number = texts("responses.users_range", low=ends[0], high=ends[-1])
        if rate is not None:
            text = texts("responses.open", rate=numbers.plain(rate))
        else:
            key = "responses.closed" if think else "responses.closed_eager"
            text = texts(key, users=number if len(ends) > 1 else ends[0], think=numbers.tick(think))
        models.append({"work": work, "group": name, "model": text})
    return models


def failures(view: ReportView) -> Content | None:
    """List infeasible cells, failed runs, damage; None if there is none."""
    study, said = view.study, view.texts.said
    if not (study.infeasible or study.failed or study.damaged):
        return None
    infeasible = Counter(
        (cell.machine, cell.virtualization, cell.infeasible or "") for cell in study.infeasible
    )
    failed: dict[tuple[str, str, str], list[int]] = {}
    for run in study.failed:
        key = (run.cell.title, str(run.failure), run.reason)
        failed.setdefault(key, []).append(run.replication)
    return {
        "infeasible": [
            (machine, name, said(reason), count)
            for (machine, name, reason), count in infeasible.items()
        ],
        "failed": [
            (
                title,
                kind,
                said(reason),
                ", ".join(str(number + 1) for number in sorted(replications)),
            )
            for (title, kind, reason), replications in failed.items()
        ],
        "damaged": [said(each) for each in study.damaged],
    }


def constants(view: ReportView) -> Content | None:
    """List the constants by topic: all of the catalog, or those that the scenarios use."""
    every = _listed(view)
    if not every:
        return None
    topics = []
    for topic, members in groupby(every, key=lambda constant: constant["path"][0]):
        rows = [{**constant, **_used(constant)} for constant in members]
        counts = Counter(row["status"] for row in rows)
        topics.append(
            {
                "topic": topic,
                "rows": rows,
                "counts": [(name, counts[name]) for name in Status if counts[name]],
            }
        )
    totals = Counter(each["status"] for each in every)
    return {
        "topics": topics,
        "whole": len(view.study.campaign.constants),
        "total": len(every),
        "totals": {name: totals[name] for name in Status},
        "uncertain": sum(bool(each["published_range"]) for each in every),
        "statuses": tuple(Status),
    }


def _listed(view: ReportView) -> tuple[dict[str, Any], ...]:
    """Leave out what scenarios do not use, where there is nothing else."""
    every, results = view.study.campaign.constants, view.study.elements
    if view.matrix or results is None or not view.evidence.staged:
        return every
    assumed = {name for row in results.rows for name in row.assumed}
    return tuple(each for each in every if each["name"] in {*view.evidence.staged, *assumed})


def _used(constant: Mapping[str, Any]) -> Content:
    """Show what the model uses, where that is not what the source says word for word."""
    points = ", ".join(f"{each:,.10g}" for each in constant["at"])
    if " at " not in constant["published"] or not isinstance(constant["value"], int | float):
        return {"used": "", "points": points}
    return {"used": numbers.plain(float(constant["value"])), "points": points}


def method(view: ReportView) -> Content:
    """Describe the method."""
    replications, cells = view.study.campaign.replications, view.study.cells
    texts = view.texts
    lowest, highest = replications["minimum"], replications["maximum"]
    key = "method.times" if lowest == highest else "method.times_range"
    drawn, warm_up = "", ""
    if view.evidence.drawn:
        count = max(len(values) for values in view.evidence.drawn.values())
        drawn = texts("method.draws", count=len(view.evidence.drawn), constants=count)
    if cells:
        cuts = [cell.warm_up_seconds.estimate for cell in cells]
        low, high = numbers.seconds(min(cuts)), numbers.seconds(max(cuts))
        warm_up = texts(
            "method.real_warm_up" if view.real else "method.warm_up", low=low, high=high
        )
    return {
        "replications": texts(key, minimum=lowest, maximum=highest),
        "draws": drawn,
        "warm_up": warm_up,
        "share": numbers.level(DISTURBED_SHARE),
    }


def repeat(view: ReportView) -> Content:
    """List commands, seed and versions."""
    campaign = view.study.campaign
    shipped = re.fullmatch(r"[\w-]+", campaign.source) is not None
    name = campaign.source if shipped else PurePath(campaign.source).name
    file, out = shlex.quote(name), shlex.quote(f"results/{campaign.name}")
    replications = campaign.replications
    option = ""
    if replications["minimum"] == replications["maximum"]:
        option = f" --replications {replications['minimum']}"
    return {
        "commands": [
            f"vtax run {file} --seed {campaign.seed}{option} --out {out}",
            f"vtax verdict {out}",
            f"vtax report {out}",
            f"vtax export {out} --format csv",
        ],
        "file": None if shipped else name,
        "live": view.study.live,
    }


def facts(view: ReportView) -> list[str]:
    """Describe in one line when, for which machines and with which version results were made."""
    versions = view.study.campaign.versions
    version = f"vtax {versions['vtax']}" if "vtax" in versions else ""
    if view.real:
        return [each for each in (view.evidence.date, *real.facts(view), version) if each]
    systems = view.texts("page.comma").join(view.texts.name("os", x) for x in view.shown_systems)
    machines = view.texts("page.comma").join(view.shown_machines)
    known = view.evidence.host
    host = view.texts("page.host", host=known) if known else view.texts("page.any_host")
    parts = (view.evidence.date, machines, systems, version, host)
    return [each for each in parts if each]


IMPORT_SECTIONS: tuple[tuple[str, Callable[[ReportView], Content | None]], ...] = (
    ("values", imports.values),
    ("files", imports.files),
    ("unseen", imports.unseen),
)
"""The sections of an import of measurements."""

SECTIONS: tuple[tuple[str, Callable[[ReportView], Content | None]], ...] = (
    ("measured", real.measured),
    ("verdict", verdict),
    ("findings", findings),
    ("elements", scenarios.elements),
    ("beside", imports.beside),
    ("overheads", overheads),
    ("time", time),
    ("responses", responses),
    ("capacity", capacity),
    ("sensitivity", sensitivity),
    ("failures", failures),
    ("validation", validation),
    ("machine", real.machine),
    ("limits", limits),
    ("reading", reading),
    ("method", method),
    ("constants", constants),
    ("repeat", repeat),
)
