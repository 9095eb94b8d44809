"""The sections of imported measurements, and of measurements beside the model's values."""

import tomllib
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from harness.metrics.measures import Measures
from reports import format as numbers
from reports.view import ReportView

_VALUES = {
    "physc_cores": ("physc_cores", False),
    "dispatches_per_second": ("dispatches_total", True),
    "phantom_interrupts_per_second": ("phantom_interrupts_total", True),
}
"""Key of ``[measured]`` -> measure of a partition, and whether it is a count."""

_GIVEN = "physc_cores"
"""The value that sets the model's load."""


def values(view: ReportView) -> dict[str, Any]:
    """Show the values that each partition measured."""
    study = view.study
    settings = (study.campaign.imported or {})["settings"]
    partitions = []
    for cell in study.campaign.cells:
        measured = [each for each in view.evidence.measured if each.partition == cell.workload]
        partitions.append(
            {
                "name": cell.workload,
                "virtualization": cell.virtualization,
                "machine": cell.machine,
                "os": cell.os,
                "settings": [
                    (name, numbers.plain(value) if isinstance(value, float) else value)
                    for name, value in settings[cell.workload].items()
                ],
                "rows": [
                    {
                        "name": each.name,
                        "mean": numbers.plain(each.mean),
                        "least": numbers.plain(min(each.batches)),
                        "most": numbers.plain(max(each.batches)),
                        "batches": len(each.batches),
                    }
                    for each in measured
                ],
            }
        )
    return {"partitions": partitions, "notes": study.notes}


def files(view: ReportView) -> dict[str, Any]:
    """List the files with what is not taken in."""
    imported = view.study.campaign.imported or {}
    return {
        "files": [
            {
                **each,
                "partitions": ", ".join(each["partitions"]),
                "left_out": ", ".join(f"{name} ({n})" for name, n in each["unknown"].items()),
            }
            for each in imported["files"]
        ]
    }


def unseen(view: ReportView) -> dict[str, Any]:
    """Say what the systems' own counters cannot see."""
    return {"items": view.texts.titled("unseen.items")}


def beside(view: ReportView) -> dict[str, Any] | None:
    """Set measurements of the campaign file beside the model; None if it has none."""
    text = view.study.campaign.text
    if "[measured." not in text:
        return None
    try:
        measured = tomllib.loads(text).get("measured", {})
    except tomllib.TOMLDecodeError:
        return None
    rows = [row for name, table in measured.items() for row in _rows(view, name, table)]
    sources = [(name, table["source"]) for name, table in measured.items()]
    return {"rows": rows, "sources": sources} if rows else None


def _rows(view: ReportView, partition: str, table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in view.matrix:
        runs = view.study.runs.get(cell.position, {})
        for key, (name, counted) in _VALUES.items():
            found = [
                value
                for each in runs.values()
                if (value := _modelled(each, partition, name, counted=counted)) is not None
            ]
            if key not in table or not found:
                continue
            modelled, real = fmean(found), float(table[key])
            yield {
                "partition": partition,
                "cell": cell.virtualization,
                "value": view.texts(f"beside.{key}"),
                "measured": numbers.plain(real),
                "modelled": numbers.plain(modelled),
                "ratio": numbers.plain(modelled / real) if real else "\N{EN DASH}",
                "given": key == _GIVEN,
            }


def _modelled(measures: Measures, partition: str, name: str, *, counted: bool) -> float | None:
    value = measures.partitions.get(partition, {}).get(name)
    if value is None or not counted:
        return value
    return value / measures.measured_seconds if measures.measured_seconds else None
