"""Whatever is done to the files in a directory of results, every command says so in one line.

A command ends with a result (it leaves out what is damaged and says so) or with 2 and one line, in
bounded time: never with a traceback, and never with a message about an error of its own.
"""

import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from capable import capable
from finished import finish
from sensitive import sensitive
from tiny import TINY

from harness.analysis.study import analyse
from harness.cli import app as cli
from harness.cli.exit_status import exit_status
from harness.results.store import Store
from harness.validation.record import ValidationRecord
from harness.validation.row import Kind, Row

CAMPAIGN = (
    TINY.replace('"tiny"', '"tiny"\ntitle = { en = "Tiny", ja = "小" }').replace("integer", "mine")
    + """
[workloads.mine]
user = "workloads/cpu.py:IntegerCompute"
users = "2 per core"
think_time = "5 ms"
demand = { processor = "1 ms" }

[[scenario]]
name = "units"
title = { en = "Units move" }
element = "dlpar"
machine = "p5-520"
os = "aix-5.3"
workload = "mine"
duration = "1 s"

[[scenario.partitions]]
name = "app1"
entitlement = 0.8
limits = { minimum_cores = 0.4 }

[[scenario.partitions]]
name = "app2"
entitlement = 0.8

[[scenario.step]]
at = "500 ms"
name = "units"
dlpar = { move = "processing-units", amount = 0.2, from = "app1", to = "app2" }

[[scenario.expect]]
name = { en = "Entitlement of app2" }
metric = "entitlement"
of = "app2"
statistic = "last"
equals = 1.0
tolerance = 0.1
source = "assumed"
"""
)

RESULTS = {"verdict": {0, 1, 3}, "compare": {0, 1}}
"""Exit codes that say something other than success or an error."""

JUNK: list[Any] = [
    *(None, True, -1, 0, 2, 1e308, float("inf"), float("nan"), 10**30, 2**63, -(2**63) - 1),
    *("x", "", "1", "\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b[2J\n", "2007-04-02", "x" * 100_000),
    *([], {}, [[]], [None], {"a": 1}, {"en": 1}, [{"name": "x"}]),
]
BLOBS = {"campaign": "record", "cells": "cell", "constants": "drawn", "runs": "result"}
"""Tables of a store, and their column of compressed JSON."""

WATCHDOG_SECONDS = 120
"""Ends a command that hangs."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    output: str
    messages: str


def vtax(*words: str) -> Ended:
    """Run the command line in this process."""
    output, messages = io.StringIO(), io.StringIO()
    before = sys.argv, signal.getsignal(signal.SIGINT)
    sys.argv = ["vtax", *words]
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(messages):
            code = exit_status(cli._run)
    finally:
        sys.argv = before[0]
        signal.signal(signal.SIGINT, before[1])
    return Ended(code, output.getvalue(), messages.getvalue())


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A small campaign's results, with everything that can stand beside its runs."""
    place = tmp_path_factory.mktemp("results")
    (place / "tiny.toml").write_text(CAMPAIGN, encoding="utf-8")
    directory = finish(place / "tiny.toml", place / "whole")
    with Store.open(directory) as store:
        study = analyse(store)
    sensitive(study).write(directory)
    capable(study).write(directory)
    row = Row(Kind.THEORY, "PS", "mean", 2.0, "s", "a book", 2.0, 1.9, 2.1, "99 %", 0.1)
    record = ValidationRecord(
        model_digest=study.campaign.model,
        constants_digest="0" * 64,
        versions={"vtax": "1.0"},
        quick=False,
        rows=(row,),
    )
    record.write(directory)
    return directory


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values within a value; of long lists, of their ends only."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from nodes(inner, (*path, key))
    elif isinstance(value, list):
        for place in {*range(min(len(value), 5)), *range(len(value))[-3:]}:
            yield from nodes(value[place], (*path, place))


def mutated(value: Any, choose: random.Random) -> Any:
    """Put something else in the place of one value, or take it away."""
    # Each depth has its turn: most values are deep ones of the longest lists.
    paths = list(nodes(value))
    depth = choose.choice(sorted({len(path) for path in paths}))
    path = choose.choice([path for path in paths if len(path) == depth])
    junk = choose.choice(JUNK)
    if not path:
        return junk
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    match choose.randrange(6):
        case 0:
            del holder[path[-1]]
        case 1 if isinstance(holder, dict):
            holder["extra"] = junk
        case 2 if isinstance(holder, list):
            holder.append(holder[path[-1]])
        case _:
            holder[path[-1]] = junk
    return value


def spoil_bytes(path: Path, choose: random.Random) -> None:
    """Flip bits, write zeros, or cut the end off."""
    content = bytearray(path.read_bytes())
    match choose.randrange(4):
        case 0:
            content = content[: choose.randrange(len(content))]
        case 1:
            start = choose.randrange(len(content))
            content[start : start + 4096] = bytes(len(content[start : start + 4096]))
        case _:
            for _ in range(choose.choice((1, 1, 5, 50))):
                content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    path.write_bytes(content)


def spoil_json(path: Path, choose: random.Random) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(mutated(value, choose)), encoding="utf-8")


