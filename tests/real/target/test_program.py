"""Programs in targets: the machine itself, and a guest without hardware help."""

import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_programs import QUOTA, shell

from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.launcher import launcher
from harness.real.target.program import DISK, MEMORY


@pytest.fixture(params=["machine", "guest"])
def target(request):
    return request.getfixturevalue(request.param)


def digest(content: bytes) -> str:
    """FNV-1a of 64 bits, as its authors define it."""
    value = 0xCBF29CE484222325
    for byte in content:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{value:016x}"


def test_every_program_does_the_same_work_in_a_guest_as_on_the_machine(
    machine, guest, small_programs
):
    for program in small_programs:
        here, there = machine.run(program), guest.run(program)
        assert (here.status, here.complaint) == (0, ""), program.name
        assert (there.status, there.complaint) == (0, ""), program.name
        assert here.output_bytes == there.output_bytes > 0, program.name
        assert here.output_digest == there.output_digest, program.name
        for sample in (here, there):
            assert sample.inside_seconds > 0
            assert sample.inside_processor_seconds > 0
            assert sample.processor_seconds > 0


def test_the_output_is_known_by_its_content(target):
    sample = target.run(shell("cat input/greeting"))
    assert (sample.output_bytes, sample.output_digest) == (6, digest(b"hello\n"))
    kept = target.run(shell("cat input/greeting input/greeting >kept", output="kept"))
    assert (kept.output_bytes, kept.output_digest) == (12, digest(b"hello\nhello\n"))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5))
def test_words_reach_a_program_as_they_are(machine, words):
    script = 'for word; do printf "%s|" "$word"; done'
    sample = machine.run(shell("", command=("sh", "-c", script, "sh", *words)))
    told = "".join(f"{word}|" for word in words).encode()
    assert (sample.output_bytes, sample.output_digest) == (len(told), digest(told))


def test_a_command_that_is_too_long_is_refused_and_the_target_lives(machine):
    for words in (["x" * 70_000], ["x"] * 2000):
        with pytest.raises(RefusalError, match=r"longer than|too many words"):
            machine.run(shell("", command=("true", *words)))
    assert machine.run(shell("true")).status == 0


def test_all_targets_give_a_program_the_same_surroundings(machine, guest):
    # But for the names of a port, of the target and of the directory.
    variables = "env -u PORT -u VTAX_TARGET -u PWD"
    script = f"{variables}; ls -A . input; readlink /proc/self/fd/0; ulimit -n; umask"
    here, there = (one.run(shell(f"({script}) | cat")) for one in (machine, guest))
    assert here.status == there.status == 0
    assert here.output_digest == there.output_digest


@pytest.mark.parametrize("base", [MEMORY, DISK])
def test_each_execution_begins_in_a_new_directory(target, base):
    for _ in range(2):
        made = target.run(shell("mkdir -p deep/deeper && ls >deep/deeper/file && ls -A", base))
        assert made.status == 0, made.complaint
        assert made.output_digest == digest(b"deep\ninput\nstdout\n")


def test_a_program_that_fails_says_how(target):
    failed = target.run(shell("echo the cause >&2; echo the rest >&2; exit 3"))
    assert (failed.status, failed.complaint, failed.output_bytes) == (3, "the cause", 0)
    assert target.run(shell("kill -9 $$")).status == 128 + 9
    missing = target.run(shell("", command=("no-such-program",)))
    assert (missing.status, missing.complaint) == (
        127,
        "no-such-program: No such file or directory",
    )
    assert target.run(shell("true", output="none")).complaint == "it wrote no none"


def test_a_preparation_that_fails_is_a_refusal_and_the_target_lives(target):
    with pytest.raises(RefusalError, match=r"tools: sh fails with status 1: nothing there"):
        target.run(shell("true", prepare=("sh", "-c", "echo nothing there >&2; exit 1")))
    sample = target.run(shell("cat made", prepare=("sh", "-c", "echo prepared >made")))
    assert sample.output_digest == digest(b"prepared\n")


def test_a_program_that_does_not_end_is_ended_with_all_it_started(target):
    with pytest.raises(RefusalError, match="it did not end within 1 s"):
        target.run(shell("setsid sleep 86400 & sleep 86400", limit_seconds=1))
    names = target.run(shell("cat /proc/[0-9]*/comm >names; ! grep -qx sleep names"))
    # Others may sleep on the machine itself.
    assert names.status == 0 or target.name == "native"


def test_a_daemon_that_a_program_left_is_ended(machine, tmp_path):
    script = (
        f"setsid sh -c 'echo $$ >{tmp_path}/daemon; exec sleep 300' & "
        f"until [ -s {tmp_path}/daemon ]; do sleep 0.02; done"
    )
    assert machine.run(shell(script)).status == 0
    daemon = int((tmp_path / "daemon").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(daemon, 0)


def test_processor_time_of_grandchildren_counts(machine):
    work = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"
    sample = machine.run(shell(f"sh -c '{work}'; sh -c 'sh -c \"{work}\"' & wait"))
    alone = machine.run(shell("true"))
    assert sample.inside_processor_seconds > 3 * alone.inside_processor_seconds
    # What is read outside holds the agent's own part, too.
    assert sample.processor_seconds >= sample.inside_processor_seconds


def test_a_program_that_was_not_staged_is_refused(agent):
    with launcher() as place:
        target = place.open("native", agent)
        with pytest.raises(RefusalError, match="no programs were given to this target"):
            target.run(shell("true"))


def test_a_disk_of_a_target_that_is_full_fails_the_program_and_not_the_target(guest):
    for base in (DISK, MEMORY):
        sample = guest.run(shell("fallocate -l 900M large", base))
        assert sample.status != 0
        assert "No space left on device" in sample.complaint
        assert guest.run(shell("echo room >file", base)).status == 0


def test_a_target_that_is_killed_in_the_middle_of_a_program_says_so(native):
    killer = threading.Timer(0.3, os.kill, (native.pid, 9))
    killer.start()
    with pytest.raises(TargetError, match="killed by signal 9"):
        native.run(shell("sleep 60"))
    killer.join()


def test_control_groups_of_version_2_in_a_guest_that_has_them(guest):
    told = guest.run(QUOTA)
    expected = (
        "unmounted: no control groups with a processor quota are mounted\n"
        "not passed on: no control groups with a processor quota are mounted\n"
        "found: 2 /sys/fs/cgroup\n"
        "within its quota: True\n"
        "throttled: True\n"
        "as nobody: no permission to make a control group below /sys/fs/cgroup\n"
        "nor made: control group /sys/fs/cgroup/vtax-test: Permission denied\n"
    )
    assert (told.status, told.complaint) == (0, "")
    assert told.output_digest == digest(expected.encode())
