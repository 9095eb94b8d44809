"""``vtax publish``."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def publish_campaigns(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Directories of results.")
    ],
    site: Annotated[
        Path,
        typer.Option("--to", metavar="SITE", help="The site: a new or empty directory, or one."),
    ],
) -> None:
    """Add reports and comparisons to a static site.

    What was published before is never changed: the same results stay the same publication, others
    get a new one. Reports are printed to PDF where Chromium is installed.
    """
    from reports.site.site import publish

    published = publish(directories, site)
    for warning in published.warnings:
        print(f"vtax: {warning}", file=sys.stderr)
    for path in published.publications:
        print(path)
    print(
        f"{published.added} of {len(published.publications)} are new; the index: {published.index}"
    )
