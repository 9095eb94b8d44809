"""Native event profile of a program that targets run."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

from harness.errors import UserError
from harness.printable import last_line
from harness.real.host.system import run_command
from harness.real.profiling.profile import Profile
from harness.real.profiling.profiler import profile_command
from harness.real.target.connection import free_port
from harness.real.target.program import DISK, Program, environment


def profile_program(
    program: Program,
    memory: Path,
    disk: Path,
    *,
    repetitions: int,
    show: Callable[[str], None] = lambda _: None,
) -> Profile:
    """Profile a program as a target runs it: in a new directory, with its inputs.

    A shell makes the directory and its content and then executes the program: the profile includes
    a few small programs of the shell.

    Parameters
    ----------
    program
        The program.
    memory, disk
        Directories on a tmpfs and on a disk; the caller removes them.

    Raises
    ------
    UserError
        If the program or one that it needs is missing or fails.
    """
    missing = {need: package for need, package in program.needs.items() if not shutil.which(need)}
    if missing:
        need, package = next(iter(missing.items()))
        raise UserError(f"no {need} (Debian: apt-get install {package})")
    base = (disk if program.base == DISK else memory) / f"profile-{program.name}"
    inputs = base / "input"
    inputs.mkdir(parents=True)
    for name, make in program.inputs.items():
        (inputs / name).write_bytes(make())
    variables = environment(free_port(), "")
    setting = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items() if value)
    script = [
        f"cd {shlex.quote(str(base))}",
        "rm -rf work && mkdir work && cd work && ln -s ../input input",
        f"export {setting}",
        f"exec {shlex.join(program.command)}",
    ]
    if program.prepare is not None:
        _prepare(program, base, setting)
        script.insert(2, "cp ../prepared/* .")
    try:
        return profile_command(["sh", "-ec", "\n".join(script)], program.name, repetitions, show)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _prepare(program: Program, base: Path, setting: str) -> None:
    """Carry out the program's preparation, which is not measured."""
    assert program.prepare is not None
    place = base / "prepared"
    place.mkdir()
    script = (
        f"ln -s ../input input && export {setting} && {shlex.join(program.prepare)} && rm input"
    )
    done = run_command(["sh", "-ec", script], cwd=place)
    if done.returncode:
        reason = last_line(done.stderr) or done.returncode
        raise UserError(f"{program.prepare[0]} fails: {reason}")
