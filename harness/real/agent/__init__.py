"""The agent's program, made of its sources with the machine's C compiler."""

import re
import shutil
import subprocess
from pathlib import Path

from harness.errors import UserError

SOURCES = Path(__file__).parent
COMPILER = "gcc"
_WHERE = re.compile(r"In file included from |\s+from |.*: In function ")
"""Lines in which the compiler says where it was before it says what is wrong."""

SHORTAGE = "the agent needs gcc and a static C library (Debian: apt-get install gcc libc6-dev)"


def build_agent(directory: Path) -> Path:
    """Compile the agent into a directory and return the program.

    It is linked statically, so that a guest needs no other file.

    Raises
    ------
    UserError
        Without a compiler, or when the program does not come about.
    """
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise UserError(f"{SHORTAGE}: there is no {COMPILER}")
    program = directory / "agent"
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    command = [compiler, "-O2", "-static", "-o", str(program), *sources]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        complaints = [line for line in said if not _WHERE.match(line)]
        raise UserError(f"{SHORTAGE}: {complaints[0] if complaints else 'it does not compile'}")
    return program
