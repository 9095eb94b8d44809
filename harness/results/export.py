"""Tables as CSV and Parquet files, and the table of runs with every parameter and sample.

They depend on the runs alone: not on the number of workers, nor on the wall clock.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from harness.files import MOST_INTEGER, whole_file, writing
from harness.metrics.exposition import series
from harness.printable import printable
from harness.results.record import CellRecord
from harness.results.run_result import RunResult
from harness.results.store import Store, StoredRun
from harness.results.table import Section, Value, WideTable, cells


def write_table(table: Mapping[str, Sequence[Value]] | WideTable, path: Path, form: str) -> None:
    """Write a table to a file, which appears whole or not at all.

    Parameters
    ----------
    table
        The table: columns of the same length, or sections.
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
    with writing(path), whole_file(path) as unfinished:
        write(table, unfinished)


def csv_text(table: Mapping[str, Sequence[Value]] | WideTable) -> str:
    """Table as CSV text."""
    if isinstance(table, WideTable):
        names, rows = table.names, table.lines(_csv_cell, ",")
    else:
        names = list(table)
        columns = (cells(each, _csv_cell) for each in table.values())
        rows = map(",".join, zip(*columns, strict=True))
    header = ",".join(_csv_cell(printable(name)) for name in names)
    return "\n".join([header, *rows, ""])


def all_columns(store: Store) -> WideTable:
    """Return the table of all intact runs: identification, parameters, constants, measures.

    Parameters of the cell are named by their paths, partitions and other lists by the names of
    their members; constants drawn for the run begin with ``constant.``; then come the run's
    measures, and every sample of its exposition (buckets left out) under the name and labels that
    it has there.
    """
    drawn = store.drawn()
    sections = [Section() for _ in range(5)]
    identification, parameters, constants, measures, samples = sections
    texts: dict[str, dict[int, str]] = {}
    for run, result in store.results(digests=False):
        draw = drawn.get(run.constants, {})
        if result is not None and run.names not in texts:
            texts[run.names] = {
                place: series(name, labels)
                for place, (name, labels, _) in enumerate(result.samples)
                if not name.endswith("_bucket")
            }
        identification.add(run.identity, partial(_identification, store, run))
        cell = run.cell
        parameters.add(cell.position, partial(_parameters, cell), _demands(cell, draw))
        constants.add(run.constants, partial(_constants, draw))
        measures.add(run.identity, partial(_measures, run, result))
        samples.add(run.identity, partial(_samples, texts.get(run.names, {}), result))
    return WideTable(sections)


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


def _parameters(cell: CellRecord) -> dict[str, Value]:
    return dict(_flat(cell.parameters, ""))


def _demands(cell: CellRecord, drawn: Mapping[str, Any]) -> dict[str, Value]:
    """Return the parameters of a cell that are drawn for each run: demands."""
    return {
        f"system.partitions.{demand['partition']}.groups.{demand['group']}.demand."
        f"{demand['parameter']}": drawn[demand["constant"]]
        for demand in cell.parameters.get("drawn_demands", ())
        if demand["constant"] in drawn
    }


def _constants(drawn: Mapping[str, Any]) -> dict[str, Value]:
    row: dict[str, Value] = {}
    for name, value in drawn.items():
        if isinstance(value, (list, tuple)):
            for number, entry in enumerate(value):
                row[f"constant.{name}[{number}]"] = entry
        else:
            row[f"constant.{name}"] = value
    return row


def _measures(run: StoredRun, result: RunResult | None) -> dict[str, Value]:
    if run.measures is None or result is None:
        return {}
    checks: dict[str, Value] = {}
    for number, each in enumerate(result.checks):
        checks[f"check.{number}"] = each.passed
        checks[f"check.{number}.measured"] = each.measured
    return {"requests": result.requests, **run.measures.flat(), **checks}


def _samples(texts: Mapping[int, str], result: RunResult | None) -> dict[str, Value]:
    if result is None:
        return {}
    return {text: result.samples[place][2] for place, text in texts.items()}


def _write_csv(table: Mapping[str, Sequence[Value]] | WideTable, path: Path) -> None:
    path.write_text(csv_text(table), encoding="utf-8", newline="")


def _cell(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else value


_QUOTED: Final = re.compile('[",\\r\\n]')


def _csv_cell(value: Value) -> str:
    """Write a value so that no spreadsheet takes a text for a formula."""
    if not isinstance(value, str):
        return "" if value is None else str(_cell(value))
    if value.startswith(("=", "+", "-", "@")) and not _is_number(value):
        value = f"'{value}"
    # As RFC 4180 wants it.
    return '"{}"'.format(value.replace('"', '""')) if _QUOTED.search(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write_parquet(table: Mapping[str, Sequence[Value]] | WideTable, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(table, WideTable):
        table = table.columns()
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
