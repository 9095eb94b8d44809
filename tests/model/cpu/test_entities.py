"""A partition's run queue: turns, urgent work, clock ticks."""

from modelling import (
    DEDICATED,
    MS,
    NO_OVERHEAD,
    NO_TICKS,
    US,
    build,
    constants,
    partition,
    system,
)

from harness.model.cpu.burst import Burst, CallbackBurst, work
from harness.model.machine import Machine


def machine_with(virtual_processors: int, *overrides: dict[str, object]) -> Machine:
    part = partition("app", virtual_processors, virtualization=DEDICATED)
    return build(system(part, cores=virtual_processors), NO_OVERHEAD, *overrides)


def test_work_goes_to_an_idle_virtual_processor_and_waits_its_turn_where_there_is_none():
    machine = machine_with(2)
    ended: dict[str, int] = {}
    for name, ms in (("a", 3), ("b", 5), ("c", 1), ("d", 1)):
        machine.partitions["app"].compute(
            ms / 1e3, None, lambda name=name: ended.update({name: machine.clock.now_ns})
        )
    machine.clock.run_until(20 * MS)
    # c follows a, and d follows c.
    assert ended == {"a": 3 * MS, "b": 5 * MS, "c": 4 * MS, "d": 5 * MS}


def test_who_has_used_up_a_time_slice_goes_to_the_end_of_the_queue():
    machine = machine_with(1, {"os.aix-5.3.timeslice": 0.002})
    order: list[tuple[str, int]] = []
    for name, ms in (("long", 5), ("short", 1), ("middle", 3)):
        machine.partitions["app"].compute(
            ms / 1e3, None, lambda name=name: order.append((name, machine.clock.now_ns))
        )
    machine.clock.run_until(20 * MS)
    # long 2, short 1, middle 2, long 2, middle 1, long 1
    assert order == [("short", 3 * MS), ("middle", 8 * MS), ("long", 9 * MS)]


def test_a_slice_is_used_up_only_where_others_wait():
    machine = machine_with(1, {"os.aix-5.3.timeslice": 0.002})
    order: list[str] = []
    app = machine.partitions["app"]
    app.compute(0.009, None, lambda: order.append("alone"))
    machine.clock.call_in(7 * MS, lambda: app.compute(0.001, None, lambda: order.append("late")))
    machine.clock.run_until(8 * MS - 1)
    assert order == []
    machine.clock.run_until(9 * MS + 1)
    assert order == ["late"]
    machine.clock.run_until(11 * MS)
    assert order == ["late", "alone"]


def test_an_interrupts_work_goes_before_threads_that_wait():
    machine = machine_with(1)
    app = machine.partitions["app"].partition
    order: list[str] = []

    def submit(name: str, ns: int, urgent: bool) -> None:
        app.submit(CallbackBurst(app.account, work((0, ns)), lambda: order.append(name)), urgent)

    submit("running", MS, False)
    submit("thread", MS, False)
    submit("interrupt", MS, True)
    machine.clock.run_until(4 * MS)
    assert order == ["running", "interrupt", "thread"]


def test_what_work_sets_off_runs_on_where_it_ended_without_a_dispatch():
    machine = machine_with(1)
    app = machine.partitions["app"]
    ended: list[int] = []

    def again() -> None:
        ended.append(machine.clock.now_ns)
        if len(ended) < 5:
            app.compute(0.001, None, again)

    app.compute(0.001, None, again)
    machine.clock.run_until(10 * MS)
    assert ended == [MS, 2 * MS, 3 * MS, 4 * MS, 5 * MS]
    assert app.partition.dispatches == 1


def test_who_waits_comes_before_what_the_finished_thread_does_next():
    machine = machine_with(1)
    app = machine.partitions["app"]
    order: list[str] = []
    app.compute(
        0.001, None, lambda: app.compute(0.001, None, lambda: order.append("first's second"))
    )
    app.compute(0.001, None, lambda: order.append("second"))
    machine.clock.run_until(5 * MS)
    assert order == ["second", "first's second"]


