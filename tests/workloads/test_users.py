"""Each shipped user against a partition that only writes down what it is asked for."""

import ast
import math
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust.env import Environment
from pydantic import ValidationError

import workloads
from harness.catalog import load_catalog
from workloads import sleeping
from workloads.carrier import MessageRelay, RecordBatch, SubscriberTransaction
from workloads.cpu import CommercialTransaction, IntegerCompute
from workloads.disk import RandomTransfers, SequentialTransfers
from workloads.loading import load_user
from workloads.network import PartitionToPartition, Receiving, RequestResponse, Service, Streaming
from workloads.partition import EVENTS
from workloads.program import ProgramExecution
from workloads.user import PartitionUser


class Notes:
    """A partition that is no model at all: anything with the verbs will do."""

    name = "notes"

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def _note(self, *call: object) -> None:
        self.calls.append(call)
        self.time += 0.001

    def wait(self, seconds: float) -> None:
        self._note("wait", seconds)

    def compute(self, seconds: float, events: Mapping[str, float] | None = None) -> None:
        self._note("compute", seconds, dict(events or {}))

    def read(self, size: int, offset: int | None = None) -> None:
        self._note("read", size, offset)

    def write(self, size: int, offset: int | None = None) -> None:
        self._note("write", size, offset)

    def send(self, size: int, to: str) -> None:
        self._note("send", size, to)

    def receive(self, size: int, source: str) -> None:
        self._note("receive", size, source)

    def exchange(self, request: int, response: int, to: str) -> None:
        self._note("exchange", request, response, to)

    def serve(
        self,
        request: int,
        response: int,
        seconds: float = 0.0,
        events: Mapping[str, float] | None = None,
    ) -> None:
        self._note("serve", request, response, seconds, dict(events or {}))


def once(cls: type[PartitionUser], seed: int = 1, times: int = 1, **demand: object) -> Notes:
    """Have a user carry its task out, without Locust's runner and without a model."""
    notes = Notes()
    user = cls(Environment()).bind(notes, cls.demand_model(**demand), Random(seed))
    for _ in range(times):
        for task in cls.tasks:
            task(user)
    return notes


def test_integer_computing_is_nothing_but_computing():
    assert once(IntegerCompute, processor="10 ms").calls == [("compute", 0.01, {})]


def test_a_transaction_brings_its_events_along():
    notes = once(CommercialTransaction, processor="5 ms", variation=0, calls=120, forks=0.02)
    assert notes.calls == [("compute", 0.005, {"calls": 120.0, "forks": 0.02})]


@given(st.integers(1, 2**20), st.integers(0, 99))
def test_random_blocks_lie_anywhere_on_the_disk_on_multiples_of_their_size(size, seed):
    notes = once(RandomTransfers, seed, size=f"{size} B", reads="50 %")
    ((verb, asked, offset),) = notes.calls
    assert verb in ("read", "write")
    assert asked == size
    assert offset % size == 0
    assert 0 <= offset <= 36 * 10**9 - size


@pytest.mark.parametrize("reads", [0.0, 0.3, 1.0])
def test_as_many_operations_read_as_the_demand_says(reads):
    calls = once(RandomTransfers, times=3000, size="4 KiB", reads=reads).calls
    share = sum(call[0] == "read" for call in calls) / len(calls)
    assert share == pytest.approx(reads, abs=4 * math.sqrt(reads * (1 - reads) / 3000))


def test_sequential_transfers_leave_the_place_to_the_disk_and_compute_with_each_block():
    notes = once(SequentialTransfers, times=2, size="128 KiB", processor="20 us")
    assert notes.calls == [("read", 131072, None), ("compute", 2e-5, {})] * 2


@pytest.mark.parametrize(
    ("cls", "demand", "calls"),
    [
        (Streaming, {"size": "1 MB"}, [("send", 10**6, "outside")]),
        (Streaming, {"size": "1 MB", "to": "app2"}, [("send", 10**6, "app2")]),
        (Receiving, {"size": "1 MB"}, [("receive", 10**6, "outside")]),
        (
            PartitionToPartition,
            {"size": "64 KiB", "processor": "1 us"},
            [("compute", 1e-6, {}), ("send", 65536, "next")],
        ),
        (
            RequestResponse,
            {"request": "64 B", "response": "1 KiB"},
            [("exchange", 64, 1024, "outside")],
        ),
        (
            Service,
            {"request": "64 B", "response": "2 KiB", "processor": "1 ms", "calls": 3},
            [("serve", 64, 2048, 0.001, {"calls": 3.0})],
        ),
        (
            MessageRelay,
            {"request": "64 B", "response": "64 B", "to": "next", "processor": "1 ms"},
            [("compute", 0.001, {}), ("exchange", 64, 64, "next")],
        ),
        (
            RecordBatch,
            {"processor": "2 ms", "variation": 0, "file_creates": 0.5},
            [("compute", 0.002, {"file_creates": 0.5}), ("write", 131072, None)],
        ),
        (
            ProgramExecution,
            {"processor": "2 s", "calls": 3, "read": "130 KiB", "written": "64 KiB"},
            [
                ("read", 65536, None),
                ("read", 65536, None),
                ("read", 2048, None),
                ("compute", 2.0, {"calls": 3.0}),
                ("write", 65536, None),
            ],
        ),
        (ProgramExecution, {"processor": "2 s"}, [("compute", 2.0, {})]),
    ],
)
def test_each_user_asks_for_what_its_demand_says(cls, demand, calls):
    assert once(cls, **demand).calls == calls


