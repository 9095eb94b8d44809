"""Recordings as a campaign's results: a cell for each partition, a run for each of its files.

Time begins where the earliest file begins. A run's ``warm_up_seconds`` is the time from there to
its own begin, so that exported samples have their own times. A file without times begins there.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from harness.campaign.cell import sha256_of
from harness.campaign.provenance import versions
from harness.files import read_bytes
from harness.imports.formats import MOST_BYTES, read_measurements
from harness.imports.recording import Fact, Interval, Recording
from harness.results.imported import Imported, ImportedFile
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import Point, RunResult, Sample

UNSTATED = "unstated"
"""Machine, operating system or virtualization that no file states."""

_DECISIVE: tuple[Literal["sha256", "partitions", "intervals", "first", "last"], ...] = (
    "sha256",
    "partitions",
    "intervals",
    "first",
    "last",
)
"""What makes two imports the same, apart from settings."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_GAUGES = {
    "entitlement_cores": "vtax_partition_entitlement_cores",
    "virtual_processors": "vtax_partition_virtual_processors",
    "weight": "vtax_partition_weight",
    "memory_bytes": "vtax_partition_memory_bytes",
    "pool_processors": "vtax_pool_processors",
}
"""Settings that are metrics, too."""


@dataclass
class Measured:
    """A partition with the recordings of all its files."""

    name: str
    settings: dict[str, Fact] = field(default_factory=dict)
    recordings: list[Recording] = field(default_factory=list)

    @property
    def virtualization(self) -> str:
        """How it shares the machine, in the words of campaign files."""
        kind, mode = self.settings.get("type"), self.settings.get("mode")
        if kind == "dedicated":
            return "dedicated"
        return f"{kind}-{mode}" if kind == "shared" and mode else UNSTATED


@dataclass
class Import:
    """Files that were read: partitions, and what is said about the files."""

    partitions: dict[str, Measured]
    files: list[ImportedFile]
    notes: list[str]
    starts: datetime

    def record(self, name: str) -> CampaignRecord:
        """Return the record of the campaign of that name."""
        settings = {each.name: dict(each.settings) for each in self.partitions.values()}
        imported = Imported(files=self.files, settings=settings, notes=self.notes)
        cells = tuple(
            CellRecord(
                position=position,
                machine=str(each.settings.get("machine", UNSTATED)),
                os=str(each.settings.get("os", UNSTATED)),
                virtualization=each.virtualization,
                workload=each.name,
                load=(),
                infeasible=None,
                parameters={"nominal_system": None, "settings": dict(each.settings)},
            )
            for position, each in enumerate(self.partitions.values())
        )
        most = max(len(each.recordings) for each in self.partitions.values())
        return CampaignRecord(
            name=name,
            title={"en": f"Measurements of {name}", "ja": f"{name} の測定値"},
            identity=sha256_of([name, self._content(), [vars(each) for each in cells]]),
            claim=None,
            margin=0.1,
            alpha=0.05,
            seed=0,
            replications={"minimum": 1, "maximum": most, "half_width": None},
            starts=self.starts.isoformat(),
            source="vtax import",
            text="",
            constants=(),
            versions=versions(),
            model="",
            cells=cells,
            imported=dict(imported),
        )

    def _content(self) -> list[dict[str, Any]]:
        """Return what is said about the files, without their paths."""
        return [{key: file[key] for key in _DECISIVE} for file in self.files]

    def results(self) -> Iterator[tuple[int, int, RunResult]]:
        """Yield position of the cell, replication, and result of each run."""
        for position, partition in enumerate(self.partitions.values()):
            for replication, recording in enumerate(partition.recordings):
                yield position, replication, run_result(recording, partition, self.starts)


def read_files(
    paths: Sequence[Path],
    *,
    name: str = "",
    zone: tzinfo | None = None,
    interval_seconds: float | None = None,
) -> Import:
    """Read files of real systems.

    Parameters
    ----------
    paths
        The files; several may be about one partition.
    name
        Partition of files that do not state it; empty: the file's name without its ending.
    zone
        Time zone of times without one; None: UTC, which a note says.
    interval_seconds
        Length of intervals, for files that do not state it.

    Raises
    ------
    UserError
        If a file cannot be read or has no known format.
    """
    partitions: dict[str, Measured] = {}
    files: list[ImportedFile] = []
    notes: list[str] = []
    for path in paths:
        recordings = read_measurements(path, interval_seconds)
        for recording in recordings:
            if not recording.partition:
                recording.partition = name or path.stem
                recording.note(
                    f"The file does not state its partition: it is named {recording.partition!r}, "
                    f"{'as --name says' if name else 'after the file'}."
                )
            _set_zone(recording, zone)
            partition = partitions.setdefault(recording.partition, Measured(recording.partition))
            _settings(partition, recording, path, notes)
            if recording.intervals or recording.calls:
                partition.recordings.append(recording)
        files.append(_file(path, recordings))
    for partition in partitions.values():
        if not partition.recordings:
            partition.recordings.append(Recording("", partition.name))
        partition.recordings.sort(key=_begins)
    begins = [
        each.ends - timedelta(seconds=each.seconds or 0.0)
        for partition in partitions.values()
        for recording in partition.recordings
        for each in recording.intervals
        if each.ends is not None
    ]
    return Import(partitions, files, notes, min(begins, default=_EPOCH))


