"""What cannot be started is told with what would be right."""

import sys

import pytest

from harness.errors import UserError
from harness.real.profiling.profiler import profile_command


def script(place, name, text, mode=0o755):
    path = place / name
    path.write_bytes(text)
    path.chmod(mode)
    return str(path)


CASES = [
    (["cat /etc/passwd | wc -l"], "vtax profile -- sh -c 'cat /etc/passwd | wc -l'"),
    (["ls -l"], "vtax profile -- sh -c 'ls -l'"),
    (["ls *.txt > all"], "vtax profile -- sh -c 'ls *.txt > all'"),
    (["ulimit", "-n", "10"], "vtax profile -- sh -c 'ulimit -n 10'"),
    (["FAST=1", "true"], "vtax profile -- env FAST=1 true"),
    (["nosuchprogram"], "no directory of PATH has it"),
    (["/no/such/program"], "cannot be started: No such file or directory"),
    (["cat", "/etc/passwd", "/nosuch", "|", "wc"], "sh -c 'cat /etc/passwd /nosuch | wc'"),
    ([""], "the command is empty"),
    (["  "], "the command is empty"),
    ([], "the command is empty"),
    (["/"], "it is a directory"),
    (["/etc/passwd"], "it is not executable: chmod"),
    (["x\x1b[2J\ny"], r"x\x1b[2J\ny cannot be started"),
    (["caf\udce9"], r"caf\xe9 cannot be started"),
    (["a" * 5000], "File name too long"),
]


@pytest.mark.parametrize(("command", "told"), CASES)
def test_what_would_be_right_is_said(command, told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as failure:
        profile_command(command, "failing", 2)
    assert told in str(failure.value)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 500


def test_scripts_that_name_no_interpreter_or_a_wrong_one(tmp_path):
    for name, content, told in (
        ("none", b"echo hi\n", f"vtax profile -- sh {tmp_path}/none 3"),
        ("absent", b"#!/no/such/shell -e\n", "the interpreter /no/such/shell of its first line"),
        ("dos", b"#!/bin/sh\r\necho\r\n", r"the interpreter /bin/sh\x0d of its first line"),
        ("elf", b"\x7fELF" + bytes(100), "it is no program for "),
    ):
        with pytest.raises(UserError) as failure:
            profile_command([script(tmp_path, name, content), "3"], "failing", 2)
        assert told in str(failure.value), name
        assert str(failure.value).isprintable()


def test_a_program_of_this_directory_is_found_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script(tmp_path, "mine", b"#!/bin/sh\n")
    with pytest.raises(UserError, match=r"vtax profile -- \./mine"):
        profile_command(["mine"], "mine", 2)


def test_arguments_that_are_too_long_for_the_system_are_one_line():
    with pytest.raises(UserError, match="Argument list too long"):
        profile_command(["true", "x" * (1 << 20) * 8], "long", 2)


def test_what_the_runner_uses_is_not_what_the_program_gets(monkeypatch):
    """Neither a descriptor of vtax's nor an ignored signal is handed on."""
    monkeypatch.setattr("harness.real.profiling.profiler.find_counting", lambda: "nothing counts")
    monkeypatch.setattr("harness.real.profiling.perf_sampling.event", lambda: "")
    script = (
        "import os, signal\n"
        "assert len(os.listdir('/proc/self/fd')) == 4\n"
        "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
        "    assert signal.getsignal(number) != signal.SIG_IGN\n"
    )
    profile_command([sys.executable, "-S", "-c", script], "open", 2)
