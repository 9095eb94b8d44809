"""What the periodic clocks of virtual processors and of a host cost."""

import pytest
from modelling import (
    CAPPED,
    DEDICATED,
    FULL_SYSTEM,
    HOSTED,
    MS,
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

OPERATING_SYSTEMS = ("aix-5.3", "sles-9", "rhel-as-3")


def tick_costs(os: str, virtual_processors: int, *overrides) -> int:
    """What an idle guest on its own in a pool costs it within ten seconds (ns)."""
    guest = partition("idle", 1, virtual_processors, UNCAPPED, os=os)
    machine = build(system(guest, cores=1), *overrides)
    machine.clock.run_until(10_000 * MS)
    accounts, _ = machine.balance()
    assert total(machine) == 10_000 * MS
    return sum(accounts["idle"].values())


def test_an_idle_thousand_hertz_guest_costs_ten_times_a_hundred_hertz_one():
    slow, fast = tick_costs("rhel-as-3", 10), tick_costs("sles-9", 10)
    assert slow > 0
    assert fast == pytest.approx(10 * slow, rel=0.002)


def test_an_idle_guest_costs_its_ticks_and_nothing_else():
    costs = constants()
    # Several take turns on the core, one finds it as it was.
    for vps, name in ((1, "vp_resume"), (4, "vp_switch"), (10, "vp_switch")):
        each = costs.number("os.sles-9.tick_cost") + costs.number(f"hypervisor.{name}")
        expected = 10 * vps * costs.number("os.sles-9.tick_rate") * each / REFERENCE_HZ * 1e9
        assert tick_costs("sles-9", vps) == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize("os", OPERATING_SYSTEMS)
@pytest.mark.parametrize("virtualization", [FULL_SYSTEM, DEDICATED, UNCAPPED])
def test_ticks_delay_running_work_by_exactly_their_cost(os, virtualization):
    overrides = {
        "hypervisor.vp_switch": 0.0,
        "hypervisor.vp_resume": 0.0,
        "processor.working_set": 0.0,
    }
    machine = build(system(partition("app", 1, 1, virtualization, os=os), cores=1), overrides)
    ended: list[int] = []
    machine.partitions["app"].compute(0.5, None, lambda: ended.append(machine.clock.now_ns))
    machine.clock.run_until(1000 * MS)
    costs = constants()
    period_ns = round(1e9 / costs.number(f"os.{os}.tick_rate"))
    tick_ns = round(costs.number(f"os.{os}.tick_cost") / REFERENCE_HZ * 1e9)
    # The clock first ticks in the middle of its period; ticks go on while the work is delayed.
    ticks = 0
    while period_ns // 2 + ticks * period_ns < 500 * MS + ticks * tick_ns:
        ticks += 1
    assert ended == [500 * MS + ticks * tick_ns]


def test_a_guests_tick_costs_the_monitor_too():
    machine = build(
        system(partition("guest", 1, virtualization=HOSTED), cores=1, flavour="vmware"),
        {"hosted.host.tick_rate": 1e-6},
    )
    keep_busy(machine.partitions["guest"], 0.01)
    machine.clock.run_until(995 * MS)
    accounts, _ = machine.balance()
    costs, ticks = constants(), 99
    assert accounts["guest"]["tick"] == pytest.approx(
        ticks * costs.number("os.aix-5.3.tick_cost") / REFERENCE_HZ * 1e9, rel=0.02
    )
    per_tick = costs.number("hosted.vmware.interrupt_return") / REFERENCE_HZ * 1e9
    assert accounts["guest"]["emulation"] == pytest.approx(ticks * per_tick, rel=0.02)
    assert accounts["host"] == dict.fromkeys(accounts["host"], 0)


def test_the_hosts_own_ticks_are_its_own_account():
    machine = build(system(partition("guest", 1, virtualization=HOSTED), cores=3, flavour="uml"))
    keep_busy(machine.partitions["guest"], 0.01)
    machine.clock.run_until(1000 * MS)
    accounts, _ = machine.balance()
    costs = constants()
    each = costs.number("os.sles-9.tick_cost") / REFERENCE_HZ * 1e9
    ticks = 3 * costs.number("hosted.host.tick_rate")
    assert accounts["host"]["host"] == pytest.approx(ticks * each, rel=0.001)
    assert sum(accounts["host"].values()) == accounts["host"]["host"]


def test_a_tick_that_came_while_waiting_for_a_processor_is_taken_at_the_next_dispatch():
    """Two capped halves of a core: whoever is parked takes its tick when it comes back."""
    parts = [partition("half", 0.1, 1, CAPPED)]
    machine = build(
        system(*parts, cores=1),
        {**NO_TICKS, "os.aix-5.3.tick_rate": 100.0},
        {"hypervisor.vp_switch": 0.0, "hypervisor.vp_resume": 0.0, "processor.working_set": 0.0},
    )
    keep_busy(machine.partitions["half"], 0.5)
    # The clock ticks every 10 ms at 5, 15, 25... ms, when the window's entitlement is used up.
    machine.clock.run_until(95 * MS)
    tick_ns = round(constants().number("os.aix-5.3.tick_cost") / 1.65)
    accounts, _ = machine.balance()
    assert accounts["half"]["tick"] == 9 * tick_ns
    assert accounts["half"]["user"] == 10 * MS - 9 * tick_ns


def test_ticks_are_counted_busy_or_idle():
    machine = build(system(partition("app", 2), cores=2), {"os.aix-5.3.tick_rate": 100.0})
    machine.partitions["app"].compute(0.500, None, lambda: None)
    machine.clock.run_until(1000 * MS)
    part = machine.partitions["app"].partition
    assert part.ticks == 200
    assert part.idle_ticks == pytest.approx(150, abs=2)
    booked = machine.balance()[0]["app"]["tick"]
    assert booked == part.ticks * part.tick.ns