def test_a_subscriber_asks_reads_and_computes():
    notes = once(SubscriberTransaction, processor="3 ms", variation=0, calls=7)
    exchange, read, compute = notes.calls
    assert exchange == ("exchange", 256, 1024, "outside")
    assert read[:2] == ("read", 8192)
    assert read[2] % 8192 == 0
    assert compute == ("compute", 0.003, {"calls": 7.0})


def test_the_same_stream_gives_the_same_work_and_another_one_other_work():
    def calls(seed: int) -> list[tuple[object, ...]]:
        return once(SubscriberTransaction, seed, times=20, processor="3 ms").calls

    assert calls(1) == calls(1) != calls(2)


@pytest.mark.parametrize("variation", [0.0, 0.25, 1.0, 2.0])
def test_demands_have_the_mean_and_the_variation_that_were_asked_for(variation):
    user = IntegerCompute(Environment()).bind(
        Notes(), IntegerCompute.demand_model(processor="1 s"), Random(5)
    )
    count = 40_000
    drawn = [user.vary(0.01, variation) for _ in range(count)]
    mean = sum(drawn) / count
    deviation = math.sqrt(sum((value - mean) ** 2 for value in drawn) / count)
    assert min(drawn) >= 0
    assert mean == pytest.approx(0.01, rel=4 * variation / math.sqrt(count) + 1e-9)
    assert deviation / mean == pytest.approx(variation, rel=0.06, abs=1e-9)


def test_think_times_are_exponential_and_none_needs_no_chance():
    user = IntegerCompute(Environment()).bind(
        Notes(), IntegerCompute.demand_model(processor="1 s"), Random(5), 0.2
    )
    waits = [user.wait_time() for _ in range(20_000)]
    assert sum(waits) / 20_000 == pytest.approx(0.2, rel=0.03)
    assert sum(wait > 0.2 for wait in waits) / 20_000 == pytest.approx(math.exp(-1), abs=0.014)
    user.think_time_seconds = 0.0
    state = user.random.getstate()
    assert user.wait_time() == 0.0
    assert user.random.getstate() == state


# Demands


@pytest.mark.parametrize(
    ("cls", "demand"),
    [
        (IntegerCompute, {}),
        (IntegerCompute, {"processor": "10"}),
        (IntegerCompute, {"processor": "10 MB"}),
        (IntegerCompute, {"processor": "-1 ms"}),
        (IntegerCompute, {"processor": "0 ms"}),
        (IntegerCompute, {"processor": "1 ms", "spoons": -1}),
        (IntegerCompute, {"processor": "1 ms", "variation": -1}),
        (CommercialTransaction, {"processor": "1 ms", "forks": -1}),
        (CommercialTransaction, {"processor": "1 ms", "spoons": -1}),
        (CommercialTransaction, {"processor": "0 ms"}),
        (RandomTransfers, {"size": "0 B"}),
        (RandomTransfers, {"size": "37 GB"}),
        (RandomTransfers, {"size": "4 KiB", "reads": 1.5}),
        (SubscriberTransaction, {"processor": "1 ms", "size": "0 B"}),
        (RecordBatch, {"processor": "1 ms", "size": "0 B"}),
        (RequestResponse, {"request": "64 B"}),
        (Streaming, {"size": 4096}),
    ],
)
def test_a_demand_that_makes_no_sense_is_refused(cls, demand):
    with pytest.raises(ValidationError):
        cls.demand_model(**demand)


def test_only_events_that_occur_are_passed_on_read_only():
    demand = CommercialTransaction.demand_model(processor="1 ms", forks=0.5, calls=0)
    assert dict(demand.events) == {"forks": 0.5}
    assert demand.events is demand.events
    with pytest.raises(TypeError):
        demand.events["forks"] = 3.0


def test_every_event_can_be_asked_for():
    demand = CommercialTransaction.demand_model(processor="1 ms", **dict.fromkeys(EVENTS, 2))
    assert dict(demand.events) == dict.fromkeys(EVENTS, 2.0)


def test_every_profile_of_the_catalog_asks_for_what_its_user_understands():
    catalog = load_catalog()
    found = 0
    for name in catalog.constants:
        if name.startswith("profiles.") and name.endswith(".user"):
            loaded = load_user(str(catalog.constants[name].value), Path())
            prefix = name.removesuffix("user") + "demand."
            asked = {n.removeprefix(prefix) for n in catalog.constants if n.startswith(prefix)}
            assert asked <= set(loaded.demand_model.model_fields), name
            found += 1
    assert found >= 8


# The seam


# What replaces time.sleep for users has to import it.
SOURCES = sorted({*Path(workloads.__file__).parent.glob("*.py")} - {Path(sleeping.__file__)})
FORBIDDEN = {"time", "datetime", "gevent", "threading", "asyncio", "sched", "signal", "secrets"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_workloads_read_no_clock_and_no_chance_but_their_own(path):
    """A real sleep would freeze simulated time; the world's chance would break repeatability."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "random":
                assert [alias.name for alias in node.names] == ["Random"]
                continue
        elif isinstance(node, ast.Attribute):
            assert node.attr not in ("sleep", "perf_counter", "monotonic"), node.lineno
        roots = {name.partition(".")[0] for name in names}
        assert not roots & (FORBIDDEN | {"random"}), node.lineno
