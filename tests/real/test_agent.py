import subprocess

import pytest
from programs import program

from harness.errors import UserError
from harness.real import agent as agents
from harness.real.agent import build_agent
from harness.real.microbenchmarks import EVENTS, NETWORK


def test_a_missing_compiler_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(agents, "COMPILER", "no-such-compiler")
    with pytest.raises(UserError, match="apt-get install gcc"):
        build_agent(tmp_path)


def test_the_sources_give_no_warning(tmp_path):
    program("gcc")
    sources = sorted(agents.SOURCES.glob("*.c"))
    command = ["gcc", *agents.FLAGS, "-Wall", "-Wextra", "-Werror", "-c", *sources]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_agent_answers_each_request_with_a_line(agent, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(16 << 20))
    asked = [event for event in EVENTS if event.request != NETWORK]
    requests = [f"{event.request} 3 {event.size}" for event in asked]
    wrong = ["", "calls", "calls -1 0", "calls 1 -1", "none 1 1", "calls x 0", "a" * 60]
    done = subprocess.run(
        [agent, tmp_path, disk],
        input="\n".join((*requests, *wrong, "nothing 0 0", "")),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    ready, *answers = done.stdout.splitlines()
    assert ready == "ready"
    assert all(answer.startswith("ok ") for answer in answers[: len(requests)]), answers
    assert all(answer.startswith("refused ") for answer in answers[len(requests) : -1]), answers
    assert len(answers) == len(requests) + len(wrong) + 1
    assert answers[-1] == "ok 0"
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == [disk]


def test_an_unusable_disk_is_a_reason_and_not_the_end(agent, tmp_path):
    done = subprocess.run(
        [agent, tmp_path, tmp_path / "none"],
        input="direct_reads 1 4096\ncalls 1 0\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    _, refused, called = done.stdout.splitlines()
    assert refused == "refused the disk of the target: No such file or directory"
    assert called.startswith("ok ")
