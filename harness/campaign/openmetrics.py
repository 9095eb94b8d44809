"""Every run's samples at simulated timestamps, in the OpenMetrics text format."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from harness.campaign.record import CellRecord
from harness.campaign.result import RunResult, Sample
from harness.campaign.store import Store
from harness.metrics.families import FAMILIES, RESPONSE, RESPONSE_BOUNDS, RESPONSE_HELP

_HELP = {**{family.name: family.help for family in FAMILIES}, RESPONSE: RESPONSE_HELP}

Group = tuple[str, tuple[tuple[str, str], ...]]
"""A family and labels: the series in it (a histogram's buckets, sum and count) go together."""


def write_openmetrics(store: Store, path: Path) -> None:
    """Write all intact runs of a store.

    Every series has the run's names and replication as labels. A counter is 0 where measuring
    begins and has its increase at the end; what a run recorded on the way comes between. Histograms
    stand at the end only, because prometheus-client's own parser (0.26) reads no second point of
    one. The format wants all samples of a family together: they are collected in a file for each.
    """
    begin = datetime.fromisoformat(store.campaign.starts).timestamp()
    with TemporaryDirectory(dir=path.parent, prefix=".vtax-") as folder, ExitStack() as stack:
        families: dict[str, tuple[str, IO[str]]] = {}
        for run in store.runs():
            if run.result is None:
                continue
            for (family, kind), lines in _lines(run.cell, run.replication, run.result, begin):
                if family not in families:
                    part = Path(folder) / str(len(families))
                    opened = stack.enter_context(part.open("w+", encoding="utf-8"))
                    families[family] = kind, opened
                families[family][1].writelines(lines)
        with path.open("w", encoding="utf-8") as file:
            for family in sorted(families):
                kind, collected = families[family]
                if family in _HELP:
                    file.write(f"# HELP {family} {_HELP[family]}\n")
                file.write(f"# TYPE {family} {kind}\n")
                collected.seek(0)
                while block := collected.read(1 << 20):
                    file.write(block)
            file.write("# EOF\n")


def _lines(
    cell: CellRecord, replication: int, result: RunResult, begin: float
) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield for each group of a run its family, the family's type and its lines in order."""
    common = {
        "machine": cell.machine,
        "os": cell.os,
        "virtualization": cell.virtualization,
        "workload": cell.workload,
        **{_label(name): value for name, value in cell.load},
        **({} if cell.scenario is None else {"scenario": cell.scenario["name"]}),
        "replication": str(replication),
    }
    groups: dict[Group, dict[float, dict[str, float]]] = {}
    for at, (name, labels, value) in _points(result):
        apart = {key: text for key, text in labels.items() if key != "le"}
        group = groups.setdefault((family_of(name)[0], tuple(apart.items())), {})
        group.setdefault(at, {})[series(name, {**common, **labels})] = value
    for (family, _), points in groups.items():
        kind = family_of(next(iter(next(iter(points.values())))).partition("{")[0])[1]
        yield (
            (family, kind),
            [
                f"{text} {value!r} {begin + at:.3f}\n"
                for at, samples in sorted(points.items())
                for text, value in samples.items()
            ],
        )


def _points(result: RunResult) -> Iterator[tuple[float, Sample]]:
    """Yield all samples with their times, in seconds since simulated time began."""
    recorded = set()
    for at, name, labels, value in result.timeline:
        recorded.add((name, tuple(labels.items())))
        yield at, (name, labels, value)
    ends = result.warm_up_seconds + result.measured_seconds
    for name, labels, value in [*_buckets(result), *result.samples]:
        if family_of(name)[1] == "counter" and (name, tuple(labels.items())) not in recorded:
            yield result.warm_up_seconds, (name, labels, 0.0)
        yield ends, (name, labels, value)


def _buckets(result: RunResult) -> Iterator[Sample]:
    """Yield the buckets of the response times, which results keep as digests."""
    for name, labels, _ in result.samples:
        if name != f"{RESPONSE}_count":
            continue
        digest = result.digests[f"{labels['partition']}/{labels['group']}/{labels['name']}"]
        for bound, count in zip(RESPONSE_BOUNDS, digest.cumulative(RESPONSE_BOUNDS), strict=True):
            yield f"{RESPONSE}_bucket", {**labels, "le": f"{bound:.7g}"}, float(count)
        yield f"{RESPONSE}_bucket", {**labels, "le": "+Inf"}, float(digest.count)


def family_of(name: str) -> tuple[str, str]:
    """Return the family that a sample belongs to, and its type."""
    if name.endswith("_total"):
        return name.removesuffix("_total"), "counter"
    for suffix in ("_bucket", "_count", "_sum"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), "histogram"
    return name, "gauge"


def series(name: str, labels: Mapping[str, str]) -> str:
    """Write a sample's name and labels as the format has them."""
    if not labels:
        return name
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _label(factor: str) -> str:
    """Make a label's name of a factor's, which may hold any character."""
    return "load_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)
