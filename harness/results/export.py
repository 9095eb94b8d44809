"""Tables as CSV and Parquet files, and the table of runs with every parameter and sample.

They depend on the runs alone: not on the number of workers, nor on the wall clock.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import UserError
from harness.files import MOST_INTEGER, whole_file
from harness.metrics.exposition import series
from harness.printable import printable
from harness.results.run_result import RunResult
from harness.results.store import Store, StoredRun
from harness.results.table import Table, Value, add_row, fill


def write_table(table: Mapping[str, Sequence[Value]], path: Path, form: str) -> None:
    """Write a table to a file, which appears whole or not at all.

    Parameters
    ----------
    table
        Column -> values; all of the same length.
    path
        The file.
    form
        ``csv`` or ``parquet``.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write = {"csv": _write_csv, "parquet": _write_parquet}[form]
    try:
        with whole_file(path) as unfinished:
            write(table, unfinished)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None


def csv_text(table: Mapping[str, Sequence[Value]]) -> str:
    """Table as CSV text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_csv_cell(printable(name)) for name in table)
    for row in zip(*table.values(), strict=True):
        writer.writerow(map(_csv_cell, row))
    return text.getvalue()


def columns(store: Store) -> Table:
    """Return the table of all intact runs: identification, parameters, constants, measures.

    Parameters of the cell are named by their paths, partitions and other lists by the names of
    their members; constants drawn for the run begin with ``constant.``; then come the run's
    measures, and every sample of its exposition (buckets left out) under the name and labels that
    it has there.
    """
    drawn = store.drawn()
    sections: list[Table] = [{}, {}, {}, {}, {}]
    count = 0
    for run in store.runs():
        rows = (
            _identification(store, run),
            _parameters(run, drawn.get(run.constants, {})),
            _constants(drawn.get(run.constants, {})),
            {} if run.result is None else _measures(run.result),
            {} if run.result is None else _samples(run.result),
        )
        for section, row in zip(sections, rows, strict=True):
            add_row(section, count, row)
        count += 1
    table: Table = {}
    for section in sections:
        for name, column in fill(section, count).items():
            table.setdefault(name, column)
    return table


def _identification(store: Store, run: StoredRun) -> dict[str, Value]:
    cell = run.cell
    return {
        "campaign": store.campaign.name,
        "cell": cell.position,
        **cell.factors,
        **({} if cell.scenario is None else {"scenario": cell.scenario["name"]}),
        "replication": run.replication,
        "seed": store.campaign.seed,
        "identity": run.identity,
        "status": "complete" if run.failure is None else "failed",
        "failure": None if run.failure is None else str(run.failure),
        "reason": run.reason or None,
    }


_REPEATED = ("machine", "os", "virtualization", "workload", "load", "drawn_demands", "scenario")
"""Parameters that are in the identification, or that only say where others come from."""


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
        # Columns of numbers have 64 bits.
        large = isinstance(value, int) and not -MOST_INTEGER <= value < MOST_INTEGER
        yield prefix, str(value) if large else value


def _parameters(run: StoredRun, drawn: Mapping[str, Any]) -> dict[str, Value]:
    """Flatten the cell's parameters, the demands as drawn for this run."""
    row = dict(_flat(run.cell.parameters, ""))
    for demand in run.cell.parameters.get("drawn_demands", ()):
        if demand["constant"] in drawn:
            group = f"system.partitions.{demand['partition']}.groups.{demand['group']}.demand"
            row[f"{group}.{demand['parameter']}"] = drawn[demand["constant"]]
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
    measured = result.measures()
    checks = {f"check.{number}": each.passed for number, each in enumerate(result.checks)}
    return {"requests": result.requests, **measured.flat(), **checks}


def _samples(result: RunResult) -> dict[str, Value]:
    return {
        series(name, labels): value
        for name, labels, value in result.samples
        if not name.endswith("_bucket")
    }


def _write_csv(table: Mapping[str, Sequence[Value]], path: Path) -> None:
    path.write_text(csv_text(table), encoding="utf-8", newline="")


def _cell(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else value


def _csv_cell(value: Value) -> Value:
    """Write a value so that no spreadsheet takes a text for a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) and not _is_number(value):
        return f"'{value}"
    return "" if value is None else _cell(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write_parquet(table: Mapping[str, Sequence[Value]], path: Path) -> None:
    arrays = [pa.array(_alike(column)) for column in table.values()]
    pq.write_table(pa.table(arrays, names=list(map(printable, table))), path, compression="zstd")


def _alike(column: Sequence[Value]) -> list[Value]:
    """Give all values of a column one type, the narrowest that holds them."""
    kinds = {type(value) for value in column if value is not None}
    if len(kinds) < 2:
        return list(column)
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in column]
    return [None if value is None else str(_cell(value)) for value in column]
