"""Antisocial neighbours: what they ask for, and what they take from others."""

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust.env import Environment
from modelling import (
    BRIDGE,
    LAN,
    NO_TICKS,
    UNCAPPED,
    build,
    driven,
    group,
    partition,
    server,
    system,
)
from pydantic import ValidationError

from harness.model.config import UserGroup
from harness.model.ledger import Cause
from harness.model.machine import Machine
from workloads.noisy_neighbours import (
    PAGE_BYTES,
    DiskHog,
    ForkBomb,
    MemoryHog,
    NetworkFlood,
    ProcessorHog,
)
from workloads.user import PartitionUser

SECOND = 1_000_000_000
NEIGHBOURS = "workloads/noisy_neighbours.py:"


class Notes:
    """A partition that only writes down what it is asked for."""

    name = "notes"

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def now(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        raise AssertionError("a hog never waits")

    def compute(self, seconds: float, events: Mapping[str, float] | None = None) -> None:
        self.calls.append(("compute", seconds, dict(events or {})))

    def read(self, size: int, offset: int | None = None) -> None:
        self.calls.append(("read", size, offset))

    def write(self, size: int, offset: int | None = None) -> None:
        self.calls.append(("write", size, offset))

    def send(self, size: int, to: str) -> None:
        raise NotImplementedError

    def receive(self, size: int, source: str) -> None:
        raise NotImplementedError

    def exchange(self, request: int, response: int, to: str) -> None:
        self.calls.append(("exchange", request, response, to))


def calls(cls: type[PartitionUser], times: int = 1, seed: int = 1, **demand: object) -> list:
    notes = Notes()
    user = cls(Environment()).bind(notes, cls.demand_model(**demand), Random(seed))
    (only,) = cls.tasks
    for _ in range(times):
        only(user)
    return notes.calls


def test_a_processor_hog_computes_and_nothing_else():
    assert calls(ProcessorHog, 3, processor="50 ms") == [("compute", 0.05, {})] * 3


@given(st.integers(1, 64), st.integers(1, 2000), st.integers(0, 99))
def test_a_memory_hog_pages_what_memory_has_no_room_for(memory_mib, working_set_mib, seed):
    demand = {
        "working_set": f"{working_set_mib} MiB",
        "memory": f"{memory_mib} MiB",
        "pages": 200,
        "dirty": 0,
    }
    compute, *reads = calls(MemoryHog, 1, seed, **demand)
    faults = compute[2].get("page_faults", 0.0)
    missing = max(0.0, 1 - memory_mib / working_set_mib)
    assert abs(faults - 200 * missing) <= 4 * (200 * missing * (1 - missing)) ** 0.5 + 1
    assert len(reads) == faults
    for verb, size, offset in reads:
        assert (verb, size, offset % PAGE_BYTES) == ("read", PAGE_BYTES, 0)
        assert 0 <= offset < working_set_mib * 2**20


def test_dirty_pages_are_written_before_others_are_read():
    demand = {"working_set": "1 GiB", "memory": "4 KiB", "pages": 3, "dirty": 1}
    verbs = [call[0] for call in calls(MemoryHog, **demand)]
    assert verbs == ["compute", "write", "read", "write", "read", "write", "read"]


def test_a_disk_hog_moves_large_blocks_anywhere():
    moved = calls(DiskHog, 200)
    assert {call[0] for call in moved} == {"read", "write"}
    assert all(size == 131072 and offset % size == 0 for _, size, offset in moved)
    assert len({offset for *_, offset in moved}) > 190


def test_a_flood_is_nothing_but_messages():
    assert calls(NetworkFlood, messages=5, to="victim") == [("exchange", 64, 64, "victim")] * 5


@given(st.integers(2, 300))
def test_a_fork_bomb_doubles_up_to_the_limit_and_goes_on_there(limit):
    asked = calls(ForkBomb, 12, processor="2 ms", limit=limit)
    processes = 1
    for verb, seconds, events in asked:
        assert verb == "compute"
        assert seconds == pytest.approx(0.002 * processes)
        forked = int(events.get("forks", 0))
        assert forked + events.get("calls", 0) == processes
        assert forked == min(processes, limit - processes)
        processes += forked
    assert processes == limit


def test_two_bombs_do_not_count_each_others_processes():
    assert calls(ForkBomb, 2) == calls(ForkBomb, 2)


@pytest.mark.parametrize(
    ("cls", "demand"),
    [
        (ProcessorHog, {"processor": "0 s"}),
        (MemoryHog, {"working_set": "1 GiB"}),
        (MemoryHog, {"working_set": "1 KiB", "memory": "1 KiB"}),
        (MemoryHog, {"working_set": "1 GiB", "memory": "1 GiB", "pages": 0}),
        (DiskHog, {"size": "0 B"}),
        (NetworkFlood, {"messages": 0}),
        (ForkBomb, {"limit": 1}),
        (ForkBomb, {"processor": "0 s"}),
    ],
)
def test_a_demand_that_makes_no_sense_is_refused(cls, demand):
    with pytest.raises(ValidationError):
        cls.demand_model(**demand)


# On a machine


def beside(hog: UserGroup | None, *, vios: bool = False, seconds: float = 2.0) -> Machine:
    """A victim of 0.7 cores that could use two, beside a neighbour, on two cores."""
    victim = group("workloads/cpu.py:IntegerCompute", 2, name="work", processor=0.005)
    parts = [
        partition(
            name,
            0.7,
            2,
            UNCAPPED,
            disks=1,
            vios="vios1",
            virtual_ethernet=LAN if vios else (),
            groups=tuple(each for each in groups if each is not None),
        )
        for name, groups in (("victim", (victim,)), ("hog", (hog,)))
    ]
    servers = (server("vios1", 0.6, 1, UNCAPPED, shared_ethernet=BRIDGE if vios else None),)
    machine = build(system(*parts, cores=2, vios=servers), NO_TICKS)
    with driven(machine, 3):
        machine.clock.run_until(round(seconds * SECOND))
    return machine


def used(machine: Machine, name: str) -> float:
    return machine.partitions[name].partition.occupied_ns() / machine.clock.now_ns


def test_a_processor_hog_takes_what_is_left_and_leaves_others_their_entitlement():
    alone = beside(None)
    hogged = beside(group(NEIGHBOURS + "ProcessorHog", 4, name="hog", processor=0.1))
    assert (used(alone, "victim"), used(alone, "hog")) == (pytest.approx(2.0, abs=0.02), 0)
    # Both get as much: their entitlement and, by their equal weights, half of the rest.
    assert used(hogged, "victim") == pytest.approx(1.0, abs=0.05)
    assert used(hogged, "hog") == pytest.approx(1.0, abs=0.05)


def test_a_fork_bomb_takes_its_share_and_each_fork_costs():
    machine = beside(group(NEIGHBOURS + "ForkBomb", 1, name="hog", processor=0.001, limit=128))
    assert 0.7 < used(machine, "hog") <= 1.0
    # From one process to 128 it takes 127 forks; attempts that fail are system calls.
    forks_ns, _ = machine.costs.events({"forks": 127.0})
    calls_ns, _ = machine.costs.events({"calls": 128.0 * 2 * SECOND / 128e6})
    assert forks_ns < machine.ledger.accounts["hog"].ns[Cause.OS] < forks_ns + calls_ns


def test_a_memory_hog_keeps_its_paging_disk_busy():
    machine = beside(
        group(
            NEIGHBOURS + "MemoryHog",
            4,
            name="hog",
            working_set=2**30,
            memory=2**29,
            pages=16,
            dirty=0.5,
            processor=0.0001,
        )
    )
    victims, hogs = machine.disks
    assert hogs.operations > 200
    assert victims.operations == 0


def test_a_flood_keeps_the_vios_busy_for_the_sender():
    machine = beside(
        group(NEIGHBOURS + "NetworkFlood", 8, name="hog", size=64, messages=100, to="outside"),
        vios=True,
        seconds=0.3,
    )
    assert machine.vios["vios1"].bridged_bytes > 64 * 1000
    accounts, _ = machine.balance()
    assert accounts["hog"]["vios"] > 0.15 * machine.clock.now_ns
    assert accounts["victim"]["vios"] == 0
