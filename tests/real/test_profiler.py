"""Profiles of programs whose events are known."""

import os
import signal
import subprocess
import sys
import time

import pytest
from programs import program
from traces import traces

from harness.errors import UserError
from harness.real import profiler
from harness.real.counters import find_counting
from harness.real.profile import QUANTITIES
from harness.real.profiler import profile_command

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


def test_processes_and_files_are_counted_where_perf_may_count_them(counted):
    if "forks" in counted.absent:
        assert "perf" in counted.absent["forks"] or "root" in counted.absent["forks"]
        pytest.skip(counted.absent["forks"])
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
    monkeypatch.setattr("harness.real.counters._find_perf", lambda: "there is no perf")
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
    monkeypatch.setattr("harness.real.counters.shutil.which", lambda name: None)
    found = profile_command(command_of(known, tmp_path, calls=10), "known", 2)
    assert {"user", "system", "elapsed", "page_faults", "io_calls"} <= found.measured.keys()
    assert "no perf" in found.absent["calls"]
    assert "no strace" in found.absent["calls"]
    assert "calls" not in found.measured
    assert "perf" in found.absent["floating"]


def test_processes_that_outlive_the_command_are_counted_and_ended(known, tmp_path):
    script = f"{known} 20000 0 0 100 0 {tmp_path} & setsid sleep 300 & exec sleep 0.2"
    found = profile_command(["sh", "-c", script], "outlived", 2)
    assert found.about["left_behind"] >= 1
    assert estimate(found, "waiting") <= estimate(found, "elapsed")
    assert estimate(found, "page_faults") > 100
    listed = subprocess.run(["ps", "-e", "-o", "args"], capture_output=True, text=True, check=True)
    assert "sleep 300" not in listed.stdout


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
    with pytest.raises(UserError, match=told) as failure:
        profile_command(command, "failing", 2)
    assert "\n" not in str(failure.value)
    assert not traces(os.getpid())


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
    mark = f"sleep {300 + number}.25"
    script = f"(setsid {mark} &); touch {tmp_path}/up; exec {mark}"
    command = [sys.executable, "-c", "from harness.cli import main; main()", "profile", "--"]
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
        listed = subprocess.run(
            ["ps", "-e", "-o", "args"], capture_output=True, text=True, check=True
        )
        return mark in listed.stdout or bool(traces(process.pid))

    patience = time.monotonic() + 20
    while left() and time.monotonic() < patience:
        time.sleep(0.05)
    assert not left()


def test_the_runner_is_a_program_of_its_own():
    """It starts without the rest of vtax, whose import would be its own peak of memory."""
    source = profiler.runner.__file__
    done = subprocess.run(
        [sys.executable, "-S", "-E", source, "0", "true"],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert '"code"' in done.stdout or done.stdout.strip() == "{}"


def test_samples_divide_the_time_of_short_processes_and_ticks_that_of_long_ones():
    if not profiler.sampling.event().endswith("clock"):
        pytest.skip("perf may not sample the kernel here, or is missing")
    short = profile_command(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do ls /; done"], "short", 2)
    assert "divided as perf record" in short.measured["system"].method
    long = profile_command([sys.executable, "-c", "sum(range(10_000_000))"], "long", 2)
    if "forks" in long.measured:
        assert "whole clock ticks" in long.measured["system"].method
    assert estimate(long, "user") > estimate(long, "system")
