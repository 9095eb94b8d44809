"""How long work waits for a virtual processor."""

from hypothesis import given, settings
from hypothesis import strategies as st
from modelling import MS, NO_OVERHEAD, build, partition, system


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=12))
def test_waiting_work_is_counted_as_first_come_first_served_has_it(arrivals):
    """With one virtual processor: Lindley's recursion, job by job."""
    machine = build(system(partition("app", 1), cores=1), NO_OVERHEAD)
    app = machine.partitions["app"]
    waited, free = 0, 0
    for at, ms in sorted(arrivals, key=lambda each: each[0]):
        machine.clock.call_in(at * MS, lambda ms=ms: app.compute(ms / 1e3, None, lambda: None))
        waited += max(0, free - at)
        free = max(free, at) + ms
    machine.clock.run_until((free + 1) * MS)
    assert app.partition.queue_wait_ns() == waited * MS


def test_work_that_still_waits_is_counted_up_to_now():
    machine = build(system(partition("app", 1), cores=1), NO_OVERHEAD)
    for _ in range(3):
        machine.partitions["app"].compute(0.010, None, lambda: None)
    machine.clock.run_until(4 * MS)
    assert machine.partitions["app"].partition.queue_wait_ns() == 2 * 4 * MS
    machine.partitions["app"].crash()
    machine.clock.run_until(9 * MS)
    assert machine.partitions["app"].partition.queue_wait_ns() == 2 * 4 * MS
