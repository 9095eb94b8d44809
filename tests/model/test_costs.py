import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelling import (
    FULL_SYSTEM,
    HOSTED,
    MS,
    NO_OVERHEAD,
    NO_REFILL,
    NO_TICKS,
    NOMINAL,
    REFERENCE_HZ,
    build,
    constants,
    partition,
    system,
)

from harness.analysis.breakdown.processors import user_mode
from harness.analysis.breakdown.run import Run
from harness.model.costs import Costs, fixed_and_per_unit
from harness.validation.minimal_model import repeat
from workloads.partition import EVENTS
from workloads.user import EventDemand


@pytest.mark.parametrize("clock_hz", [1.5e9, REFERENCE_HZ, 4.7e9])
def test_users_time_scales_with_the_clock_from_the_reference(clock_hz):
    costs = Costs(NOMINAL, clock_hz)
    assert costs.user(0.010) == round(10e6 * REFERENCE_HZ / clock_hz)
    assert costs.cycles(clock_hz) == 10**9


def test_times_are_times_whatever_the_clock():
    for clock_hz in (1.5e9, 4.7e9):
        assert Costs(NOMINAL, clock_hz).time("hypervisor.wake") == 1000


@given(st.dictionaries(st.sampled_from(EVENTS), st.floats(0, 1000)))
def test_events_cost_their_published_cycles_natively_and_the_difference_on_top_when_hosted(events):
    native_cycles = sum(n * NOMINAL.number(f"events.native.{e}") for e, n in events.items())
    os_ns, monitor_ns = Costs(NOMINAL, REFERENCE_HZ).events(events)
    assert os_ns == pytest.approx(native_cycles / 1.65, abs=0.51)
    assert monitor_ns == 0
    for flavour in ("vmware", "uml", "esx-3"):
        own, added = Costs(NOMINAL, REFERENCE_HZ, flavour).events(events)
        assert own == os_ns
        hosted = sum(n * NOMINAL.number(f"events.{flavour}.{e}") for e, n in events.items())
        assert added == pytest.approx((hosted - native_cycles) / 1.65, abs=1.0, rel=1e-6)


def test_every_event_costs_more_under_a_monitor():
    for flavour in ("vmware", "uml", "esx-3"):
        costs = Costs(NOMINAL, REFERENCE_HZ, flavour)
        for event in EVENTS:
            native, added = costs.events({event: 1000.0})
            assert native > 0
            assert added > 0


def test_counts_that_have_changed_cost_something_else():
    costs = Costs(NOMINAL, REFERENCE_HZ)
    events = {"calls": 100.0}
    before = costs.events(events)[0]
    events["calls"] = 300.0
    assert costs.events(events)[0] == pytest.approx(3 * before, abs=2)


def test_only_what_cannot_change_is_remembered():
    costs = Costs(NOMINAL, REFERENCE_HZ)
    for count in range(100):
        costs.events({"calls": float(count)})
    assert not costs._events
    fixed = EventDemand(calls=7, forks=0.5).events
    assert costs.events(fixed) == costs.events(fixed) == costs.events(dict(fixed))
    assert len(costs._events) == 1


def test_transfer_factors_scale_each_side_on_its_own():
    events = {"forks": 3.0}
    plain = Costs(NOMINAL, REFERENCE_HZ, "vmware").events(events)
    dear = Costs(constants({"hosted.transfer": 2.0}), REFERENCE_HZ, "vmware").events(events)
    assert dear == (plain[0], pytest.approx(2 * plain[1], abs=1))
    slow = Costs(constants({"native.transfer": 0.5}), REFERENCE_HZ, "vmware").events(events)
    assert slow == (pytest.approx(plain[0] / 2, abs=1), plain[1])


def test_hosted_costs_carry_the_flavours_cycles_over():
    costs = Costs(constants({"hosted.transfer": 1.5}), REFERENCE_HZ, "vmware")
    # 7.45 us at 733 MHz.
    assert costs.hosted("world_switch", 2) == round(2 * 1.5 * 7.45e-6 * 733e6 / 1.65)


