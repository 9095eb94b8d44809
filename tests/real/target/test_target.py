"""Targets that are up: this machine, and a guest without hardware help."""

import os
import signal
import time
from pathlib import Path

import pytest

from harness.real.host.cpu_time import tree_seconds
from harness.real.microbenchmarks import EVENTS, Microbenchmark
from harness.real.target.channel import RefusalError, TargetError


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_more_events_take_longer_by_the_targets_clock(native, event):
    few, many = (min(native.measure(event, n).inside_seconds for _ in range(3)) for n in (1, 200))
    assert 0 < few < many


def test_the_processor_time_of_children_and_partners_counts(native, event):
    before = tree_seconds(native.pid)
    inside = native.measure(event("execs"), 300).inside_seconds
    alone = time.clock_gettime((~native.pid << 3) | 2)
    assert tree_seconds(native.pid) - before > 0
    assert tree_seconds(native.pid) > alone, "children that were waited for"
    assert inside > 0


def test_what_children_took_is_told_finer_than_in_ticks(native, event):
    """Two forks take well below a tick of 10 ms, and something."""
    taken = [native.measure(event("forks"), 2).processor_seconds for _ in range(20)]
    assert 0.0 < sum(taken) / len(taken) < 0.01
    assert sum(0.0 < seconds < 0.009 for seconds in taken) >= 15


def test_an_agent_refuses_what_it_cannot_do_and_goes_on(native, event):
    for wrong in (Microbenchmark("x", "none", 0, ""), Microbenchmark("x", "calls", 1 << 40, "")):
        with pytest.raises(RefusalError, match="no "):
            native.measure(wrong, 1)
    assert native.measure(event("calls"), 1).inside_seconds >= 0


def test_a_target_that_is_killed_says_so(native, event):
    os.kill(native.pid, signal.SIGKILL)
    with pytest.raises(TargetError, match="killed by signal 9"):
        native.measure(event("calls"), 1)


def test_a_target_that_stops_answering_is_given_up(native, event, monkeypatch):
    monkeypatch.setattr("harness.real.target.target.ANSWER_SECONDS", 0.2)
    os.kill(native.pid, signal.SIGSTOP)
    with pytest.raises(TargetError, match=r"no answer to 'children' within 0\.2 s"):
        native.measure(event("calls"), 1)
    os.kill(native.pid, signal.SIGCONT)
    # A late answer is not taken for the answer to another request.
    with pytest.raises(TargetError, match=r"no answer to 'children' within 0\.2 s"):
        native.channel_seconds()


def test_a_guest_boots_answers_and_does_every_event(guest):
    assert guest.machine == "x86_64"
    assert any(guest.kernel in kernel.name for kernel in Path("/boot").glob("vmlinuz-*"))
    assert guest.channel_seconds() > 0
    for one in EVENTS:
        try:
            sample = guest.measure(one, 20)
        except RefusalError as reason:
            # A guest that was given no programs has no shell.
            assert (one.name, "/bin/sh" in str(reason)) == ("shells", True)
            continue
        assert sample.inside_seconds > 0, one.name
    assert tree_seconds(guest.pid) > 0


def test_a_target_that_was_ended_does_not_answer(native):
    native.end()
    with pytest.raises(TargetError, match="killed by signal 9"):
        native.channel_seconds()
