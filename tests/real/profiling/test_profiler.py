"""Profiles of programs whose events are known."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import program
from rich.console import Console
from traces import running, traces

from harness.cli.tables.prediction import profile_table
from harness.errors import UserError
from harness.real.calibration.file import write
from harness.real.profiling import _runner as runner
from harness.real.profiling import perf_sampling as sampling
from harness.real.profiling import syscall_counters as counters
from harness.real.profiling.command_text import valid_text
from harness.real.profiling.file import profile_document
from harness.real.profiling.profile import QUANTITIES, Profile
from harness.real.profiling.profiler import profile_command
from harness.real.profiling.standard_input import named_input
from harness.real.profiling.syscall_counters import find_counting

KNOWN = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long calls = atol(argv[1]), forks = atol(argv[2]), files = atol(argv[3]);
    long pages = atol(argv[4]), bytes = atol(argv[5]);
    char *area = mmap(NULL, pages * 4096 + 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int null = open("/dev/null", O_WRONLY);
    for (long i = 0; i < calls; i++)
        syscall(SYS_getppid);
    for (long i = 0; i < forks; i++) {
        if (fork() == 0)
            _exit(0);
        wait(NULL);
    }
    for (long i = 0; i < files; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%ld", argv[6], i);
        close(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600));
        unlink(path);
    }
    madvise(area, pages * 4096, MADV_NOHUGEPAGE);
    for (long i = 0; i < pages; i++)
        area[i * 4096] = 1;
    for (long left = bytes; left > 0; left -= 1000)
        if (write(null, area, 1000) != 1000)
            return 1;
    return argc != 7;
}
"""

COUNTS = {"calls": 30_000, "forks": 50, "files": 200, "pages": 3000, "bytes": 1_000_000}


@pytest.fixture(scope="session")
def known(tmp_path_factory):
    directory = tmp_path_factory.mktemp("known")
    source = directory / "known.c"
    source.write_text(KNOWN)
    command = [program("gcc"), "-O1", "-static", "-o", directory / "known", source]
    subprocess.run(command, check=True)
    return directory / "known"


def command_of(known, place, **counts):
    return [str(known), *(str(n) for n in {**COUNTS, **counts}.values()), str(place)]


@pytest.fixture(scope="session")
def counted(known, tmp_path_factory):
    """A profile of that program, with everything that this machine offers."""
    place = tmp_path_factory.mktemp("place")
    return profile_command(command_of(known, place), "known", 2)


def estimate(profile, name):
    assert name in profile.measured, profile.absent.get(name)
    return profile.interval(name).estimate


def test_faults_and_transfers_are_those_of_the_program(counted):
    # 100 faults more are its beginning, and what its children copy and write.
    faults = estimate(counted, "page_faults")
    assert COUNTS["pages"] <= faults <= COUNTS["pages"] + COUNTS["forks"] * 40 + 200
    assert COUNTS["bytes"] <= estimate(counted, "io_bytes") <= COUNTS["bytes"] + 20_000
    assert estimate(counted, "voluntary_switches") >= COUNTS["forks"]


def test_calls_are_counted_by_kind(counted):
    if isinstance(find_counting(), str):
        program("strace")
    assert (
        COUNTS["calls"] <= estimate(counted, "calls") <= COUNTS["calls"] + 4 * COUNTS["forks"] + 60
    )
    assert COUNTS["bytes"] / 1000 <= estimate(counted, "io_calls") <= COUNTS["bytes"] / 1000 + 30
    assert COUNTS["files"] <= estimate(counted, "opens") <= COUNTS["files"] + 10
    assert estimate(counted, "file_deletes") == COUNTS["files"]
    assert estimate(counted, "execs") == 1
    assert estimate(counted, "messages") == 0
    kinds = ("io_calls", "stats", "opens", "selects", "signal_installs", "mmaps", "file_deletes")
    kinds_sum = sum(estimate(counted, name) for name in kinds)
    # Closes and unmappings that belong to an opening or mapping are in neither.
    paired = estimate(counted, "opens") + estimate(counted, "mmaps")
    assert estimate(counted, "calls") + kinds_sum <= estimate(counted, "all_calls")
    assert estimate(counted, "all_calls") <= estimate(counted, "calls") + kinds_sum + paired


