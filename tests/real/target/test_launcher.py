"""Targets started and ended: this machine, a quota on it, and a guest without hardware help."""

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

from harness.real.target.cgroup import UnavailableError, find_mount
from harness.real.target.launcher import BOOT_SECONDS, launcher


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
from harness.real.target.launcher import launcher
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
@pytest.mark.parametrize(
    "name", ["native", "capped", pytest.param("qemu-tcg", marks=pytest.mark.slow)]
)
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
