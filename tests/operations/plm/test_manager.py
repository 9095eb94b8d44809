"""The Partition Load Manager at work on a loaded machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from modelling import (
    CAPPED,
    DEDICATED,
    NO_OVERHEAD,
    UNCAPPED,
    keep_busy,
    partition,
    server,
    system,
    total,
)
from operating import SECOND, carried_out, site_with

from harness.catalog import Value
from harness.model.machine import Machine
from harness.operations.operation import Limits, Site, Status
from harness.operations.plm.manager import PartitionLoadManager, Streak
from harness.operations.plm.policy_file import parse_policy

GIB, MIB = 2**30, 2**20
QUICK: Mapping[str, Value] = {
    "operations.plm.sample_period": 0.1,
    "operations.dlpar.processor_time": 0.02,
    "operations.dlpar.memory_time": 0.02,
    "operations.dlpar.memory_removal_rate": 1e12,
    "operations.dlpar.memory_addition_rate": 1e12,
}
"""Samples of a tenth of a second: what takes a minute takes 0.6 s."""

HEAD = "globals:\ndev:\n type = group\n"


def member(name: str, **attributes: object) -> str:
    lines = [f"{name}:", " type = partition", " group = dev"]
    return "\n".join([*lines, *(f" {key} = {value}" for key, value in attributes.items())]) + "\n"


def manager(*members: str, **group: object) -> PartitionLoadManager:
    tunables = "".join(f" {key} = {value}\n" for key, value in group.items())
    return PartitionLoadManager(parse_policy(HEAD + tunables + "".join(members), "test.plm"))


@dataclass
class Threads:
    """Threads that compute for ever, until told otherwise."""

    machine: Machine
    partition: str
    wanted: int = 0
    running: int = 0

    def become(self, wanted: int) -> None:
        self.wanted = wanted
        while self.running < self.wanted:
            self.running += 1
            self._go()

    def _go(self) -> None:
        if self.running > self.wanted:
            self.running -= 1
        else:
            self.machine.partitions[self.partition].compute(0.005, None, self._go)


def three(
    *overrides: Mapping[str, Value],
    limits: Mapping[str, Limits] | None = None,
    cores: int = 3,
    virtual_processors: int = 2,
) -> tuple[Site, Machine, list[Threads]]:
    """Three capped partitions of a core each; nothing is free on three cores."""
    names = ("app1", "app2", "app3")
    parts = [
        replace(partition(name, 1.0, virtual_processors, CAPPED), memory_bytes=4 * GIB)
        for name in names
    ]
    site, machine = site_with(
        system(*parts, cores=cores), NO_OVERHEAD, QUICK, *overrides, limits=limits
    )
    return site, machine, [Threads(machine, name) for name in names]


def at(site: Site, seconds: float) -> None:
    site.clock.run_until(round(seconds * SECOND))


def held(machine: Machine) -> list[float]:
    return [machine.capacity.entitlement_cores[name] for name in ("app1", "app2", "app3")]


def moves(site: Site) -> list[tuple[float, str]]:
    return [
        (entry.seconds, entry.operation)
        for entry in site.timeline
        if entry.status is Status.STARTED and "Manager" not in entry.operation
    ]


def test_it_acts_after_its_notify_intervals_and_not_before():
    site, machine, (app1, *_) = three()
    plm = manager(member("app1"), member("app2"), member("app3"))
    assert carried_out(site, plm) == (Status.DONE, "")
    app1.become(6)
    at(site, 0.59)
    assert held(machine) == [1, 1, 1]
    assert plm.loads["app1"] == pytest.approx(3.0)
    assert plm.loads["app2"] == 0.0
    at(site, 0.7)
    # Ten per cent of one core, from the first of those that need nothing.
    assert held(machine) == [1.1, 0.9, 1]
    assert moves(site) == [
        (0.6, "remove 0.1 processing units and 1 virtual processors from app2"),
        (pytest.approx(0.62), "add 0.1 processing units to app1"),
    ]
    at(site, 1.2)
    assert held(machine) == [1.1, 0.9, 1]
    at(site, 1.4)
    # The samples are counted anew; app3, which has most to spare now, gives what it may at once.
    assert held(machine) == [1.21, 0.89, 0.9]


def test_a_load_that_is_high_now_and_then_only_changes_nothing():
    site, machine, (app1, *_) = three()
    carried_out(site, manager(member("app1"), member("app2"), member("app3")))
    for number in range(6):
        app1.become(6)
        at(site, number * 0.6 + 0.5)
        app1.become(0)
        at(site, number * 0.6 + 0.6)
    assert held(machine) == [1, 1, 1]


def test_capacity_follows_a_load_that_moves_and_stays_within_the_policy():
    site, machine, (app1, app2, _) = three()
    policy = {"cpu_intervals": 2, "ec_delta": 25}
    bounds = {"cpu_minimum": 0.5, "cpu_guaranteed": 1, "cpu_maximum": 1.8}
    carried_out(
        site,
        manager(*(member(name, **bounds) for name in ("app1", "app2", "app3")), **policy),
    )
    app1.become(6)
    seen = []
    for step in range(1, 101):
        if step == 40:
            app1.become(0)
            app2.become(6)
        at(site, step / 10)
        seen.append(held(machine))
        assert all(0.5 <= cores <= 1.8 for cores in seen[-1])
        assert sum(seen[-1]) <= 3 + 1e-9
    assert seen[38][0] == 1.8
    assert seen[-1][1] == 1.8
    assert min(seen[-1]) >= 0.5
    assert total(machine) == 3 * site.clock.now_ns


def test_shares_divide_what_is_beyond_the_guarantees():
    site, machine, threads = three(cores=5)
    plm = manager(
        member("app1", cpu_guaranteed=0.5, cpu_shares=3, cpu_maximum=3),
        member("app2", cpu_guaranteed=0.5, cpu_shares=1, cpu_maximum=3),
        member("app3", cpu_guaranteed=0.5, cpu_shares=0),
        cpu_intervals=1,
        ec_delta=10,
    )
    carried_out(site, plm)
    for each in threads:
        each.become(8)
    at(site, 12)
    # app3 has no shares: it is left with its guarantee. 3.5 cores would go three to one, but
    # app1 comes to its maximum first.
    assert held(machine) == pytest.approx([3.0, 1.5, 0.5])


def test_the_guarantee_comes_back_to_who_needs_it():
    site, machine, (app1, app2, app3) = three()
    plm = manager(
        member("app1", cpu_guaranteed=1, cpu_minimum=0.2),
        member("app2", cpu_guaranteed=1, cpu_minimum=0.2),
        member("app3", cpu_guaranteed=1, cpu_minimum=0.2),
        cpu_intervals=1,
        ec_delta=50,
    )
    carried_out(site, plm)
    app1.become(6)
    at(site, 3)
    assert held(machine)[0] > 2
    # One thread on two virtual processors: not high, but not low either.
    app2.become(1)
    app3.become(1)
    at(site, 6)
    assert held(machine) == pytest.approx([1, 1, 1], abs=0.02)


def test_immediate_release_gives_back_to_the_pool():
    site, machine, _ = three()
    plm = manager(
        member("app1", cpu_free_unused="yes", cpu_minimum=0.4),
        member("app2", cpu_minimum=0.4),
        member("app3"),
        ec_delta=50,
        cpu_intervals=2,
    )
    carried_out(site, plm)
    at(site, 2)
    assert held(machine) == [0.4, 1, 1]
    assert machine.capacity.free_cores == pytest.approx(0.6)
    assert [text for _, text in moves(site)] == [
        "remove 0.5 processing units and 1 virtual processors from app1",
        "remove 0.1 processing units from app1",
    ]


def test_virtual_processors_follow_the_entitlement():
    site, machine, (app1, *_) = three(virtual_processors=1)
    plm = manager(member("app1"), member("app2"), member("app3"), cpu_intervals=1, ec_delta=50)
    carried_out(site, plm)
    app1.become(9)
    at(site, 5)
    after = held(machine)
    assert after[0] > 2
    vps = [len(machine.partitions[name].partition.vps) for name in ("app1", "app2", "app3")]
    assert vps == [3, 1, 1]
    assert all(entry.status is not Status.REFUSED for entry in site.timeline)


def test_the_consoles_limits_hold_whatever_the_policy_says():
    limits = {
        "app1": Limits(maximum_cores=1.2),
        "app2": Limits(minimum_cores=0.95),
        "app3": Limits(minimum_cores=0.9, maximum_virtual_processors=2),
    }
    site, machine, (app1, *_) = three(limits=limits)
    plm = manager(
        member("app1", cpu_maximum=3),
        member("app2", cpu_minimum=0.1),
        member("app3", cpu_minimum=0.1),
        cpu_intervals=1,
        ec_delta=50,
    )
    carried_out(site, plm)
    app1.become(6)
    at(site, 5)
    assert held(machine)[0] == pytest.approx(3 - 0.95 - 0.9)
    assert held(machine)[1:] == [0.95, 0.9]
    assert all(entry.status is not Status.REFUSED for entry in site.timeline)


def test_dedicated_cores_move_one_by_one():
    parts = [partition(name, 2, 2, DEDICATED) for name in ("app1", "app2")]
    site, machine = site_with(system(*parts, cores=5), NO_OVERHEAD, QUICK)
    keep_busy(machine.partitions["app1"], 0.005, 12)
    policy = (
        "dev:\n type = group\n cpu_type = dedicated\n cpu_intervals = 2\n"
        + member("app1")
        + member("app2")
    )
    carried_out(site, PartitionLoadManager(parse_policy(policy, "test.plm")))
    at(site, 4)
    assert [text for _, text in moves(site)] == [
        "add 1 dedicated cores to app1",
        "move 1 dedicated cores from app2 to app1",
    ]
    assert total(machine) == 5 * site.clock.now_ns


def test_memory_goes_where_it_is_used_in_blocks():
    site, machine, _ = three()
    needs = {"app1": 5 * GIB, "app2": GIB, "app3": 3 * GIB}
    site.memory_in_use = needs.__getitem__
    plm = manager(
        member("app1", mem_maximum=5 * 1024),
        member("app2", mem_minimum=3 * 1024),
        member("app3", mem_guaranteed=4 * 1024),
        mem_intervals=3,
        mem_delta=512,
        cpu_maximum=0,
    )
    free = machine.capacity.free_memory_bytes
    machine.capacity.memory_bytes["app3"] += free  # nothing is free
    carried_out(site, plm)
    at(site, 0.29)
    assert machine.capacity.memory_bytes["app1"] == 4 * GIB
    at(site, 0.4)
    assert machine.capacity.memory_bytes["app1"] == 4.5 * GIB
    at(site, 3)
    memory = machine.capacity.memory_bytes
    assert (memory["app1"], memory["app2"]) == (5 * GIB, 4 * GIB)
    assert machine.capacity.free_memory_bytes == 0
    assert {text for _, text in moves(site)} == {"move 512 MiB of memory from app3 to app1"}


def test_without_knowing_memory_use_it_leaves_memory_alone():
    site, machine, _ = three()
    carried_out(site, manager(member("app1", mem_free_unused="yes"), mem_intervals=1))
    at(site, 2)
    assert machine.capacity.memory_bytes["app1"] == 4 * GIB


def test_a_partition_that_is_down_is_left_alone():
    site, machine, (app1, *_) = three()
    carried_out(
        site, manager(member("app1"), member("app2"), cpu_intervals=1, cpu_free_unused="yes")
    )
    machine.partitions["app2"].crash()
    app1.become(6)
    at(site, 3)
    assert held(machine) == [1, 1, 1]
    assert all(entry.status is Status.DONE for entry in site.timeline[1:])


def test_a_manager_that_has_been_stopped_does_nothing_more():
    site, machine, (app1, *_) = three()
    plm = manager(member("app1"), member("app2"), cpu_intervals=1)
    carried_out(site, plm)
    app1.become(6)
    at(site, 0.5)
    changed = held(machine)
    assert changed != [1, 1, 1]
    plm.stop()
    at(site, 0.7)
    ended = held(machine)
    at(site, 3)
    assert held(machine) == ended


def test_a_streak_counts_consecutive_samples_beyond_a_threshold():
    streak = Streak()
    seen = []
    for load in (2, 2, 1, 0.4, 0.5, 0.3, 0.2, 1.0, 1.1):
        streak.take(load, 0.5, 1.0)
        seen.append((streak.above, streak.below, streak.not_below))
    assert seen == [
        (1, 0, 1),
        (2, 0, 2),
        (0, 0, 3),
        (0, 1, 0),
        (0, 0, 1),
        (0, 1, 0),
        (0, 2, 0),
        (0, 0, 1),
        (1, 0, 2),
    ]


def test_who_cannot_be_managed_is_refused():
    site, _ = site_with(
        system(
            partition("aix", 0.5, 1, UNCAPPED),
            partition("sles", 0.5, 1, UNCAPPED, os="sles-9"),
            partition("own", 1, 1, DEDICATED),
            cores=3,
            vios=(server("vios1"),),
            virtualization=UNCAPPED,
        )
    )
    for names, group, reason in (
        (("sles",), {}, "sles-9 on sles cannot be managed by PLM: AIX only"),
        (("aix", "nobody"), {}, "there is no partition nobody"),
        (("vios1",), {}, "vios1 is a Virtual I/O Server: PLM does not manage it"),
        (("own",), {}, "group dev is of cpu_type shared, but own has dedicated processors"),
        (
            ("aix",),
            {"cpu_type": "dedicated"},
            "group dev is of cpu_type dedicated, but aix has shared processors",
        ),
    ):
        plm = manager(*map(member, names), **group)
        assert carried_out(site, plm) == (Status.REFUSED, reason)
    at(site, 30)
    assert len(site.timeline) == 5


def test_every_action_takes_the_time_of_its_operations():
    site, _, (app1, *_) = three()
    carried_out(site, manager(member("app1"), member("app2"), cpu_intervals=1))
    app1.become(6)
    at(site, 3)
    for start, end in pairwise(site.timeline[2:]):
        if end.status is Status.DONE:
            assert end.operation == start.operation
            assert end.seconds - start.seconds == pytest.approx(0.02)
