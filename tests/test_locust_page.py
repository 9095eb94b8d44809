"""Locust's own statistics, fine enough."""

import csv
import importlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust import stats
from locust.env import Environment

from harness.locust_page import another_command, fine_bucket, fine_numbers


def entry(*milliseconds: float) -> stats.StatsEntry:
    found = stats.RequestStats()
    for each in milliseconds:
        found.log_request("GET", "a", each, 0)
    return found.total


@given(st.floats(1e-3, 1e7))
def test_no_response_time_is_off_by_more_than_half_a_per_cent(milliseconds):
    assert fine_bucket(milliseconds) == pytest.approx(milliseconds, rel=0.005)


@given(st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_as_exact(milliseconds, share):
    with fine_numbers():
        shown = entry(*milliseconds).get_response_time_percentile(share)
    exact = stats.calculate_response_time_percentile(
        {each: milliseconds.count(each) for each in milliseconds}, len(milliseconds), share
    )
    assert shown == pytest.approx(exact, rel=0.005)


def test_buckets_are_few_enough_to_keep():
    assert len({fine_bucket(1.0 + index / 1e4) for index in range(90_000)}) <= 901


def test_what_takes_less_than_a_millisecond_is_not_shown_as_nothing():
    times = [0.31, 0.32, 0.4567]
    with fine_numbers():
        shown = entry(*times).to_dict()
        assert shown["median_response_time"] == 0.32
        assert shown["min_response_time"] == 0.31
        assert shown["max_response_time"] == shown["response_time_percentile_0.99"] == 0.457
    assert entry(*times).to_dict()["max_response_time"] == 0  # as Locust has it: put back


def test_the_csv_file_has_fractions_too():
    environment = Environment()
    environment.create_local_runner()
    for milliseconds in (0.31, 0.32, 0.4567):
        environment.events.request.fire(
            request_type="GET",
            name="a",
            response_time=milliseconds,
            response_length=0,
            exception=None,
            context={},
        )
    with fine_numbers():
        out = io.StringIO()
        # Buckets are made when times come in: those above are Locust's own, all of them 0.
        environment.stats.total.response_times = {0.31: 1, 0.32: 1, 0.457: 1}
        stats.StatsCSV(environment, [0.5, 1.0]).requests_csv(csv.writer(out))
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert (rows[-1]["50%"], rows[-1]["100%"]) == ("0.32", "0.457")


def test_the_page_does_not_read_our_command_line():
    module = importlib.import_module("locust.argument_parser")
    before = module.ui_extra_args_dict
    with another_command():
        assert module.ui_extra_args_dict() == {}
    assert module.ui_extra_args_dict is before