def _set_zone(recording: Recording, zone: tzinfo | None) -> None:
    naive = [each for each in recording.intervals if each.ends and each.ends.tzinfo is None]
    for interval in naive:
        assert interval.ends is not None
        interval.ends = interval.ends.replace(tzinfo=zone or UTC)
    if naive and zone is None:
        recording.note("Times have no time zone: they are read as UTC; --timezone replaces it.")
    if recording.intervals and all(each.ends is None for each in recording.intervals):
        recording.note("The file states no times: it begins where the earliest other file does.")


def _begins(recording: Recording) -> datetime:
    return next((each.ends for each in recording.intervals if each.ends), _EPOCH)


def _settings(partition: Measured, recording: Recording, path: Path, notes: list[str]) -> None:
    """Add the settings of a file; where two files differ, the later one counts."""
    for name, value in recording.facts.items():
        before = partition.settings.get(name, value)
        if before != value:
            notes.append(
                f"{partition.name}: files differ in {name} ({before}, {value}); {path.name} counts."
            )
        partition.settings[name] = value


def _file(path: Path, recordings: Sequence[Recording]) -> ImportedFile:
    intervals = [each for recording in recordings for each in recording.intervals]
    ends = [each.ends for each in intervals if each.ends is not None]
    first = recordings[0]
    begins = [each.ends - timedelta(seconds=each.seconds or 0.0) for each in intervals if each.ends]
    return ImportedFile(
        path=str(path),
        sha256=sha256(read_bytes(path, MOST_BYTES)).hexdigest(),
        format=first.format,
        partitions=[each.partition for each in recordings],
        lines=first.lines,
        intervals=len(intervals),
        first=min(begins).isoformat() if begins else None,
        last=max(ends).isoformat() if ends else None,
        broken_lines=first.broken_lines,
        broken=list(first.broken),
        unknown=dict(sorted(first.unknown.items())),
        notes=list(dict.fromkeys(note for each in recordings for note in each.notes)),
    )


def run_result(recording: Recording, partition: Measured, starts: datetime) -> RunResult:
    """Return a recording as the result of a run.

    A counter's sample is its increase over all intervals, a gauge's its mean, weighted by the
    length of the intervals where that is known.
    """
    totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    weights: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    timeline: list[Point] = []
    known = [each.seconds for each in recording.intervals if each.seconds is not None]
    measured = math.fsum(known)
    at = 0.0
    for interval in recording.intervals:
        weight = interval.seconds if known else 1.0
        begin, at = _extent(interval, at, starts)
        for metric, value in interval.values.items():
            name, labels = metric[0], _labelled(metric, partition.name)
            if name.endswith("_total"):
                if metric not in totals:
                    timeline.append((begin, name, labels, 0.0))
                totals[metric] = totals.get(metric, 0.0) + value
                timeline.append((at, name, labels, totals[metric]))
            elif weight:
                totals[metric] = totals.get(metric, 0.0) + value * weight
                weights[metric] = weights.get(metric, 0.0) + weight
            if not name.endswith("_total") and (interval.seconds or interval.ends):
                timeline.append((at, name, labels, value))
    samples: list[Sample] = [
        (metric[0], _labelled(metric, partition.name), total / weights.get(metric, 1.0))
        for metric, total in totals.items()
    ]
    samples += _calls(recording, partition.name)
    stated = {name for name, _, _ in samples}
    samples += _settings_samples(partition, stated)
    samples.append(("vtax_measured_seconds", {}, measured))
    timeline.sort(key=lambda point: point[0])
    return RunResult(
        samples=samples,
        digests={},
        warm_up_seconds=max(0.0, at - measured),
        measured_seconds=measured,
        requests=0,
        timeline=timeline,
    )


def _extent(interval: Interval, before: float, starts: datetime) -> tuple[float, float]:
    """Return begin and end of an interval, in seconds since the campaign's begin."""
    length = interval.seconds or 0.0
    if interval.ends is None:
        return before, before + length
    at = (interval.ends - starts).total_seconds()
    return at - length, at


def _labelled(metric: tuple[str, tuple[tuple[str, str], ...]], partition: str) -> dict[str, str]:
    name, labels = metric
    if name.startswith(("vtax_disk_", "vtax_pool_")):
        return dict(labels)
    return {"partition": partition, **dict(labels)}


def _calls(recording: Recording, partition: str) -> Iterator[Sample]:
    for name, call in recording.calls.items():
        labels = {"partition": partition, "call": name}
        yield "vtax_hypervisor_calls_total", labels, float(call.count)
        yield "vtax_hypervisor_call_seconds_total", labels, call.count * call.mean_seconds
        yield "vtax_hypervisor_call_mean_seconds", labels, call.mean_seconds
        yield "vtax_hypervisor_call_longest_seconds", labels, call.longest_seconds


def _settings_samples(partition: Measured, stated: set[str]) -> Iterator[Sample]:
    for name, metric in _GAUGES.items():
        value = partition.settings.get(name)
        if isinstance(value, float) and metric not in stated:
            yield metric, _labelled((metric, ()), partition.name), value


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings in one line."""
    return ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in settings.items()
    )
