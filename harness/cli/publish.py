"""``vtax publish``: a static site of reports."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import print_message, working


def publish_campaigns(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Directories of results.")
    ],
    site: Annotated[
        Path,
        typer.Option("--to", metavar="SITE", help="A site, or a new or empty directory."),
    ],
) -> None:
    """Add reports and comparisons to a static site.

    Publications never change: equal results are the same publication, other results a new one.
    Reports are printed to PDF where Chromium is installed.
    """
    from reports.site.site import publish

    with working("publishing"):
        published = publish(directories, site)
    for warning in published.warnings:
        print_message(warning)
    for path in published.publications:
        print(path)
    print(
        f"{published.added} of {len(published.publications)} are new; the index: {published.index}"
    )