def test_work_is_charged_to_whoever_it_is_done_for():
    machine = machine_with(1)
    app = machine.partitions["app"].partition
    other = machine.ledger.open("other")
    app.submit(Burst(other, work((5, 7 * US), (3, US))))
    machine.clock.run_until(MS)
    accounts, idle_ns = machine.balance()
    assert accounts["other"]["vios"] == 7 * US
    assert accounts["other"]["hypervisor"] == US
    assert sum(accounts["app"].values()) == 0
    assert idle_ns == MS - 8 * US


def test_a_phantom_interrupt_delays_whoever_runs_and_is_paid_by_whom_it_was_for():
    machine = machine_with(1)
    app = machine.partitions["app"]
    other = machine.ledger.open("other")
    ended: list[int] = []
    app.compute(0.002, None, lambda: ended.append(machine.clock.now_ns))
    machine.clock.call_in(
        MS,
        lambda: app.partition.take_phantom_interrupt(
            app.partition.vps[0], work((3, 3 * US)), other
        ),
    )
    machine.clock.run_until(5 * MS)
    assert ended == [2 * MS + 3 * US]
    assert app.partition.phantom_interrupts == 1
    accounts, _ = machine.balance()
    assert accounts["other"]["hypervisor"] == 3 * US
    assert accounts["app"]["user"] == 2 * MS


def test_a_tick_that_came_while_waiting_for_a_processor_is_taken_at_the_next_dispatch():
    """Two capped halves of a core: whoever is parked takes its tick when it comes back."""
    from modelling import CAPPED, keep_busy

    parts = [partition("half", 0.1, 1, CAPPED)]
    machine = build(
        system(*parts, cores=1),
        {**NO_TICKS, "os.aix-5.3.tick_rate": 100.0},
        {"hypervisor.vp_switch": 0.0, "processor.working_set": 0.0},
    )
    keep_busy(machine.partitions["half"], 0.5)
    # The clock ticks every 10 ms at 5, 15, 25... ms, when the window's entitlement is used up.
    machine.clock.run_until(95 * MS)
    tick_ns = round(constants().number("os.aix-5.3.tick_cost") / 1.65)
    accounts, _ = machine.balance()
    assert accounts["half"]["tick"] == 9 * tick_ns
    assert accounts["half"]["user"] == 10 * MS - 9 * tick_ns


def test_who_is_suspended_keeps_its_work_in_order_and_takes_more():
    machine = machine_with(2)
    app = machine.partitions["app"]
    ended: list[tuple[str, int]] = []

    def work(name: str, ms: int) -> None:
        app.compute(ms / 1e3, None, lambda: ended.append((name, machine.clock.now_ns)))

    for name, ms in (("a", 3), ("b", 5), ("c", 1)):
        work(name, ms)
    machine.clock.run_until(2 * MS)
    assert app.partition.suspend() == 2
    assert app.partition.suspended
    work("late", 1)
    machine.clock.run_until(12 * MS)
    assert ended == []
    assert app.partition.occupied_ns() == 4 * MS
    app.partition.resume(2, 0)
    machine.clock.run_until(30 * MS)
    # a has 1 ms left and b 3; c follows a, what came in the meantime follows c.
    assert ended == [("a", 13 * MS), ("c", 14 * MS), ("b", 15 * MS), ("late", 15 * MS)]
    assert app.partition.occupied_ns() == 10 * MS


def test_who_waits_for_something_lets_the_next_run():
    machine = machine_with(1)
    app = machine.partitions["app"]
    ended: list[tuple[str, int]] = []
    assert app.partition.block(0) is None
    for name in ("first", "second"):
        app.compute(0.004, None, lambda name=name: ended.append((name, machine.clock.now_ns)))
    machine.clock.run_until(1 * MS)
    burst = app.partition.block(0)
    assert burst is not None
    assert burst.ns == 3 * MS
    machine.clock.run_until(7 * MS)
    assert ended == [("second", 5 * MS)]
    app.partition.submit(burst)
    machine.clock.run_until(20 * MS)
    assert ended[1:] == [("first", 10 * MS)]
