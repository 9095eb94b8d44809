"""A partition's verbs on a target that is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imitation import ImitationTarget

from harness.errors import UserError
from harness.real.campaign.partition import _EVENTS, LARGEST_BYTES, RealPartition
from harness.real.microbenchmarks import EVENTS
from harness.real.target.channel import RefusalError
from workloads.partition import EVENTS as KNOWN
from workloads.partition import ProgramPartition


def partition(target: ImitationTarget | None = None, **more) -> RealPartition:
    return RealPartition(target or ImitationTarget(), 1e6, **more)  # type: ignore[arg-type]


def test_it_has_the_verbs_of_a_partition():
    seam: ProgramPartition = partition()
    verbs = {name for name in dir(ProgramPartition) if not name.startswith("_")}
    assert verbs <= set(dir(seam))


def test_computing_is_the_same_number_of_rounds_on_every_target():
    targets = [ImitationTarget(), ImitationTarget("qemu-tcg", factor=20.0)]
    for target in targets:
        partition(target).compute(0.25, {"calls": 3.0})
    assert targets[0].done == targets[1].done == {("compute", 0): 250, ("calls", 0): 3}


@given(st.floats(0.0, 50.0), st.integers(1, 30), st.sampled_from(sorted(_EVENTS)))
def test_mean_numbers_are_right_in_the_long_run(mean, times, name):
    target = ImitationTarget()
    real = partition(target)
    for _ in range(times):
        real.compute(0.0, {name: mean})
    event, share = _EVENTS[name]
    (asked,) = [each for each in EVENTS if each.name == event]
    assert target.done[asked.request, asked.size] == pytest.approx(mean * share * times, abs=1.0)


def test_every_event_that_stands_for_another_is_there():
    assert set(_EVENTS) == set(KNOWN)
    assert {event for event, _ in _EVENTS.values()} <= {event.name for event in EVENTS}


def test_what_the_agent_does_not_do_is_refused():
    with pytest.raises(UserError, match=r"test_partition.py:\d+: compute\(events='yields'\)"):
        partition().compute(0.1, {"yields": 1.0})


@pytest.mark.parametrize("clock", [0.5, 1.0, 2.0])
def test_time_passes_by_the_targets_clock_corrected(clock):
    """Neither the channel nor this program has a part in it."""
    real = partition(ImitationTarget(clock=clock), clock_ratio=clock)
    begin = real.now()
    real.compute(1.0)
    assert real.now() - begin == pytest.approx(1e-3)
    assert real.inside_seconds == pytest.approx(1e-3 * clock)
    assert real.outside_seconds == pytest.approx(2e-3)


def test_time_passes_while_a_user_thinks():
    real = partition()
    real.wait(0.01)
    assert real.now() == pytest.approx(0.01)


@given(st.integers(1, 5 * LARGEST_BYTES))
def test_transfers_have_whole_sectors_and_no_more_than_an_agent_does(size):
    target = ImitationTarget()
    partition(target).read(size)
    done = {bytes_: count for (_, bytes_), count in target.done.items()}
    assert all(bytes_ % 4096 == 0 and 0 < bytes_ <= LARGEST_BYTES for bytes_ in done)
    assert 0 <= sum(bytes_ * count for bytes_, count in done.items()) - size < 4096


def test_reads_and_writes_go_past_the_cache():
    target = ImitationTarget()
    partition(target).read(4096, 77)
    partition(target).write(8192)
    assert target.done == {("direct_reads", 4096): 1, ("direct_writes", 8192): 1}


def test_streams_and_messages_go_over_the_network():
    real = partition()
    real.send(1000, "outside")
    real.receive(1000, "outside")
    real.exchange(300, 700, "next")
    assert {(event.request, event.size): n for event, n in real.done.items()} == {
        ("network", 500): 3
    }


def test_a_request_that_is_served_is_an_exchange_and_computing():
    real = partition()
    real.serve(300, 700)
    assert [(event.request, event.size) for event in real.done] == [("network", 500)]
    real.serve(300, 700, 0.002, {"calls": 10.0})
    asked = {event.request: number for event, number in real.done.items()}
    assert asked["network"] == 2
    alone = partition()
    alone.compute(0.002, {"calls": 10.0})
    assert asked == {"network": 2, **{each.request: n for each, n in alone.done.items()}}


def test_a_program_that_is_not_known_is_refused():
    with pytest.raises(RefusalError, match="no program 'emacs'; known: compile"):
        partition().run("emacs")


def test_a_program_that_fails_is_refused_with_its_complaint():
    with pytest.raises(RefusalError, match="gzip failed with status 1: it does not compile"):
        partition(ImitationTarget(status=1)).run("gzip")


def test_a_program_must_put_out_what_it_put_out_before():
    outputs = {"gzip": (10, "other")}
    with pytest.raises(RefusalError, match="gzip: its output is not that of its first run"):
        partition(outputs=outputs).run("gzip")
    partition(outputs=outputs).run("xz")
    assert outputs["xz"] == (10, "abc")
