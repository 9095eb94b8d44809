"""Every run with every resolved parameter and every measure, as a file for other programs.

All formats depend on the runs alone: not on the number of workers, nor on the wall clock.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.campaign.result import RunResult
from harness.campaign.store import Store, StoredRun
from harness.errors import UserError
from harness.metrics.measures import measure

Value = str | float | int | bool | None
Columns = dict[str, list[Value]]
"""Name -> one value for each run; None where a run has none."""


def export(store: Store, form: str) -> Path:
    """Write all intact runs into the store's directory.

    Parameters
    ----------
    store
        Where the runs are.
    form
        ``csv``, ``parquet`` or ``openmetrics``.

    Returns
    -------
    Path
        The file written: ``runs.csv``, ``runs.parquet`` or ``runs.openmetrics``.

    Raises
    ------
    UserError
        If the format is unknown or the directory cannot be written.
    """
    writers: Mapping[str, tuple[str, Callable[[Store, Path], None]]] = {
        "csv": ("runs.csv", _write_csv),
        "parquet": ("runs.parquet", _write_parquet),
        "openmetrics": ("runs.openmetrics", _write_openmetrics),
    }
    if form not in writers:
        raise UserError(f"--format {form}: no such format; known: {', '.join(writers)}")
    name, write = writers[form]
    path = store.directory / name
    unfinished = path.with_name(f".{name}.unfinished")
    try:
        write(store, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def columns(store: Store) -> Columns:
    """Return the table of all intact runs: who they are, parameters, constants, measures.

    Parameters of the cell are named by their paths, partitions and other lists by the names of
    their members; constants drawn for the run begin with ``constant.``; then come the run's
    measures, and every sample of its exposition (buckets left out) under the name and labels that
    it has there.
    """
    drawn = store.drawn()
    sections: list[Columns] = [{}, {}, {}, {}, {}]
    for number, run in enumerate(store.runs()):
        rows = (
            _identification(store, run),
            _parameters(run, drawn.get(run.constants, {})),
            _constants(drawn.get(run.constants, {})),
            {} if run.result is None else _measures(run.result),
            {} if run.result is None else _samples(run.result),
        )
        for section, row in zip(sections, rows, strict=True):
            for name, value in row.items():
                column = section.setdefault(name, [])
                column.extend([None] * (number - len(column)))
                column.append(value)
    total = max((len(column) for section in sections for column in section.values()), default=0)
    table: Columns = {}
    for section in sections:
        for name, column in section.items():
            column.extend([None] * (total - len(column)))
            table.setdefault(name, column)
    return table


def _identification(store: Store, run: StoredRun) -> dict[str, Value]:
    cell = run.cell
    return {
        "campaign": store.campaign.name,
        "cell": cell.position,
        "machine": cell.machine,
        "os": cell.os,
        "virtualization": cell.virtualization,
        "workload": cell.workload,
        **{f"load.{name}": value for name, value in cell.load},
        "replication": run.replication,
        "seed": store.campaign.seed,
        "identity": run.identity,
        "status": "complete" if run.failure is None else "failed",
        "failure": None if run.failure is None else str(run.failure),
        "reason": run.reason or None,
    }


_REPEATED = ("machine", "os", "virtualization", "workload", "load", "drawn_demands")
"""Parameters that the identification says already, or that say where others come from."""


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Value]]:
    """Name every scalar in nested tables and lists by its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if prefix or key not in _REPEATED:
                name = "system" if key == "nominal_system" else key
                yield from _flat(inner, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, (list, tuple)):
        if value and not isinstance(value[0], (Mapping, list, tuple)):
            yield prefix, " ".join(str(inner) for inner in value)
            return
        for number, inner in enumerate(value):
            own = inner.get("name") if isinstance(inner, Mapping) else None
            yield from _flat(inner, f"{prefix}.{number if own is None else own}")
    elif value is not None:
        yield prefix, value


def _parameters(run: StoredRun, drawn: Mapping[str, Any]) -> dict[str, Value]:
    """Flatten the cell's parameters, the demands as drawn for this run."""
    row = dict(_flat(run.cell.parameters, ""))
    for demand in run.cell.parameters.get("drawn_demands", ()):
        if demand["constant"] in drawn:
            place = f"system.partitions.{demand['partition']}.groups.{demand['group']}.demand"
            row[f"{place}.{demand['parameter']}"] = drawn[demand["constant"]]
    return row


