from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import program

from harness.real.agent import build_agent
from harness.real.event import EVENTS, Event
from harness.real.target import Target, workshop


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program("gcc")
    return build_agent(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="session")
def event() -> Callable[[str], Event]:
    return {event.name: event for event in EVENTS}.__getitem__


@pytest.fixture
def native(agent: Path) -> Iterator[Target]:
    with workshop() as place:
        yield place.open("native", agent)
