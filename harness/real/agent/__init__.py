"""Program of the agent, compiled from its sources with the machine's C compiler."""

import re
import shutil
from pathlib import Path

from harness.errors import UserError
from harness.real.host.system import run_command

SOURCES = Path(__file__).parent
COMPILER = "gcc"
FLAGS = ("-O2", "-fno-tree-slp-vectorize")
"""The search for vectors in straight code takes half of the time, and finds none that is timed."""

_WHERE = re.compile(r"In file included from |\s+from |.*: In function ")
"""Lines of the compiler that give the place of an error, before the error."""

SHORTAGE = "the agent needs gcc and a static C library (Debian: apt-get install gcc libc6-dev)"


def build_agent(directory: Path) -> Path:
    """Compile the agent into a directory and return the program.

    It is linked statically, so that a guest needs no other file.

    Raises
    ------
    UserError
        If there is no compiler, or it fails.
    """
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise UserError(f"{SHORTAGE}: there is no {COMPILER}")
    program = directory / "agent"
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    command = [compiler, *FLAGS, "-static", "-o", str(program), *sources]
    done = run_command(command)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        errors = [line for line in lines if not _WHERE.match(line)]
        raise UserError(f"{SHORTAGE}: {errors[0] if errors else 'it does not compile'}")
    return program
