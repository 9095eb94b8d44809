"""``vtax profile``: the processor time, memory and events of a program."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from harness.cli.output import OutputError, Screen, print_message
from harness.errors import UserError


class ProfileCommand(TyperCommand):
    """The command's arguments: without two dashes before it, a program has no options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an unknown option is probably the program's."""
        given = list(args)
        ctx.ignore_unknown_options = "--" not in given
        left = super().parse_args(ctx, args)
        command = ctx.params["command"] or []
        option = next((word for word in command if word.startswith("-") and word != "-"), None)
        if ctx.ignore_unknown_options and option is not None:
            from harness.real.profiling.command_text import printable, quoted

            example = "ls -l" if command[0].startswith("-") else quoted(command)
            raise UserError(
                f"vtax profile has no option {printable(option)}; the program and its options come "
                f"after two dashes: vtax profile -- {example}"
            )
        return left


def profile_program(
    command: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND", help="A program and its options, after --."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="File for the profile, TOML."),
    ] = None,
    repeat: Annotated[
        int, typer.Option(min=2, max=10_000, help="Timed runs; up to three more count events.")
    ] = 5,
    input_: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Standard input of every run.",
        ),
    ] = None,
    accept_exit: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=255,
            metavar="CODE",
            help="A further exit code of success; repeatable.",
        ),
    ] = None,
) -> None:
    """Measure the event profile of a program.

    The program runs several times on one processor. Without --input, every run reads a copy of the
    standard input of this command, unless that is a terminal.

    The outputs of the program are discarded. Use -- sh -c 'COMMANDS' for pipes and redirections.
    Processes that still run when the program ends are killed.
    """
    from harness.cli.tables.prediction import profile_table
    from harness.real.calibration.file import check_writable, write
    from harness.real.profiling.file import default_name, profile_document
    from harness.real.profiling.profiler import profile_command
    from harness.real.profiling.standard_input import named_input, own_input

    if sys.platform != "linux":
        raise UserError("programs are profiled on Linux only")
    name = default_name(command[0], out)
    if out is not None:
        check_writable(out)
    standard_input = own_input() if input_ is None else named_input(input_)
    if input_ is None and standard_input.descriptor is not None:
        print_message(
            "every run of the program reads a copy of this command's standard input, made when "
            "that has ended; --input /dev/null gives an empty one"
        )
    screen = Screen(stderr=True)
    with screen.status("starting") as status:
        profile = profile_command(
            command,
            name,
            repeat,
            status.update,
            standard_input=standard_input,
            accepted={0, *(accept_exit or ())},
        )
    document = profile_document(profile)
    failure = None
    if out is not None:
        try:
            write(document, out)
        except UserError as error:
            failure = _kept(document, name, error)
    try:
        Screen().print(profile_table(profile))
        sys.stdout.flush()
    except OutputError as error:
        if out is not None or error.broken_pipe:
            raise
        failure = _kept(document, name, UserError(f"the output cannot be written ({error})"))
    if failure is not None:
        raise failure
    if out is not None:
        # The name may have bytes that are no text.
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(out) + b"\n")


def _kept(document: Mapping[str, Any], name: str, error: UserError) -> UserError:
    """Keep a profile that could not be written in another file, else on the standard output."""
    import tomli_w

    from harness.real.calibration.file import write

    try:
        descriptor, kept = tempfile.mkstemp(prefix=f"vtax-profile-{name}-", suffix=".toml")
        os.close(descriptor)
        write(document, Path(kept))
    except (OSError, UserError):
        try:
            print(tomli_w.dumps(document), flush=True)
        except OutputError:
            return error
        return UserError(f"{error}; the profile is on the standard output, before the table")
    return UserError(f"{error}; the profile is in {kept}")
