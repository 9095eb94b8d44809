"""``vtax report``, ``vtax verdict`` and ``vtax export``: the results of a campaign."""

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import (
    CONFIRMED,
    INCONCLUSIVE,
    REFUTED,
    DirectoryArgument,
    JsonOption,
)
from harness.cli.output import Screen, print_json, print_message, working
from harness.cli.studies import open_store
from harness.errors import UserError, suggest

if TYPE_CHECKING:
    from harness.analysis.study import Study
    from harness.results.store import Store
    from harness.results.table import WideTable


def write_report(
    directory: DirectoryArgument,
    language: Annotated[
        str,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            help="en, ja (Japanese: report.ja.html) or both.",
        ),
    ] = "en",
    appendix: Annotated[
        bool,
        typer.Option("--appendix", help="Also write DIR/appendix.html, with all tables open."),
    ] = False,
) -> None:
    """Write DIR/report.html.

    The Japanese report is DIR/report.ja.html. Tables that are closed are not printed.
    """
    from reports.builder import build_reports
    from reports.i18n import LANGUAGES

    if language not in (*LANGUAGES, "both"):
        raise UserError(f"--lang {language}: write {', '.join(LANGUAGES)} or both")
    chosen = LANGUAGES if language == "both" else (language,)
    with working("writing the report"):
        paths = build_reports(directory, chosen, appendix=appendix)
    for path in paths:
        print(path)


def print_verdict(
    directory: DirectoryArgument,
    as_json: JsonOption = False,
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Read samples from this Prometheus."),
    ] = None,
) -> None:
    """Print the verdict.

    Exit code 0 confirmed, 1 refuted, 3 inconclusive, 2 for an error.
    """
    from harness.analysis.study import analyse
    from harness.cli.tables.verdict import elements_text, verdict_text
    from harness.prometheus.client import Prometheus

    with open_store(directory) as store, working("analysing"):
        runs = None if prometheus is None else Prometheus(prometheus).runs(store.campaign)
        study = analyse(store, runs)
    verdict, elements = study.verdict, study.elements
    if study.outcome is None:
        raise UserError(f"{directory}: campaign {study.campaign.name!r} has no claim")
    if prometheus is not None and elements is not None:
        print_message("results of scenarios are read from DIR: Prometheus holds only numbers")
    if as_json:
        result = {} if verdict is None else verdict.to_json()
        if elements is not None:
            result = {"campaign": study.campaign.name, **result, "outcome": str(study.outcome)}
            result |= {"scenarios": str(elements.outcome), "checks": elements.to_json()}
        print_json(result)
    else:
        if verdict is not None:
            Screen().print(verdict_text(study, verdict))
        if elements is not None:
            Screen().print(elements_text(study, elements))
    codes = {"confirmed": CONFIRMED, "refuted": REFUTED, "inconclusive": INCONCLUSIVE}
    raise typer.Exit(codes[str(study.outcome)])


def export_runs(
    directory: DirectoryArgument,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="csv, parquet or openmetrics.")
    ] = "csv",
    table: Annotated[
        str,
        typer.Option(
            metavar="TABLE",
            help="runs or overheads; by default both.",
        ),
    ] = "",
    columns: Annotated[
        str,
        typer.Option(metavar="SET", help="tidy, or all (parameters, constants too)."),
    ] = "tidy",
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File of one table; - is standard output."),
    ] = None,
) -> None:
    """Write tables of runs and overheads.

    Without --out: DIR/runs.csv and DIR/overheads.csv (or .parquet), or DIR/runs.openmetrics.
    """
    _check("--format", form, ("csv", "parquet", "openmetrics"), "format")
    if table:
        _check("--table", table, _TABLES, "table")
    _check("--columns", columns, ("tidy", "all"), "set of columns")
    if form == "openmetrics" and (table or columns == "all"):
        raise UserError("--format openmetrics: has neither --table nor --columns; leave them out")
    if columns == "all" and table == "overheads":
        raise UserError("--columns all: is about runs; leave --table overheads out")
    if out == "-" and form == "parquet":
        raise UserError("--out -: Parquet is no text; name a file")
    names = [table] if table else ["runs"] if out or columns == "all" else list(_TABLES)
    with open_store(directory) as store, working("exporting"):
        if form == "openmetrics":
            _export_samples(store, out)
        else:
            study = None
            if "overheads" in names:
                # It takes a quarter of a second to import.
                from harness.analysis.study import analyse

                study = analyse(store)
            for name in names:
                _export_table(store, study, name, form, columns == "all", out)


_TABLES = ("runs", "overheads")


def _check(option: str, value: str, known: Sequence[str], what: str) -> None:
    if value not in known:
        raise UserError(f"{option} {value}: {suggest(value, known, what)}")


def _export_table(
    store: "Store", study: "Study | None", name: str, form: str, every: bool, out: str | None
) -> None:
    from harness.results.export import all_columns, csv_text, write_table

    if every:
        table: Mapping[str, Sequence[Any]] | WideTable = all_columns(store)
    else:
        from harness.analysis.tables import overhead_table, run_table

        table = run_table(store) if study is None or name == "runs" else overhead_table(study)
    if out == "-":
        print(csv_text(table), end="")
        return
    path = store.directory / f"{name}.{form}" if out is None else Path(out)
    write_table(table, path, form)
    print(path)


def _export_samples(store: "Store", out: str | None) -> None:
    from harness.analysis.samples import analysis_samples
    from harness.analysis.study import analyse
    from harness.files import scratch_directory, whole_file, writing
    from harness.prometheus.openmetrics import write_openmetrics

    samples = analysis_samples(analyse(store))
    if out == "-":
        with scratch_directory(Path(tempfile.gettempdir())) as folder:
            write_openmetrics(store, folder / "runs", samples)
            with (folder / "runs").open(encoding="utf-8") as text:
                shutil.copyfileobj(text, sys.stdout)
        return
    path = store.directory / "runs.openmetrics" if out is None else Path(out)
    with writing(path), whole_file(path) as unfinished:
        write_openmetrics(store, unfinished, samples)
    print(path)