def test_processes_and_files_are_counted_or_it_says_why_perf_cannot(counted):
    perf = counters._find_perf()
    if isinstance(perf, str):
        assert perf in counted.absent["forks"]
        assert perf in counted.absent["file_creates"]
        assert not {"forks", "file_creates"} & counted.measured.keys()
        return
    assert estimate(counted, "forks") == COUNTS["forks"]
    assert estimate(counted, "vforks") == 0
    assert estimate(counted, "threads") == 0
    assert COUNTS["files"] <= estimate(counted, "file_creates") <= COUNTS["files"] + 2


def test_every_quantity_is_measured_or_absent_with_its_reason(counted):
    assert counted.measured.keys() | counted.absent.keys() == QUANTITIES.keys()
    assert not counted.measured.keys() & counted.absent.keys()
    assert all(found.method for found in counted.measured.values())
    assert all(counted.absent.values())
    assert "block_writes" in counted.absent
    for found in counted.measured.values():
        assert 0 <= found.value.low <= found.value.estimate <= found.value.high


def test_strace_counts_the_same_calls_as_perf(known, tmp_path, monkeypatch, counted):
    program("strace")
    monkeypatch.setattr(
        "harness.real.profiling.syscall_counters._find_perf", lambda: "there is no perf"
    )
    traced = profile_command(command_of(known, tmp_path), "known", 2)
    assert traced.measured["calls"].method.startswith("strace")
    assert "there is no perf" in traced.absent["forks"]
    if counted.measured["calls"].method.startswith("perf"):
        for name in ("io_calls", "opens", "file_deletes", "execs", "mmaps"):
            assert estimate(traced, name) == pytest.approx(estimate(counted, name), abs=5), name
        # A call that ends its process is none for strace, because it never returns.
        ends = estimate(counted, "calls") - estimate(traced, "calls")
        assert ends == pytest.approx(COUNTS["forks"], abs=5)


def test_without_anything_that_counts_it_says_so(known, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.real.profiling.syscall_counters.shutil.which", lambda name: None)
    found = profile_command(command_of(known, tmp_path, calls=10), "known", 2)
    assert {"user", "system", "elapsed", "page_faults", "io_calls"} <= found.measured.keys()
    assert "no perf" in found.absent["calls"]
    assert "no strace" in found.absent["calls"]
    assert "calls" not in found.measured
    assert "perf" in found.absent["floating"]


def test_processes_that_outlive_the_command_are_counted_and_ended(known, tmp_path):
    daemon = f"sleep 86400.{os.getpid()}"
    script = f"{known} 20000 0 0 100 0 {tmp_path} & setsid {daemon} & exec sleep 0.2"
    found = profile_command(["sh", "-c", script], "outlived", 2)
    assert found.about["left_behind"] >= 1
    assert estimate(found, "waiting") <= estimate(found, "elapsed")
    assert estimate(found, "page_faults") > 100
    assert not running(daemon)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["/no/such/program"], "/no/such/program cannot be started: No such file or directory"),
        (["/etc/passwd"], "cannot be started: Permission denied"),
        (["sh", "-c", "echo broken >&2; exit 7"], r"sh ended with exit code 7 \(broken\)"),
        (["sh", "-c", "kill -9 $$"], "sh was killed by SIGKILL"),
        (["sh", "-c", "kill -35 $$"], "sh was killed by "),
    ],
)
def test_a_command_that_fails_is_one_line_with_its_exit_code(command, told):
    others = traces(os.getpid())  # what other tests of this process keep
    with pytest.raises(UserError, match=told) as failure:
        profile_command(command, "failing", 2)
    assert "\n" not in str(failure.value)
    assert traces(os.getpid()) <= others


