"""Every command with an output that cannot be written, and in odd environments.

A command ends with one of its results, with 2 and one line, or as a closed pipe ends it: never with
a traceback, and never with 1 or 3 for what is no result.
"""

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from files import tree
from finished import finish
from measured_files import LPARSTAT
from tiny import TINY

from harness.cli.app import app

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "": ("--version",),
    "plan": ("tiny.toml",),
    "run": ("tiny.toml", "--out", "DIR", "--workers", "1"),
    "watch": ("tiny.toml", "--speed", "0"),
    "report": ("DIR",),
    "observe": ("DIR", "--no-serve"),
    "verdict": ("DIR",),
    "explain": ("DIR", "--only", "virtualization=hosted-uml"),
    "export": ("DIR", "--format", "csv"),
    "validate": ("--save-to", "nowhere"),
    "sensitivity": ("DIR", "--only", "machine=nothing"),
    "capacity": ("DIR", "--only", "machine=nothing"),
    "discrepancy": ("DIR",),
    "publish": ("DIR", "--to", "SITE"),
    "grafana": ("--to", "SITE"),
    "compare": ("DIR", "DIR"),
    "calibrate": ("--out", "nowhere/file", "--targets", "nothing"),
    "profile": ("--out", "nowhere/file", "--", "true"),
    "import": ("lparstat.txt", "--out", "IMPORT"),
    "predict": ("--profile", "nothing", "--catalog", "nothing"),
    "catalog": (),
    "catalog show": ("p5-520",),
}
"""What each command is given; most of it so that little is run."""

RESULTS = {"verdict": {0, 1, 3}, "compare": {0, 1}, "validate": {0, 1}}
"""Exit codes that say something other than success or an error."""

MAIN = [sys.executable, "-m", "harness"]
ROOT = Path(__file__).parents[2]


def names(command: "typer.core.TyperCommand", name: str = "") -> list[str]:
    """All commands of the application, those of groups after their group."""
    found = [name]
    for inner, each in sorted(getattr(command, "commands", {}).items()):
        found += names(each, f"{name} {inner}".strip())
    return found


COMMANDS = names(typer.main.get_command(app))


def each(*quick: str) -> list[Any]:
    """List all commands; those that are not quick are slow tests: they start some processes."""
    return [
        pytest.param(name, marks=() if name in quick else pytest.mark.slow, id=name or "vtax")
        for name in COMMANDS
    ]


EACH = each("", "catalog")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("broken")
    (place / "tiny.toml").write_text(TINY)
    (place / "lparstat.txt").write_text(LPARSTAT)
    finish(place / "tiny.toml", place / "DIR")
    return place


