"""What all dispatching has in common: switches, interruptions and the accounts."""

from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import (
    CAPPED,
    MS,
    NO_OVERHEAD,
    NO_TICKS,
    REFERENCE_HZ,
    UNCAPPED,
    build,
    constants,
    keep_busy,
    partition,
    system,
    total,
)

from harness.model.costs import Costs


def test_who_comes_back_to_its_core_with_no_other_in_between_resumes_and_does_not_switch():
    parts = [partition(name, 0.1, 1, UNCAPPED) for name in "ab"]
    machine = build(system(*parts, cores=1), NO_TICKS, {"processor.working_set": 0.0})
    a, b = (machine.partitions[name] for name in "ab")
    for moment, modelled in ((0, a), (2, a), (4, b), (6, a), (8, a)):
        machine.clock.call_in(
            moment * MS, lambda modelled=modelled: modelled.compute(0.001, None, lambda: None)
        )
    machine.clock.run_until(10 * MS)
    assert (a.partition.dispatches, a.partition.resumptions) == (4, 2)
    assert (b.partition.dispatches, b.partition.resumptions) == (1, 0)
    costs = Costs(constants(), REFERENCE_HZ)
    switch_ns, resume_ns = (costs.work(f"hypervisor.vp_{each}") for each in ("switch", "resume"))
    accounts, _ = machine.balance()
    assert accounts["a"]["hypervisor"] == 2 * switch_ns + 2 * resume_ns
    assert accounts["b"]["hypervisor"] == switch_ns


@settings(max_examples=60)
@given(st.lists(st.integers(1, 30 * MS), min_size=1, max_size=8), st.integers(2, 5))
def test_work_takes_its_time_however_often_it_is_interrupted(lengths, guests):
    """Users' time is booked to the nanosecond, whatever is preempted, parked or sliced."""
    parts = [
        partition(f"p{index}", 0.1, 1, CAPPED if index % 2 else UNCAPPED) for index in range(guests)
    ]
    machine = build(system(*parts, cores=1, virtualization=UNCAPPED), NO_TICKS)
    asked: dict[str, int] = {}
    ended = 0

    def count() -> None:
        nonlocal ended
        ended += 1

    for index, ns in enumerate(lengths):
        name = f"p{index % guests}"
        asked[name] = asked.get(name, 0) + ns
        machine.partitions[name].compute(ns / 1e9, None, count)
    machine.clock.run_until(12_000 * MS)
    accounts, idle_ns = machine.balance()
    assert ended == len(lengths)
    assert {name: accounts[name]["user"] for name in asked} == asked
    assert total(machine) == 12_000 * MS
    spent = sum(sum(account.values()) for account in accounts.values())
    assert idle_ns == 12_000 * MS - spent


def test_without_overheads_nothing_but_the_users_own_time_is_booked():
    parts = [partition(name, 0.3, 2, UNCAPPED) for name in "abc"]
    machine = build(system(*parts, cores=1), NO_OVERHEAD)
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.0021, 3)
    machine.clock.run_until(100 * MS)
    accounts, idle_ns = machine.balance()
    assert idle_ns == 0
    assert sum(account["user"] for account in accounts.values()) == 100 * MS


@settings(max_examples=40)
@given(
    st.integers(2, 6),
    st.sampled_from([0.4e6, 1.2e6, 1.9e6]),
    st.sampled_from([50e-6, 0.2e-3, 1e-3]),
    st.integers(1, 9_973),
)
def test_what_is_cut_off_before_it_was_spent_is_owed_to_its_own_cause(
    guests, working_set, spare_slice, step_us
):
    machine = build(
        system(*(partition(name, 0.1, 1, CAPPED) for name in "abcdef"[:guests]), cores=1),
        {"processor.working_set": working_set, "hypervisor.spare_slice": spare_slice},
    )
    for modelled in machine.partitions.values():
        keep_busy(modelled, 0.0007, threads=2)
    for look in range(1, 30):
        machine.clock.run_until(look * step_us * 1000)
        for account in machine.balance()[0].values():
            assert min(account.values()) >= 0
    assert total(machine) == machine.clock.now_ns
