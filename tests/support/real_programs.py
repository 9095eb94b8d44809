"""Programs for tests in targets: the real ones with little to do, and a shell for the rest."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.real.programs.inputs import c_source, sql_transactions, text
from harness.real.target import cgroup as control_group
from harness.real.target.program import MEMORY, Program

_INPUTS = {
    "words": partial(text, 20_000),
    "source.c": partial(c_source, 2),
    "transactions.sql": partial(sql_transactions, 2),
}
_ARGUMENTS = {"200000": "50", "800": "5", "10": "1"}
_TOOLS = (
    "cat",
    "dd",
    "env",
    "fallocate",
    "grep",
    "ls",
    "mkdir",
    "readlink",
    "setsid",
    "sh",
    "sleep",
)


def small(program: Program) -> Program:
    """The same program with little to do."""
    return replace(
        program,
        command=tuple(_ARGUMENTS.get(word, word) for word in program.command),
        inputs={name: _INPUTS.get(name, make) for name, make in program.inputs.items()},
    )


def shell(script: str, base: str = MEMORY, **fields: object) -> Program:
    """What a shell makes of a script, with some tools at hand."""
    tools = Program(
        name="tools",
        meaning="Whatever a test asks for.",
        command=("sh", "-c", script),
        needs=dict.fromkeys(_TOOLS, "coreutils"),
        inputs={"greeting": "hello\n".encode, "name with % and space": "odd\n".encode},
        base=base,
        limit_seconds=60,
    )
    return replace(tools, **fields)  # type: ignore[arg-type]


_QUOTA = """\
import os, sys, time
from pathlib import Path
sys.path.insert(0, "input")
from control_group import UnavailableError, find_mount, join, limit

def found():
    return find_mount(Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text())

def reason():
    try:
        found()
    except UnavailableError as error:
        return str(error)

print("unmounted:", reason())
os.system("mount -t cgroup2 none /sys/fs/cgroup")
print("not passed on:", reason())
root = Path("/sys/fs/cgroup")
(root / "cgroup.subtree_control").write_text("+cpu")
mount = found()
print("found:", mount.version, mount.parent)
group = root / "vtax-test"
limit(mount, group)
join(group, os.getpid())
begin, used = time.monotonic(), time.process_time()
while time.monotonic() < begin + 1:
    pass
share = (time.process_time() - used) / (time.monotonic() - begin)
# Half of it, and what the guest ran on while its own processor was taken away.
print("within its quota:", share <= 0.75)
told = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
print("throttled:", int(told["nr_throttled"]) > 0)
(root / "cgroup.procs").write_text(str(os.getpid()))
group.rmdir()
os.setresuid(65534, 65534, 0)
print("as nobody:", reason())
try:
    limit(mount, group)
except UnavailableError as error:
    print("nor made:", error)
"""

QUOTA = Program(
    name="quota",
    meaning="Control groups of version 2, with the code that makes them here.",
    command=("python3", "-S", "input/quota.py"),
    needs={"python3": "python3", "sh": "dash", "mount": "mount"},
    inputs={
        "quota.py": _QUOTA.encode,
        "control_group.py": Path(control_group.__file__).read_bytes,
    },
    # The directory by which Python knows its own.
    files=("/usr/lib/python3.*/lib-dynload/*",),
    finders=(
        (
            *("python3", "-S", "-c"),
            "import sys, dataclasses, pathlib, encodings.ascii, encodings.utf_8\n"
            "for module in list(sys.modules.values()): print(getattr(module, '__file__', ''))",
        ),
    ),
)