@given(
    st.floats(0, 50),
    st.floats(0, 1e5),
    st.integers(100, 2000),
    st.integers(2001, 70_000),
)
def test_two_published_points_give_back_the_parts_per_byte_and_per_packet(
    per_byte, per_packet, small, large
):
    values = [per_byte + per_packet / size for size in (small, large)]
    found = fixed_and_per_unit([small, large], values)
    assert found == (
        pytest.approx(per_byte, abs=1e-6 + per_packet * 1e-9),
        pytest.approx(per_packet, abs=1e-5 * (1 + per_byte * large), rel=1e-6),
    )


def test_points_that_do_not_decide_leave_nothing_negative():
    per_byte, per_packet = fixed_and_per_unit([1460, 8960], [10.0, 1.0])
    assert per_byte == 0
    assert per_packet > 0


@pytest.mark.parametrize("cycles", [0.0, 0.04, 0.09])
def test_a_monitor_that_translates_code_makes_user_mode_longer(cycles):
    changes = {"hosted.esx-3.translation": cycles, "hosted.transfer": 1.0}
    configuration = system(partition("app", 1, virtualization=HOSTED), cores=1, flavour="esx-3")
    machine = build(configuration, NO_OVERHEAD, changes)
    ended = []
    for events in (None, {"calls": 0.0}):
        machine.partitions["app"].compute(0.1, events, lambda: ended.append(machine.clock.now_ns))
    machine.clock.run_until(1000 * MS)
    account = machine.balance()[0]["app"]
    assert account["user"] == 200 * MS
    assert account["emulation"] == pytest.approx(200 * MS * cycles)
    spent_ns = sum(account.values())
    assert ended[-1] == spent_ns
    # The breakdown counts it.
    samples = [("vtax_processor_seconds_total", {"partition": "app", "cause": "user"}, 0.2)]
    shape = {"flavour": "esx-3", "machine": {"clock_hz": REFERENCE_HZ}}
    (item,) = user_mode(Run(samples, shape, constants(changes)))
    assert item.cause == "emulation"
    assert item.seconds == pytest.approx(account["emulation"] / 1e9)


def test_an_event_of_the_catalog_that_no_demand_declares_costs_too():
    costs = Costs(NOMINAL, REFERENCE_HZ, "vmware")
    assert "context_switches_16k" in costs.known_events
    native, added = costs.events({"context_switches_16k": 100.0})
    cycles = NOMINAL.number("events.native.context_switches_16k")
    assert native == costs.cycles(100 * cycles)
    assert added == costs.cycles(
        100 * (NOMINAL.number("events.vmware.context_switches_16k") - cycles)
    )


@pytest.mark.parametrize("flavour", [None, "vmware"])
def test_a_flush_writes_a_page_and_waits_for_it(flavour):
    virtualization = FULL_SYSTEM if flavour is None else HOSTED
    app = partition("app", 1, virtualization=virtualization, disks=1)

    def seconds(work):
        """Do something twenty times; return how long that takes."""
        machine = build(system(app, cores=1, flavour=flavour), NO_TICKS, {**NO_REFILL})
        return repeat(machine, lambda done: work(machine.partitions["app"], done), 20), machine

    def flushing(modelled, done):
        modelled.compute(0.001, {"flushes": 0.5, "calls": 1.0}, done)

    def writing(modelled, done):
        modelled.compute(0.001, {"calls": 1.0}, done)

    flushed, machine = seconds(flushing)
    assert machine.disks[0].operations == 10
    computed, _ = seconds(writing)
    written, _ = seconds(lambda modelled, done: modelled.transfer(0, 4096, None, True, done))
    call = sum(Costs(constants(), REFERENCE_HZ, flavour).events({"flushes": 0.5})) / 1e9
    assert flushed == pytest.approx(computed + written / 2 + 20 * call, rel=0.02)
