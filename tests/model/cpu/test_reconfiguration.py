"""Changes of a running partition: suspension, and a thread that waits for something."""

from modelling import DEDICATED, MS, NO_OVERHEAD, build, partition, system

from harness.model.cpu.reconfiguration import block, resume, suspend
from harness.model.machine import Machine


def machine_with(virtual_processors: int) -> Machine:
    part = partition("app", virtual_processors, virtualization=DEDICATED)
    return build(system(part, cores=virtual_processors), NO_OVERHEAD)


def test_who_is_suspended_keeps_its_work_in_order_and_takes_more():
    machine = machine_with(2)
    app = machine.partitions["app"]
    ended: list[tuple[str, int]] = []

    def work(name: str, ms: int) -> None:
        app.compute(ms / 1e3, None, lambda: ended.append((name, machine.clock.now_ns)))

    for name, ms in (("a", 3), ("b", 5), ("c", 1)):
        work(name, ms)
    machine.clock.run_until(2 * MS)
    assert suspend(app.partition) == 2
    assert app.partition.vps == []
    work("late", 1)
    machine.clock.run_until(12 * MS)
    assert ended == []
    assert app.partition.occupied_ns() == 4 * MS
    resume(app.partition, 2, 0)
    machine.clock.run_until(30 * MS)
    # a has 1 ms left and b 3; c follows a, what came in the meantime follows c.
    assert ended == [("a", 13 * MS), ("c", 14 * MS), ("b", 15 * MS), ("late", 15 * MS)]
    assert app.partition.occupied_ns() == 10 * MS


def test_who_waits_for_something_lets_the_next_run():
    machine = machine_with(1)
    app = machine.partitions["app"]
    ended: list[tuple[str, int]] = []
    assert block(app.partition, 0) is None
    for name in ("first", "second"):
        app.compute(0.004, None, lambda name=name: ended.append((name, machine.clock.now_ns)))
    machine.clock.run_until(1 * MS)
    burst = block(app.partition, 0)
    assert burst is not None
    assert burst.ns == 3 * MS
    machine.clock.run_until(7 * MS)
    assert ended == [("second", 5 * MS)]
    app.partition.submit(burst)
    machine.clock.run_until(20 * MS)
    assert ended[1:] == [("first", 10 * MS)]
