"""A partition's virtual processors: turns, urgent work, interrupts."""

import pytest
from modelling import (
    DEDICATED,
    FULL_SYSTEM,
    MS,
    NO_OVERHEAD,
    NO_REFILL,
    OUTSIDE,
    REFERENCE_HZ,
    US,
    WIRE,
    build,
    keep_busy,
    partition,
    repeat,
    system,
    total,
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


def test_an_interrupts_work_interrupts_the_thread_that_runs():
    machine = machine_with(1)
    app = machine.partitions["app"].partition
    ended: list[tuple[str, int]] = []

    def submit(name: str, ns: int, urgent: bool = False) -> None:
        def done() -> None:
            ended.append((name, machine.clock.now_ns))

        app.submit(CallbackBurst(app.account, work((0, ns)), done), urgent)

    submit("running", 5 * MS)
    submit("waiting", MS)
    machine.clock.call_in(2 * MS, lambda: submit("interrupt", MS // 2, urgent=True))
    machine.clock.call_in(2 * MS, lambda: submit("second", MS // 2, urgent=True))
    machine.clock.run_until(10 * MS)
    assert ended == [
        ("interrupt", 2 * MS + MS // 2),
        ("second", 3 * MS),
        ("running", 6 * MS),
        ("waiting", 7 * MS),
    ]
    assert app.queue_wait_ns() == MS + MS // 2 + 6 * MS


def test_a_thread_that_an_interrupt_wakes_waits_its_turn_also_where_it_is_the_same_object():
    machine = machine_with(1)
    app = machine.partitions["app"].partition
    order: list[tuple[str, int]] = []

    def woken() -> None:
        order.append(("woken", machine.clock.now_ns))
        if len(order) == 1:
            again.ask(app.account, work((0, MS)))
            app.submit(again)

    again = CallbackBurst(app.account, work((0, MS // 2)), woken)
    running = CallbackBurst(
        app.account, work((0, 5 * MS)), lambda: order.append(("running", machine.clock.now_ns))
    )
    app.submit(running)
    machine.clock.call_in(2 * MS, lambda: app.submit(again, True))
    machine.clock.run_until(10 * MS)
    half = MS // 2
    assert order == [("woken", 2 * MS + half), ("running", 5 * MS + half), ("woken", 6 * MS + half)]


def test_an_interrupt_waits_for_the_end_of_a_dispatch_and_of_a_tick():
    tick = {"os.aix-5.3.tick_cost": 100e-6 * REFERENCE_HZ, "os.aix-5.3.tick_rate": 100.0}
    machine = build(system(partition("app", virtualization=FULL_SYSTEM), cores=1), NO_REFILL, tick)
    app = machine.partitions["app"].partition
    ended: list[int] = []
    keep_busy(machine.partitions["app"], 1.0)

    def interrupt() -> None:
        work_of_it = work((0, 10 * US))
        app.submit(
            CallbackBurst(app.account, work_of_it, lambda: ended.append(machine.clock.now_ns)), True
        )

    ticks = app.ticks
    while app.ticks == ticks:
        machine.clock.run_until(machine.clock.now_ns + US)
    begun = machine.clock.now_ns
    interrupt()
    machine.clock.run_until(begun + MS)
    assert begun + 100 * US <= ended[0] <= begun + 111 * US
    assert total(machine) == machine.clock.now_ns


OPERATING_SYSTEMS = ("aix-5.3", "sles-9", "rhel-as-3")


@pytest.mark.parametrize("os", OPERATING_SYSTEMS)
def test_messages_and_reads_take_as_long_beside_computing_whatever_its_pieces(os):
    def took(piece_seconds: float | None) -> list[int]:
        part = partition("app", virtualization=FULL_SYSTEM, os=os, ethernet=WIRE, disks=1)
        machine = build(system(part, cores=1), NO_REFILL)
        app, clock = machine.partitions["app"], machine.clock
        if piece_seconds is not None:
            keep_busy(app, piece_seconds, threads=2)
        clock.run_until(300 * MS + 7)
        times = repeat(clock, lambda done: app.exchange(64, 64, OUTSIDE, done), 20)
        return times + repeat(clock, lambda done: app.transfer(0, 4096, None, False, done), 20)

    alone = took(None)
    for piece_seconds in (0.0001, 0.005, 1.0):
        # A clock tick may come between.
        assert took(piece_seconds) == pytest.approx(alone, abs=60 * US)


@pytest.mark.parametrize("cores", [1, 2])
def test_how_long_the_pieces_of_computing_are_gives_no_thread_more_of_a_processor(cores):
    part = partition("app", cores, virtualization=FULL_SYSTEM)
    machine = build(system(part, cores=cores), NO_OVERHEAD)
    app, clock = machine.partitions["app"], machine.clock
    done_ns = dict.fromkeys((300 * US, 7 * MS, 50 * MS), 0)

    def loop(piece_ns: int) -> None:
        def again() -> None:
            done_ns[piece_ns] += piece_ns
            app.compute(piece_ns / 1e9, None, again)

        app.compute(piece_ns / 1e9, None, again)

    for start_ms, piece_ns in zip((0, 3, 4), done_ns, strict=True):
        clock.call_in(start_ms * MS, lambda piece_ns=piece_ns: loop(piece_ns))
    clock.run_until(3000 * MS)
    share = 3000 * MS * cores // len(done_ns)
    assert list(done_ns.values()) == pytest.approx([share] * 3, abs=60 * MS)


def test_a_thread_that_wakes_comes_before_one_that_has_run_for_a_tick():
    machine = build(system(partition("app", virtualization=FULL_SYSTEM), cores=1), NO_REFILL)
    app, clock = machine.partitions["app"], machine.clock
    keep_busy(app, 1.0)
    period_ns = app.partition.tick_period_ns
    for ran_ns, wait_ns in ((period_ns // 2, app.partition.slice_ns), (3 * period_ns, 0)):
        begun = clock.now_ns
        clock.run_until(begun + ran_ns)
        ended: list[int] = []
        app.compute(0.0001, None, lambda ended=ended: ended.append(clock.now_ns))
        while not ended:
            clock.run_until(clock.now_ns + US)
        late = ended[0] - begun - ran_ns - 100 * US
        if wait_ns:
            assert late >= period_ns // 2
        else:
            assert late < 60 * US
        clock.run_until(clock.now_ns + 2 * app.partition.slice_ns)


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


def test_a_thread_goes_on_with_its_next_piece_until_its_slice_is_over():
    machine = machine_with(1, {"os.aix-5.3.timeslice": 0.0025})
    app = machine.partitions["app"]
    order: list[str] = []

    def piece(number: int) -> None:
        order.append(f"first's {number}")
        if number < 4:
            app.compute(0.001, None, lambda: piece(number + 1))

    app.compute(0.001, None, lambda: piece(1))
    app.compute(0.001, None, lambda: order.append("second"))
    machine.clock.run_until(8 * MS)
    assert order == ["first's 1", "first's 2", "second", "first's 3", "first's 4"]


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
