"""``vtax import``: measurements of real systems as a campaign's results."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from harness.cli.output import Screen
from harness.errors import UserError


def import_measurements(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Output of lparstat, nmon, iostat -D, fio..."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory of the results.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Partition of files that do not state it.")
    ] = "",
    timezone_: Annotated[
        str,
        typer.Option(
            "--timezone", metavar="ZONE", help="Of times without one: Asia/Tokyo or +09:00."
        ),
    ] = "",
    interval: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="Of files that do not state it."),
    ] = None,
    as_campaign: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a campaign that models the partitions."),
    ] = None,
    machine: Annotated[
        str, typer.Option(metavar="NAME", help="Machine of that campaign, from the catalog.")
    ] = "",
) -> None:
    """Take in measurements of real systems.

    Formats are recognised by content: lparstat (also -i, -h, -H, -m, -E), nmon, iostat -D,
    /proc/ppc64/lparcfg, lslparutil of an HMC, JSON of fio and iperf3. Report, export, observe and
    compare work on DIR as on the results of a campaign.

    Exit code 2 if a file has no known format; nothing is written then.
    """
    from harness.cli.tables.imports import import_text
    from harness.imports.calls_catalog import write_calls
    from harness.imports.keep import keep
    from harness.imports.model_campaign import write_campaign
    from harness.imports.results import read_files

    if machine and as_campaign is None:
        raise UserError("--machine: has no effect without --as-campaign; leave it out")
    found = read_files(files, name=name, zone=_zone(timezone_), interval_seconds=interval)
    record = keep(found, out)
    Screen().print(import_text(found))
    print(out)
    calls = write_calls(found, out)
    if calls is not None:
        print(calls)
    if as_campaign is not None:
        print(write_campaign(found, record.name, as_campaign, machine, calls))


def _zone(text: str) -> tzinfo | None:
    if not text:
        return None
    if text.upper() in ("UTC", "Z"):
        return UTC
    try:
        if text[0] in "+-":
            offset = datetime.strptime(text, "%z").utcoffset()
            return timezone(offset or timedelta())
        return ZoneInfo(text)
    except (ValueError, KeyError, OSError):
        raise UserError(
            f"--timezone {text}: no such time zone; write Asia/Tokyo or +09:00"
        ) from None