def _constants(drawn: Mapping[str, Any]) -> dict[str, Value]:
    row: dict[str, Value] = {}
    for name, value in drawn.items():
        if isinstance(value, (list, tuple)):
            for number, entry in enumerate(value):
                row[f"constant.{name}[{number}]"] = entry
        else:
            row[f"constant.{name}"] = value
    return row


def _measures(result: RunResult) -> dict[str, Value]:
    measured = measure(
        result.samples,
        (result.digests[key] for key in sorted(result.digests)),
        measured_seconds=result.measured_seconds,
        warm_up_seconds=result.warm_up_seconds,
    )
    return {"requests": result.requests, **measured.flat()}


def _samples(result: RunResult) -> dict[str, Value]:
    return {
        _series(name, labels): value
        for name, labels, value in result.samples
        if not name.endswith("_bucket")
    }


def _write_csv(store: Store, path: Path) -> None:
    table = columns(store)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        for row in zip(*table.values(), strict=True):
            writer.writerow(["" if value is None else _cell(value) for value in row])


def _cell(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else value


def _write_parquet(store: Store, path: Path) -> None:
    arrays = {name: pa.array(_alike(column)) for name, column in columns(store).items()}
    pq.write_table(pa.table(arrays), path, compression="zstd")


def _alike(column: list[Value]) -> list[Value]:
    """Give all values of a column one type, the narrowest that holds them."""
    kinds = {type(value) for value in column if value is not None}
    if len(kinds) < 2:
        return column
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in column]
    return [None if value is None else str(_cell(value)) for value in column]


def _write_openmetrics(store: Store, path: Path) -> None:
    """Write samples at simulated timestamps, all samples of a family together.

    A counter is 0 where measuring begins and has its increase at the end.
    """
    begin = datetime.fromisoformat(store.campaign.starts).timestamp()
    with TemporaryDirectory(dir=path.parent, prefix=".vtax-") as folder, ExitStack() as stack:
        families: dict[str, tuple[str, IO[str]]] = {}
        for run in store.runs():
            if run.result is None:
                continue
            for series, points in _points(run, run.result).items():
                name = series[0]
                family, kind = _family(name)
                if family not in families:
                    part = Path(folder) / str(len(families))
                    opened = stack.enter_context(part.open("w+", encoding="utf-8"))
                    families[family] = kind, opened
                text = _series(name, dict(series[1]))
                families[family][1].writelines(
                    f"{text} {value!r} {_timestamp(begin + at)}\n"
                    for at, value in sorted(points.items())
                )
        with path.open("w", encoding="utf-8") as file:
            for family in sorted(families):
                kind, part_file = families[family]
                file.write(f"# TYPE {family} {kind}\n")
                part_file.seek(0)
                while block := part_file.read(1 << 20):
                    file.write(block)
            file.write("# EOF\n")


Series = tuple[str, tuple[tuple[str, str], ...]]


def _points(run: StoredRun, result: RunResult) -> dict[Series, dict[float, float]]:
    """Return for each series its values by time, in seconds since simulated time began."""
    cell = run.cell
    common = {
        "machine": cell.machine,
        "os": cell.os,
        "virtualization": cell.virtualization,
        "workload": cell.workload,
        **{_label(name): value for name, value in cell.load},
        "replication": str(run.replication),
    }
    ends = result.warm_up_seconds + result.measured_seconds
    found: dict[Series, dict[float, float]] = {}
    for at, name, labels, value in result.timeline:
        found.setdefault(_key(name, labels, common), {})[at] = value
    for name, labels, value in result.samples:
        points = found.setdefault(_key(name, labels, common), {})
        if _family(name)[1] != "gauge" and not points:
            points[result.warm_up_seconds] = 0.0
        points[ends] = value
    return found


def _key(name: str, labels: Mapping[str, str], common: Mapping[str, str]) -> Series:
    return name, tuple({**common, **labels}.items())


def _family(name: str) -> tuple[str, str]:
    """Return the family that a sample belongs to, and its type."""
    if name.endswith("_total"):
        return name.removesuffix("_total"), "counter"
    for suffix in ("_bucket", "_count", "_sum"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), "histogram"
    return name, "gauge"


def _series(name: str, labels: Mapping[str, str]) -> str:
    if not labels:
        return name
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _label(factor: str) -> str:
    """Make a label's name of a factor's, which may hold any character."""
    return "load_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in factor)


def _timestamp(seconds: float) -> str:
    return f"{seconds:.3f}"
