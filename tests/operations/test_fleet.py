"""The three uses of mobility: maintenance, balance, fewer machines at night."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import DEDICATED, NO_OVERHEAD, UNCAPPED, group, keep_busy
from moving import (
    GIB,
    MIB,
    balanced,
    belongings,
    completed,
    driven_by_users,
    failed,
    finish,
    movable,
    power6,
    reason,
    seconds,
    site_of,
)

from harness.model.cpu.reconfiguration import crash
from harness.operations.energy import EnergyMeter
from harness.operations.fleet import Balance, Consolidate, Evacuate, place_all
from harness.operations.operation import RefusedError, Status, carry_out

SMALL = 32 * MIB
computing = group("workloads/cpu.py:IntegerCompute", 2, name="cpu", processor=0.02, think=0.05)


def small(name: str, cores: float = 0.5, vps: int = 1, virtualization=UNCAPPED, **more):
    return movable(name, cores, vps, virtualization, memory_bytes=SMALL, **more)


def fleet(*machines: tuple, cores: int = 4) -> dict:
    return {
        name: power6(*parts, cores=cores) for name, parts in zip("ABCD", machines, strict=False)
    }


def where(site) -> dict[str, str]:
    return {name: machine for machine, each in site.machines.items() for name in each.partitions}


# Places


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0]), min_size=1, max_size=6),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.booleans(),
)
def test_places_that_are_found_hold_everybody_at_once(sizes, rooms, pack) -> None:
    parts = [small(f"p{index}", size, 2) for index, size in enumerate(sizes)]
    systems = {"A": power6(*parts, cores=16)} | {
        name: power6(cores=room + 1) for name, room in zip("BCD", rooms, strict=False)
    }
    site = site_of(systems)
    before = belongings(site)
    targets = [name for name in systems if name != "A"]
    try:
        places = place_all(site, [part.name for part in parts], targets, pack=pack)
    except RefusedError:
        # The largest at least did not fit beside others, or the sum is too much.
        assert max(sizes) > min(rooms) or sum(sizes) > sum(rooms) - 2 * len(rooms)
        return
    finally:
        assert belongings(site) == before
    assert set(places) == {part.name for part in parts}
    for target, room in zip(targets, rooms, strict=False):
        taken = [part.entitlement_cores for part in parts if places[part.name] == target]
        assert sum(taken) <= room


def test_packing_takes_the_fullest_and_spreading_the_emptiest() -> None:
    site = site_of(fleet((small("p"),), (small("q"),), ()))
    assert place_all(site, ["p"], ["B", "C"]) == {"p": "C"}
    assert place_all(site, ["p"], ["B", "C"], pack=True) == {"p": "B"}


# Maintenance


def test_a_machine_is_maintained_while_its_partitions_work_elsewhere() -> None:
    machines = fleet(
        (small("p", groups=(computing,)), small("q", 1.0, 1, DEDICATED, groups=(computing,))),
        (small("r"),),
        (),
    )
    site = site_of(machines)
    before = belongings(site)
    meter = EnergyMeter(site.machines["A"], site.constants)
    with driven_by_users(site) as observation:
        seconds(site, 1)
        operation = Evacuate("A", 60.0)
        assert finish(site, operation) is Status.DONE
        assert failed(observation) == 0
        done = completed(observation)
        seconds(site, 1)
        assert all(count > done[key] for key, count in completed(observation).items())
        # Nobody ever waited for as long as the maintenance lasted.
        for kind in observation.transactions.values():
            assert kind.response.quantile(1.0) < 1.5
    assert belongings(site) == before
    assert meter.off_seconds == pytest.approx(60.0, abs=0.1)
    assert [(each.source, each.target) for each in operation.migrations] == [
        ("A", "C"),
        ("A", "B"),
        ("C", "A"),
        ("B", "A"),
    ]
    texts = [event.operation for event in site.timeline if event.status is Status.DONE]
    assert texts[-1] == "maintain A"
    assert texts.index("switch A off") < texts.index("switch A on")
    assert balanced(site)


def test_maintenance_is_refused_where_one_partition_has_nowhere_to_go() -> None:
    site = site_of(fleet((small("p"), small("q", 2.5, 3)), (small("r", 1.0),)))
    before = belongings(site)
    assert finish(site, Evacuate("A", 60.0)) is Status.REFUSED
    assert reason(site) == "q is entitled to 2.5 cores, and B has 2.00 to spare"
    assert belongings(site) == before
    assert [event.operation for event in site.timeline] == ["maintain A"]
    assert finish(site, Evacuate("Z", 60.0)) is Status.REFUSED
    alone = site_of(fleet((small("p"),)))
    assert finish(alone, Evacuate("A", 60.0)) is Status.REFUSED
    assert reason(alone) == "there is no machine to take p"


def test_maintenance_that_gets_stuck_leaves_everybody_running() -> None:
    site = site_of(fleet((small("p"), small("q")), ()))
    operation = Evacuate("A", 60.0)
    process = carry_out(site, operation)
    while not operation.migrations:
        seconds(site, 0.01)
    vios = site.machines["B"].vios["vios1"]
    vios.hold(crash(vios.partition))
    while process.is_alive:
        seconds(site, 0.1)
    assert process.value is Status.FAILED
    assert reason(site).startswith("could not migrate q to B: ")
    assert where(site) == {"p": "B", "q": "A"}
    belongings(site)


# Balance


def test_the_busiest_go_from_the_most_to_the_least_loaded_machine() -> None:
    names = "pqrs"
    site = site_of(fleet(tuple(small(name) for name in names), (), (), (), cores=6), NO_OVERHEAD)
    for name, threads in zip(names, (1, 1, 1, 1), strict=True):
        keep_busy(site.machines["A"].partitions[name], 0.005, threads)
    operation = Balance(threshold=0.1, sample_seconds=2.0)
    assert finish(site, operation) is Status.DONE
    assert sorted(where(site).values()) == ["A", "B", "C", "D"]
    assert operation.spreads[0] == pytest.approx(4 / 6, rel=0.01)
    assert operation.spreads[-1] <= 0.1
    assert all(each >= following for each, following in pairwise(operation.spreads))
    assert len(operation.migrations) == 3


@settings(max_examples=6)
@given(st.lists(st.integers(0, 2), min_size=2, max_size=5))
def test_balancing_never_makes_the_spread_wider_and_ends(threads) -> None:
    parts = [small(f"p{index}", 0.5, 2) for index in range(len(threads))]
    site = site_of(fleet(tuple(parts[::2]), tuple(parts[1::2]), ()), NO_OVERHEAD)
    for part, count in zip(parts, threads, strict=True):
        machine = site.machines[where(site)[part.name]]
        keep_busy(machine.partitions[part.name], 0.005, count)
    operation = Balance(threshold=0.05, sample_seconds=1.0)
    assert finish(site, operation) is Status.DONE
    assert operation.spreads[-1] <= operation.spreads[0] + 0.02
    assert len(operation.migrations) == len(operation.spreads) - 1
    belongings(site)
    assert balanced(site)


def test_what_cannot_move_is_passed_over() -> None:
    stuck = movable("p", 0.5, 2, memory_bytes=40 * GIB)
    machines = {
        "A": power6(stuck, small("q"), memory_bytes=64 * GIB),
        "B": power6(memory_bytes=8 * GIB),
    }
    site = site_of(machines, NO_OVERHEAD)
    keep_busy(site.machines["A"].partitions["p"], 0.005, 2)
    keep_busy(site.machines["A"].partitions["q"], 0.005, 1)
    assert finish(site, Balance(threshold=0.1, sample_seconds=2.0)) is Status.DONE
    assert where(site) == {"p": "A", "q": "B"}


def test_balancing_takes_two_machines_and_a_threshold() -> None:
    site = site_of(fleet((small("p"),), ()))
    assert finish(site, Balance(machines=("A",))) is Status.REFUSED
    assert finish(site, Balance(machines=("A", "Z"))) is Status.REFUSED
    assert reason(site) == "there is no machine Z"
    assert finish(site, Balance(threshold=0.0)) is Status.REFUSED


# At night


@pytest.mark.slow
def test_at_night_all_share_few_machines_and_in_the_morning_they_are_back() -> None:
    machines = fleet(*((small(name, groups=(computing,)),) for name in "pqrs"))

    def night(operation) -> tuple[float, dict]:
        site = site_of(machines)
        meters = [EnergyMeter(each, site.constants) for each in site.machines.values()]
        before = belongings(site)
        with driven_by_users(site) as observation:
            if operation is not None:
                assert finish(site, operation) is Status.DONE
            seconds(site, 400 - site.clock.now_ns / 1e9)
            assert failed(observation) == 0
            done = completed(observation)
        assert belongings(site) == before
        assert balanced(site)
        return sum(meter.joules for meter in meters), done

    operation = Consolidate(away_seconds=300.0)
    saved, done = night(operation)
    usual, done_usually = night(None)
    assert operation.switched_off == ["A", "C", "D"]
    assert {each.partition for each in operation.migrations} == {"p", "r", "s"}
    # Three machines were off most of the time, and one served all users about as well.
    assert saved < 0.6 * usual
    assert all(done[key] > 0.9 * done_usually[key] for key in done)


def test_they_stay_together_by_default() -> None:
    site = site_of(fleet((small("p"),), (small("q", 1.5, 2),), (small("r", 1.5, 2),)))
    operation = Consolidate()
    assert finish(site, operation) is Status.DONE
    # One core of each machine is its VIOS's: 1.5 + 1.5 fill the rest of one, 0.5 more does not fit.
    assert operation.switched_off == ["A"]
    assert finish(site, Consolidate()) is Status.REFUSED
    assert reason(site).startswith("no machine can be emptied: ")
    belongings(site)


def test_one_machine_cannot_be_consolidated() -> None:
    site = site_of(fleet((small("p"),)))
    assert finish(site, Consolidate()) is Status.REFUSED
