from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import guest_programs, program
from real_programs import QUOTA, shell, small

from harness.real.agent import build_agent
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.programs.shipped import PROGRAMS
from harness.real.target.launcher import TargetLauncher, launcher
from harness.real.target.program import Program
from harness.real.target.target import Target


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program("gcc")
    return build_agent(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="session")
def event() -> Callable[[str], Microbenchmark]:
    return {event.name: event for event in EVENTS}.__getitem__


@pytest.fixture
def native(agent: Path) -> Iterator[Target]:
    with launcher() as place:
        yield place.open("native", agent, place.stage([shell("")]))


@pytest.fixture(scope="session")
def small_programs() -> list[Program]:
    """The real programs with little to do; all of them must be there."""
    for one in PROGRAMS:
        for name, package in one.needs.items():
            program(name, package)
    return [small(one) for one in PROGRAMS]


@pytest.fixture(scope="session")
def shared_launcher() -> Iterator[TargetLauncher]:
    with launcher() as place:
        yield place


@pytest.fixture(scope="session")
def guest(agent: Path, small_programs: list[Program], shared_launcher: TargetLauncher) -> Target:
    """A guest without hardware help for whoever leaves it alive: it takes long to boot."""
    guest_programs()
    program("mke2fs", "e2fsprogs")
    staged = shared_launcher.stage([*small_programs, shell(""), QUOTA])
    assert not staged.missing
    return shared_launcher.open("qemu-tcg", agent, staged)


@pytest.fixture(scope="session")
def machine(agent: Path, small_programs: list[Program], shared_launcher: TargetLauncher) -> Target:
    """This machine, with the same programs."""
    staged = shared_launcher.stage([*small_programs, shell(""), QUOTA])
    return shared_launcher.open("native", agent, staged)


@pytest.fixture
def timed_only(monkeypatch):
    """Without the runs that count and sample."""
    monkeypatch.setattr("harness.real.profiling.profiler.find_counting", lambda: "nothing counts")
    monkeypatch.setattr("harness.real.profiling.perf_sampling.event", lambda: "")
