"""``vtax profile``: what a program uses and asks of the system."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.errors import UserError


def profile_program(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="After --.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the profile goes, as TOML.")
    ] = None,
    repeat: Annotated[
        int, typer.Option(min=2, help="Timed runs; up to three that count come on top.")
    ] = 5,
) -> None:
    """Measure the event profile of a program.

    The program runs several times on one processor.

    Its input is empty and its output thrown away.
    """
    from harness.real.catalog_file import write
    from harness.real.prediction_listing import profile_table
    from harness.real.profile_file import default_name, profile_document
    from harness.real.profiler import profile_command

    if sys.platform != "linux":
        raise UserError("programs are profiled on Linux only")
    name = default_name(command[0], out)
    if out is not None and not out.parent.is_dir():
        raise UserError(f"{out}: there is no directory {out.parent}; name a file in one")
    screen = Console(stderr=True)
    with screen.status("starting") as status:
        profile = profile_command(command, name, repeat, status.update)
    if out is not None:
        write(profile_document(profile), out)
    Console().print(profile_table(profile))
    if out is not None:
        print(out)
