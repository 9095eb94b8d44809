"""The native event profile of a program that targets run."""

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.errors import UserError
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
    tell: Callable[[str], None] = lambda _: None,
) -> Profile:
    """Profile a program as a target would run it: in a fresh directory, with its inputs.

    A shell makes that directory and what the program has to find there, and becomes the program:
    a few small programs are counted with it.

    Parameters
    ----------
    program
        What to run.
    memory, disk
        Directories on a tmpfs and on a disk, to be used and taken away by others.

    Raises
    ------
    UserError
        If the program or something that it needs is missing or fails.
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
        _prepared(program, base, setting)
        script.insert(2, "cp ../prepared/* .")
    try:
        return profile_command(["sh", "-ec", "\n".join(script)], program.name, repetitions, tell)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _prepared(program: Program, base: Path, setting: str) -> None:
    """Do beforehand, once, what must not count."""
    assert program.prepare is not None
    place = base / "prepared"
    place.mkdir()
    script = (
        f"ln -s ../input input && export {setting} && {shlex.join(program.prepare)} && rm input"
    )
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise UserError(f"{program.prepare[0]} fails: {said[-1] if said else done.returncode}")