def spoil_row(path: Path, choose: random.Random) -> None:
    """Change the JSON of a row, or a column of it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        table = choose.choice(list(BLOBS))
        columns = [each[1] for each in database.execute(f"PRAGMA table_info({table})")]
        row = choose.choice(database.execute(f"SELECT rowid FROM {table}").fetchall())
        column = choose.choice(columns)
        match choose.randrange(12):
            case 0:
                database.execute(f"DELETE FROM {table}")
            case 1:
                database.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO another")
            case 2 | 3:
                junk = (None, "x", b"y", 1.5, -1, 2**62, "", "failed", zlib.compress(b"[]"))
                with contextlib.suppress(sqlite3.IntegrityError):
                    database.execute(
                        f"UPDATE {table} SET {column} = ? WHERE rowid = ?",
                        (choose.choice(junk), *row),
                    )
            case _:
                query = f"SELECT {BLOBS[table]} FROM {table} WHERE rowid = ?"
                (packed,) = database.execute(query, row).fetchone()
                value = json.loads(zlib.decompress(packed))
                for _ in range(choose.choice((1, 1, 1, 4))):
                    value = mutated(value, choose)
                packed = zlib.compress(json.dumps(value).encode())
                database.execute(
                    f"UPDATE {table} SET {BLOBS[table]} = ? WHERE rowid = ?", (packed, *row)
                )


Spoil = Callable[[Path, random.Random], None]
FILES: dict[str, tuple[Spoil, ...]] = {
    "store.sqlite": (spoil_row, spoil_row, spoil_row, spoil_bytes),
    "capacity.json": (spoil_json, spoil_json, spoil_bytes),
    "sensitivity.json": (spoil_json, spoil_json, spoil_bytes),
    "validation.json": (spoil_json, spoil_json, spoil_bytes),
}


def commands(name: str, directory: Path, whole: Path, choose: random.Random) -> list[list[str]]:
    """Choose commands that read a file."""
    words = str(directory)
    showing = [["report", words], ["publish", words, "--to", str(directory.parent / "site")]]
    if name != "store.sqlite":
        return [choose.choice(showing)]
    reading = [
        ["verdict", words],
        ["verdict", words, "--json"],
        ["compare", str(whole), words],
        ["export", words, "--format", "csv"],
        ["export", words, "--format", "parquet"],
        ["export", words, "--format", "openmetrics"],
        ["explain", words],
        ["explain", words, "--json"],
        ["observe", words, "--no-serve"],
        ["sensitivity", words, "--only", "machine=nothing"],
        ["capacity", words, "--only", "machine=nothing"],
        *showing,
    ]
    return choose.sample(reading, 3)


@pytest.fixture(autouse=True)
def no_printing(monkeypatch):
    """Printing to PDF takes seconds and reads nothing but the page."""
    monkeypatch.setattr("reports.site.site.chromium", lambda: None)


def check_one(seed: int, whole: Path, folder: Path) -> None:
    choose = random.Random(seed)
    directory = folder / "spoilt"
    for path in (directory, folder / "site"):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(whole, directory)
    name = choose.choice(("store.sqlite", "store.sqlite", *FILES))
    choose.choice(FILES[name])(directory / name, choose)
    for words in commands(name, directory, whole, choose):
        check_command(words, f"seed {seed}: {' '.join(words)}")


def check_command(words: list[str], what: str) -> None:
    def hangs(number: int, frame: object) -> None:
        raise AssertionError(f"{what}: not done after {WATCHDOG_SECONDS} s")

    handler = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(WATCHDOG_SECONDS)
    try:
        done = vtax(*words)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    lines = [line for line in done.messages.splitlines() if line.startswith("vtax: ")]
    told = [line for line in lines if not line.startswith("vtax: the store is damaged: ")]
    assert "unexpected error" not in done.messages, f"{what}: {done.messages}"
    assert "Traceback" not in done.messages, f"{what}: {done.messages}"
    assert done.code in RESULTS.get(words[0], {0}) | {2}, f"{what}: {done.code}"
    assert len(told) == 1 if done.code == 2 else len(told) <= 3, f"{what}: {done.messages}"
    assert all(len(line) < 1100 for line in lines), what


def test_spoilt_results_are_left_out_or_refused_in_one_line(results, tmp_path):
    for seed in range(12):
        check_one(seed, results, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_many_spoilt_results_are_left_out_or_refused(results, tmp_path, block):
    # Three commands read each of them: more than a thousand in all.
    for seed in range(60 * (block + 1), 60 * (block + 2)):
        check_one(seed, results, tmp_path)


WRITING = {
    "report": ("report",),
    "csv": ("export", "--format", "csv"),
    "openmetrics": ("export", "--format", "openmetrics"),
    "parquet": ("export", "--format", "parquet"),
    "publish": ("publish", "--to", "SITE"),
}
"""Commands that write beside what they read."""


def forked(words: Sequence[str], prepare: Callable[[], object] = lambda: None) -> int:
    """Start a command in a child of this process, which has imported everything already."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            prepare()
            code = vtax(*words).code
        finally:
            os._exit(code)
    return child


def written(words: Sequence[str], place: Path) -> list[str]:
    name, *options = (str(place / "site") if word == "SITE" else word for word in words)
    return [name, str(place / "whole"), *options]


def outputs(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def limited() -> None:
    """Let no file grow further than a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITING)
def test_kills_signals_and_a_full_disk_lose_nothing(results, tmp_path, name):
    right, place = tmp_path / "right", tmp_path / "place"
    for each in (right, place):
        shutil.copytree(results, each / "whole")
    assert vtax(*written(WRITING[name], right)).code == 0
    began = time.monotonic()
    assert vtax(*written(WRITING[name], right)).code == 0
    longest = 1.2 * (time.monotonic() - began)
    expected, before = outputs(right), outputs(place)
    words = written(WRITING[name], place)
    _, status = os.waitpid(forked(words, limited), 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert before.items() <= outputs(place).items()
    choose = random.Random(name)
    for number in range(15):
        child = forked(words)
        time.sleep(choose.uniform(0, longest))
        os.kill(child, (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[number % 3])
        os.waitpid(child, 0)
        kept = outputs(place)
        assert before.items() <= kept.items(), number
        for path in kept.keys() & expected.keys():
            assert kept[path] == expected[path], (number, path)
    assert vtax(*words).code == 0
    assert outputs(place) == expected
