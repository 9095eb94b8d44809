"""A machine whose disk is full, for real: in a small file system that only the test sees."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs import guest_programs, missing, program

pytestmark = pytest.mark.slow

PLACE = "/mnt"


def on_a_small_disk(kibibytes: int, *command: object) -> tuple[int, str, str]:
    """Run a command whose TMPDIR has so much space; its exit code, output and errors.

    The output ends with what the command left behind there.
    """
    unshare = [program("unshare", "util-linux"), "-m" if os.getuid() == 0 else "-Urm"]
    script = (
        f'mount -t tmpfs -o size={kibibytes}k tmpfs {PLACE} || exit 99; TMPDIR={PLACE} "$@"; '
        f"code=$?; ls -A {PLACE}; exit $code"
    )
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.stderr.startswith("unshare: "):
        missing(
            "this user may mount nothing (root may, or sysctl kernel.unprivileged_userns_clone=1)"
        )
    assert done.returncode != 99, f"no file system could be mounted: {done.stderr}"
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("kibibytes", [256, 8192])
def test_a_full_disk_is_one_line_and_leaves_nothing_behind(agent, tmp_path, kibibytes):
    out = tmp_path / "machine.toml"
    vtax = [sys.executable, "-c", "from harness.cli.app import main; main()"]
    code, told, errors = on_a_small_disk(
        kibibytes, *vtax, "calibrate", "--targets", "native", "--out", out
    )
    assert code == 2, errors
    assert "No space left on device" in errors
    assert len(errors.strip().splitlines()) == 1
    assert told == ""
    # What it told of the other targets until then is kept, if anything was.
    assert not out.exists()


SCRIPT = """
import os, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from real_programs import shell
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.program import DISK
from harness.real.target.launcher import launcher
with launcher() as place:
    staged = place.stage([shell("")])
    target = place.open("qemu-tcg", Path(sys.argv[1]), staged)
    sample = target.run(shell("dd if=/dev/zero of=large bs=1M count=100 conv=fsync", DISK))
    print(sample.status, sample.complaint)
    print(target.run(shell("cat input/greeting")).output_bytes)
    try:
        print(target.run(shell("true", DISK)).status)
    except RefusalError as refusal:
        print("refused:", refusal)
    threading.Timer(0.5, os.kill, (target.pid, 9)).start()
    try:
        target.run(shell("sleep 60"))
    except TargetError as failure:
        print(failure)
"""


def test_a_guest_outlives_a_full_disk_of_its_machine_and_its_death_is_told(agent):
    guest_programs()
    program("mke2fs", "e2fsprogs")
    support = Path(__file__).parent.parent / "support"
    code, told, errors = on_a_small_disk(
        64 << 10, sys.executable, "-W", "error", "-c", SCRIPT, agent, support
    )
    assert code == 0, errors
    assert errors == ""
    failed, answered, again, ended, *left = told.splitlines()
    assert re.fullmatch(r"1 dd: .*(Input/output error|Read-only file system)", failed), failed
    assert answered == "6"
    # The guest's file system gives up on such a disk, or it does not: both are told.
    assert again == "0" or again.startswith("refused: ")
    assert ended == "it was killed by signal 9"
    assert left == []
