"""``vtax report``, ``vtax verdict`` and ``vtax export``: what has come of a campaign."""

import sys
from typing import Annotated

import typer

from harness.cli.options import (
    CONFIRMED,
    INCONCLUSIVE,
    REFUTED,
    DirectoryArgument,
    warn_damaged,
)
from harness.cli.output import Screen, print_json
from harness.errors import UserError


def write_report(
    directory: DirectoryArgument,
    language: Annotated[
        str,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            help="en (report.html), ja (report.ja.html, in Japanese) or both.",
        ),
    ] = "en",
) -> None:
    """Write DIR/report.html.

    In Japanese, DIR/report.ja.html.
    """
    from reports.builder import build_reports
    from reports.i18n import LANGUAGES

    if language not in (*LANGUAGES, "both"):
        raise UserError(f"--lang {language}: write {', '.join(LANGUAGES)} or both")
    for path in build_reports(directory, LANGUAGES if language == "both" else (language,)):
        print(path)


def print_verdict(
    directory: DirectoryArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Read what was measured from there, not from DIR."),
    ] = None,
) -> None:
    """Print the verdict.

    Exit code 0 confirmed, 1 refuted, 3 inconclusive, 2 for an error.
    """
    from harness.analysis.study import analyse
    from harness.cli.tables.campaign import elements_text, verdict_text
    from harness.prometheus.client import Prometheus
    from harness.results.store import Store

    with Store.open(directory) as store:
        study = analyse(store, None if prometheus is None else Prometheus(prometheus))
    verdict, elements = study.verdict, study.elements
    if study.outcome is None:
        raise UserError(f"{directory}: campaign {study.campaign.name!r} makes no claim to judge")
    warn_damaged(study.damaged)
    if prometheus is not None and elements is not None:
        print(
            "vtax: what scenarios expected and saw is read from DIR: Prometheus holds only numbers",
            file=sys.stderr,
        )
    if as_json:
        told = {} if verdict is None else verdict.to_json()
        if elements is not None:
            told = {"campaign": study.campaign.name, **told, "outcome": str(study.outcome)}
            told |= {"scenarios": str(elements.outcome), "checks": elements.to_json()}
        print_json(told)
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
    ],
) -> None:
    """Write all runs with parameters and measures."""
    from harness.analysis.study import analyse
    from harness.prometheus.analysis_samples import analysis_samples
    from harness.results.export import export
    from harness.results.store import Store

    with Store.open(directory) as store:
        found = analysis_samples(analyse(store)) if form == "openmetrics" else []
        print(export(store, form, found))
        warn_damaged(store.damaged)