def vtax(
    place: Path, *words: str, redirect: str = "", **environment: str | None
) -> "subprocess.CompletedProcess[str]":
    """Run a command by a shell, which can close and redirect anything."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *MAIN, *words],
        cwd=place,
        env={name: value for name, value in known.items() if value is not None},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=300,
    )


def words(name: str) -> tuple[str, ...]:
    return (*name.split(), *ARGUMENTS[name])


@pytest.fixture(scope="module")
def right(place):
    """What a command comes to when nothing is wrong."""

    @cache
    def made(name: str) -> "subprocess.CompletedProcess[str]":
        done = vtax(place, *words(name))
        check(name, done)
        return done

    return made


def check(name: str, done: "subprocess.CompletedProcess[str]") -> None:
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "unexpected error" not in done.stderr, done.stderr
    assert done.returncode in RESULTS.get(name, {0}) | {2}, (done.returncode, done.stderr)
    if done.returncode == 2:
        told = [line for line in done.stderr.splitlines() if line.startswith("vtax: ")]
        assert len(told) <= 1, done.stderr


def test_every_command_is_tried():
    assert set(ARGUMENTS) == set(COMMANDS)


@pytest.mark.parametrize("name", each("", "catalog", "verdict"))
def test_output_that_cannot_be_written_is_an_error(place, right, name):
    for redirect in (">/dev/full", "<&- >&-"):
        done = vtax(place, *words(name), redirect=redirect)
        check(name, done)
        assert done.returncode == 2, (redirect, done.returncode)
        if right(name).returncode != 2:
            (line,) = (line for line in done.stderr.splitlines() if line.startswith("vtax: "))
            assert line.startswith("vtax: the output cannot be written")


@pytest.mark.parametrize("name", EACH)
def test_messages_that_cannot_be_written_change_nothing(place, right, name):
    redirect = "2>/dev/full" if name < "explain" else "<&- 2>&-"
    assert vtax(place, *words(name), redirect=redirect).returncode == right(name).returncode


@pytest.mark.parametrize(
    "name",
    [one for one in EACH if one.values[0] in ("", "plan", "verdict", "catalog", "explain")],
)
def test_a_reader_that_goes_away_ends_it_as_it_ends_other_programs(place, name):
    read, write = os.pipe()
    os.close(read)
    try:
        process = subprocess.run(
            [*MAIN, *words(name)],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert process.returncode == -signal.SIGPIPE
    assert "Traceback" not in process.stderr


ENVIRONMENTS: tuple[dict[str, str | None], ...] = (
    {
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUNBUFFERED": "1",
        "TERM": "dumb",
        "COLUMNS": "1",
        "HOME": None,
    },
    {
        "HOME": "/nonexistent",
        "TMPDIR": "/nonexistent",
        "PYTHONIOENCODING": "euc-jp",
        "COLUMNS": "\N{SUPERSCRIPT TWO}",
        "LINES": "9" * 30,
        "TERM": None,
    },
)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=["narrow", "nowhere"])
@pytest.mark.parametrize("name", EACH)
def test_no_environment_breaks_it(place, right, name, environment):
    done = vtax(place, *words(name), **environment)
    check(name, done)
    assert done.returncode == right(name).returncode, done.stderr


@pytest.mark.parametrize("name", EACH)
def test_a_directory_that_is_gone_is_told(place, tmp_path, name):
    before = tree(place / "DIR")
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f'rmdir {gone}; exec "$@"'
    absolute = [str(place / word) if (place / word).exists() else word for word in words(name)]
    done = subprocess.run(
        ["sh", "-c", code, "sh", *MAIN, *absolute],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    check(name, done)
    assert before.keys() <= tree(place / "DIR").keys()


@pytest.mark.parametrize(
    "wrong", [("nothing",), ("verdict",), ("verdict", "DIR", "--no"), ("run", "--seed", "x", "y")]
)
def test_a_wrong_command_line_is_told_in_one_line(place, wrong):
    done = vtax(place, *wrong)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("vtax: ")
    assert line.endswith("--help'")


CRASH = """
import os, signal, sys
import harness.catalog as catalog
from harness.cli.app import main

def crash(*_, **__):
    {what}

catalog.load_catalog = crash
sys.argv = ["vtax", "catalog"]
main()
"""


@pytest.mark.parametrize(
    ("what", "code", "told"),
    [
        ("raise RuntimeError('a\\x1b[2J' + 'x' * 10**6)", 2, "unexpected error: RuntimeError: a"),
        ("raise SystemExit(0)", 2, "unexpected error: SystemExit: 0"),
        ("raise EOFError", 2, "unexpected error: EOFError"),
        ("raise BrokenPipeError(32, 'Broken pipe')", 2, "unexpected error: BrokenPipeError"),
        ("raise MemoryError", 2, "out of memory"),
        ("raise PermissionError(13, 'Permission denied', 'some/file')", 2, "some/file: Permission"),
        ("return crash()", 2, "unexpected error: RecursionError"),
        ("raise KeyboardInterrupt", 130, "interrupted"),
        # Extension modules, for instance, that are being imported turn it into another error.
        (
            "try: os.kill(os.getpid(), signal.SIGINT)\n    except BaseException: raise ImportError",
            130,
            "interrupted",
        ),
        ("print('half'); raise ValueError('\\ud800')", 2, "unexpected error: ValueError: \\ud800"),
    ],
)
def test_a_crash_is_one_line_and_no_result(place, what, code, told):
    command = [sys.executable, "-c", CRASH.format(what=what)]
    for debug in ("", "1")[: 2 if what == "raise EOFError" or code == 130 else 1]:
        done = subprocess.run(
            command,
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT), "VTAX_DEBUG": debug},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        lines = done.stderr.splitlines()
        assert lines[-1].startswith(f"vtax: {told}")
        assert len(lines[-1]) < 1200
        assert "\x1b" not in lines[-1]
        assert len(lines) == 1 or debug
        assert ("Traceback" in done.stderr) == (debug == "1" and code == 2)


START = """
import sys
from importlib.abc import MetaPathFinder

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise {what}

sys.meta_path.insert(0, Finder())
from harness.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("what", "code", "told"),
    [
        ("KeyboardInterrupt", 130, "vtax: interrupted"),
        ("MemoryError", 2, "vtax: cannot start: MemoryError"),
        ("ImportError('no\\nlibrary')", 2, "vtax: cannot start: ImportError no library"),
    ],
)
def test_what_goes_wrong_before_the_modules_are_there_is_one_line(what, code, told):
    done = subprocess.run(
        [sys.executable, "-c", START.format(what=what)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert line.startswith(told)