def test_a_command_that_fails_only_at_times_is_told_of(tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(UserError, match="exit code 3"):
        profile_command(["sh", "-c", f"test ! -e {mark} && touch {mark} || exit 3"], "once", 2)


def test_one_repetition_is_not_enough():
    with pytest.raises(UserError, match="at least 2"):
        profile_command(["true"], "true", 1)


def test_no_place_for_the_counts_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    with pytest.raises(UserError, match="set TMPDIR"):
        profile_command(["true"], "true", 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interruption_leaves_nothing_behind(number, tmp_path):
    mark = f"sleep {300 + number}.{os.getpid()}"
    script = f"(setsid {mark} &); touch {tmp_path}/up; exec {mark}"
    command = [sys.executable, "-c", "from harness.cli.app import main; main()", "profile", "--"]
    with subprocess.Popen(
        [*command, "sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        patience = time.monotonic() + 60
        while not (tmp_path / "up").exists() and time.monotonic() < patience:
            time.sleep(0.02)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    if number == signal.SIGINT:
        assert process.returncode == 130

    def left():
        return running(mark) or bool(traces(process.pid))

    patience = time.monotonic() + 20
    while left() and time.monotonic() < patience:
        time.sleep(0.05)
    assert not left()


def test_the_runner_is_a_program_of_its_own():
    """It starts without the rest of vtax, whose import would be its own peak of memory."""
    here, there = socket.socketpair()
    command = [sys.executable, "-S", "-E", runner.__file__, str(there.fileno()), "0", "timed"]
    with here, there:
        subprocess.run([*command, "true"], pass_fds=[there.fileno()], check=True, timeout=60)
        answer = json.loads(here.recv(10_000))
    assert answer["code"] == 0
    assert answer["own_memory"] < 64 << 20


def test_samples_divide_the_time_of_short_processes_and_ticks_that_of_long_ones():
    short = profile_command(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do ls /; done"], "short", 2)
    if not sampling.event().endswith("clock"):
        # The kernel may not be sampled: there are ticks and nothing else.
        assert "whole clock ticks" in short.measured["system"].method
        return
    assert "divided as perf record" in short.measured["system"].method
    long = profile_command([sys.executable, "-c", "sum(range(10_000_000))"], "long", 2)
    if "forks" in long.measured:
        assert "whole clock ticks" in long.measured["system"].method
    assert estimate(long, "user") > estimate(long, "system")


DAEMONS = {
    "setsid": "setsid {daemon} & exec sleep 0.05",
    "nohup": "nohup {daemon} >/dev/null 2>&1 &",
    "double fork": "(setsid sh -c '{daemon} & {daemon}; :' &)",
    "background": "{daemon} & echo begun",
    "output": "sh -c 'while :; do echo more; done' & {daemon} &",
}
"""Programs that leave a process behind, the last ones with their outputs open."""


@pytest.mark.parametrize("counting", ["strace", "nothing"])
@pytest.mark.parametrize("kind", DAEMONS)
def test_a_process_left_behind_is_not_waited_for_and_is_told(kind, counting, monkeypatch):
    if counting == "strace":
        program("strace")
        monkeypatch.setattr(
            "harness.real.profiling.syscall_counters._find_perf", lambda: "there is no perf"
        )
    else:
        monkeypatch.setattr(
            "harness.real.profiling.profiler.find_counting", lambda: "nothing counts"
        )
    monkeypatch.setattr("harness.real.profiling.perf_sampling.event", lambda: "")
    daemon = f"sleep 86400.{os.getpid()}"
    # The sleep outlives all patience: this ends only if it is not waited for.
    found = profile_command(["sh", "-c", DAEMONS[kind].format(daemon=daemon)], "daemon", 2)
    assert found.about["left_behind"] >= 1
    assert "were ended with it" in shown(found)
    assert ("calls" in found.measured) == (counting == "strace")
    assert not running(daemon)


def shown(profile):
    console = Console(file=io.StringIO(), width=300)
    console.print(profile_table(profile))
    return console.file.getvalue()


@pytest.mark.usefixtures("timed_only")
def test_a_program_sees_no_null_device_and_reading_its_output_is_not_counted():
    """As tar and grep look: they do less where their output is thrown away."""
    script = (
        "import os, stat, sys\n"
        "null = os.stat('/dev/null').st_rdev\n"
        "for number in (1, 2):\n"
        "    assert os.fstat(number).st_rdev != null and not os.isatty(number)\n"
        "    for _ in range(100): os.write(number, bytes(100_000))\n"
    )
    found = profile_command([sys.executable, "-S", "-c", script], "writer", 2)
    # Twice 10 MB written; a reader that counted would make it twice as much.
    assert 20_000_000 <= estimate(found, "io_bytes") <= 21_000_000


@pytest.mark.usefixtures("timed_only")
def test_every_run_reads_the_same_input(tmp_path):
    data = bytes(range(256)) * 4000
    path = tmp_path / "input"
    path.write_bytes(data)
    script = "import sys; sys.exit(sys.stdin.buffer.read() != bytes(range(256)) * 4000)"
    command = [sys.executable, "-S", "-c", script]
    found = profile_command(command, "reader", 2, standard_input=named_input(path))
    assert found.about["input"] == str(path)
    with pytest.raises(UserError, match="exit code 1"):
        profile_command(command, "reader", 2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"cat {path} >{pipe}"]):
        profile_command(command, "reader", 2, standard_input=named_input(pipe))


def test_a_failure_under_a_counting_program_keeps_what_was_timed(monkeypatch, tmp_path):
    """Some programs refuse to be traced."""

    class Refused(counters.Counting):
        name = "a counter"
        absent: ClassVar[dict[str, str]] = {}

        def wrapped(self, command, out):
            return ["sh", "-c", "echo not traced >&2; exit 3"]

    monkeypatch.setattr("harness.real.profiling.profiler.find_counting", Refused)
    monkeypatch.setattr("harness.real.profiling.perf_sampling.event", lambda: "")
    found = profile_command(["true"], "true", 2)
    assert "elapsed" in found.measured
    assert found.absent["calls"] == "a counter: true ended with exit code 3 (not traced)"


@pytest.mark.usefixtures("timed_only")
def test_accepted_exit_codes_are_successes_and_told():
    command = ["sh", "-c", "exit 7"]
    with pytest.raises(UserError, match="--accept-exit 7"):
        profile_command(command, "seven", 2)
    found = profile_command(command, "seven", 2, accepted={0, 7})
    assert found.about["exit_codes"] == [7]
    assert "Exit codes, all accepted: 7." in shown(found)


def test_what_a_program_writes_as_an_error_is_not_kept_on_a_disk():
    script = (
        "import sys\nfor _ in range(300): sys.stderr.write('x' * 100_000 + '\\n')\nsys.exit('end')"
    )
    with pytest.raises(UserError, match=r"exit code 1 \(end\)"):
        profile_command([sys.executable, "-S", "-c", script], "loud", 2)


WORDS = st.text(st.characters(exclude_characters="\0"), max_size=20).map(
    lambda text: text.encode("utf-8", "replace")
)
BYTES = st.binary(max_size=20).map(lambda data: data.replace(b"\0", b""))


@settings(max_examples=25)
@given(arguments=st.lists(WORDS | BYTES, max_size=4))
def test_any_command_line_is_stored_and_read_back(tmp_path_factory, arguments):
    place = tmp_path_factory.getbasetemp() / "odd.toml"
    command = ["true", *map(os.fsdecode, arguments)]
    found = Profile("odd", tuple(map(valid_text, command)), {}, {})
    write(profile_document(found), place)
    table = tomllib.loads(place.read_text())
    assert table["profile"]["command"] == list(found.command)
    for word, read in zip(arguments, table["profile"]["command"][1:], strict=True):
        if b"\\" not in word:
            # Each byte can be told again.
            assert read.encode("utf-8", "surrogatepass").decode("utf-8") == word.decode(
                "utf-8", "backslashreplace"
            )
    title = table["profiles"]["odd"]["title"]["value"]
    assert title.isprintable()
    assert len(title) <= 80


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV])
def test_the_signal_that_killed_a_program_is_named(number):
    with pytest.raises(UserError, match=f"sh was killed by {number.name}"):
        profile_command(["sh", "-c", f"ulimit -c 0; kill -{int(number)} $$"], "killed", 2)


def test_a_program_may_signal_its_whole_process_group():
    with pytest.raises(UserError, match="sh was killed by SIGKILL"):
        profile_command(["sh", "-c", "kill -9 0"], "killed", 2)
