"""Targets for real: this machine, a quota on it, and a guest without hardware help."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from programs import guest_programs
from traces import traces

from harness.real.host.cpu_time import tree_seconds
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.target.cgroup import UnavailableError, find_mount
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.target import BOOT_SECONDS, launcher


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_more_events_take_longer_by_the_targets_clock(native, event):
    few, many = (min(native.measure(event, n).inside_seconds for _ in range(3)) for n in (1, 200))
    assert 0 < few < many


def test_the_processor_time_of_children_and_partners_counts(native, event):
    before = tree_seconds(native.pid)
    inside = native.measure(event("execs"), 300).inside_seconds
    alone = time.clock_gettime((~native.pid << 3) | 2)
    assert tree_seconds(native.pid) - before > 0
    assert tree_seconds(native.pid) > alone, "children that were waited for"
    assert inside > 0


def test_what_children_took_is_told_finer_than_in_ticks(native, event):
    """Two forks take well below a tick of 10 ms, and something."""
    taken = [native.measure(event("forks"), 2).processor_seconds for _ in range(20)]
    assert 0.0 < sum(taken) / len(taken) < 0.01
    assert sum(0.0 < seconds < 0.009 for seconds in taken) >= 15


def test_an_agent_refuses_what_it_cannot_do_and_goes_on(native, event):
    for wrong in (Microbenchmark("x", "none", 0, ""), Microbenchmark("x", "calls", 1 << 40, "")):
        with pytest.raises(RefusalError, match="no "):
            native.measure(wrong, 1)
    assert native.measure(event("calls"), 1).inside_seconds >= 0


def test_a_target_that_is_killed_says_so(native, event):
    os.kill(native.pid, signal.SIGKILL)
    with pytest.raises(TargetError, match="killed by signal 9"):
        native.measure(event("calls"), 1)


def test_a_target_that_stops_answering_is_given_up(native, event, monkeypatch):
    monkeypatch.setattr("harness.real.target.target.ANSWER_SECONDS", 0.2)
    os.kill(native.pid, signal.SIGSTOP)
    with pytest.raises(TargetError, match=r"no answer to 'children' within 0\.2 s"):
        native.measure(event("calls"), 1)
    os.kill(native.pid, signal.SIGCONT)
    # A late answer is not taken for the answer to another request.
    with pytest.raises(TargetError, match=r"no answer to 'children' within 0\.2 s"):
        native.channel_seconds()


def test_a_quota_withholds_processor_time(agent, event):
    with launcher() as place:
        try:
            find_mount(Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text())
        except UnavailableError as reason:
            # Who may not set a quota here is told so.
            with pytest.raises(UnavailableError, match=re.escape(str(reason))):
                place.open("capped", agent)
            return
        target = place.open("capped", agent)
        sample = target.measure(event("compute"), 200_000)
    # Half a processor: an upper bound, whatever else the machine does; a window more or less.
    assert sample.processor_seconds <= 0.5 * sample.seconds + 0.02


def test_a_guest_boots_answers_and_does_every_event(guest):
    assert guest.machine == "x86_64"
    assert any(guest.kernel in kernel.name for kernel in Path("/boot").glob("vmlinuz-*"))
    assert guest.channel_seconds() > 0
    for one in EVENTS:
        try:
            sample = guest.measure(one, 20)
        except RefusalError as reason:
            # A guest that was given no programs has no shell.
            assert (one.name, "/bin/sh" in str(reason)) == ("shells", True)
            continue
        assert sample.inside_seconds > 0, one.name
    assert tree_seconds(guest.pid) > 0


def test_a_guest_that_does_not_answer_in_time_is_unavailable(agent, monkeypatch):
    guest_programs()
    monkeypatch.setitem(BOOT_SECONDS, "qemu-tcg", 0.1)
    before = traces(os.getpid())
    with (
        launcher() as place,
        pytest.raises(UnavailableError, match=r"boot and answer within 0\.1 s"),
    ):
        place.open("qemu-tcg", agent)
    assert traces(os.getpid()) == before


def test_missing_qemu_and_kernel_are_named(agent, monkeypatch, tmp_path):
    with launcher() as place:
        monkeypatch.setattr("harness.real.target.qemu.shutil.which", lambda name: None)
        with pytest.raises(UnavailableError, match="qemu-system-x86"):
            place.open("qemu-tcg", agent)


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from real_programs import shell
from harness.real.target.target import launcher
with launcher() as place:
    print("begin", flush=True)
    try:
        target = place.open(sys.argv[1], Path(sys.argv[2]), place.stage([shell("")]))
        print("up", flush=True)
        target.run(shell("setsid sh -c 'sleep 600; :' & (sleep 600; :) & echo & sleep 600"))
    except Exception as error:
        print(error, flush=True)
    time.sleep(600)
"""
"""Runs a program that leaves its session and its parent."""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["native", "capped", "qemu-tcg"])
def test_nothing_is_left_behind_whatever_ends_the_process(agent, name, number):
    if name == "qemu-tcg":
        guest_programs()
    support = str(Path(__file__).parents[2] / "support")
    command = [sys.executable, "-c", SCRIPT, name, str(agent), support]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        if name == "qemu-tcg":
            time.sleep(1)  # In the middle of its boot.
        elif process.stdout.readline() == "up\n":
            patience = time.monotonic() + 60
            while not _sleepers(process.pid) and time.monotonic() < patience:
                time.sleep(0.05)
            assert _sleepers(process.pid)
        assert traces(process.pid)
        process.send_signal(number)
    patience = time.monotonic() + 20
    while traces(process.pid) and time.monotonic() < patience:
        time.sleep(0.05)
    assert not traces(process.pid)


def _sleepers(maker: int) -> bool:
    """Whether the program of the script is in the midst of it."""
    return len([trace for trace in traces(maker) if "sleep" in trace]) >= 3


def test_a_target_that_was_ended_does_not_answer(native):
    native.end()
    with pytest.raises(TargetError, match="killed by signal 9"):
        native.channel_seconds()
