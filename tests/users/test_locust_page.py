"""Locust's own statistics, fine enough."""

import csv
import importlib
import io
import math

import gevent
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from locust import User, stats
from locust.env import Environment

from harness.users.locust_page import (
    MAX_USERS,
    another_command,
    fine_bucket,
    fine_numbers,
    limit_swarms,
)


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


TIMES = st.lists(
    st.one_of(
        st.floats(0.0, 1.0), st.floats(0.0, 1e5), st.sampled_from([0.305, 0.3124, 0.3126, 0.315])
    ),
    min_size=1,
    max_size=50,
)
COLUMNS = (
    "min_response_time",
    "median_response_time",
    "response_time_percentile_0.95",
    "response_time_percentile_0.99",
    "max_response_time",
)


def as_the_page_rounds(value: float) -> float:
    """What its code makes of medians and means."""
    return math.floor(value * 100 + 0.5) / 100


@given(TIMES)
@example([0.305, 0.305])
@example([0.3124] * 3)
@example([0.3126] * 3)
def test_the_columns_of_a_row_are_in_order(milliseconds):
    with fine_numbers():
        row = entry(*milliseconds).to_dict()
    shown = [row[name] for name in COLUMNS]
    assert shown == sorted(shown)
    # The page rounds some columns once more: that must change nothing.
    assert [as_the_page_rounds(value) for value in shown] == shown
    assert shown[0] <= row["avg_response_time"] <= shown[-1]
    assert as_the_page_rounds(row["avg_response_time"]) == row["avg_response_time"]
    assert shown[0] == pytest.approx(min(milliseconds), abs=0.005 + 1e-9)
    assert shown[-1] == pytest.approx(max(milliseconds), abs=0.005 + 1e-9)


@given(TIMES)
@example([0.3124] * 3)
def test_the_columns_of_the_csv_file_are_in_order(milliseconds):
    environment = Environment()
    environment.create_local_runner()
    out = io.StringIO()
    with fine_numbers():
        for each in milliseconds:
            environment.stats.log_request("GET", "a", each, 0)
        stats.StatsCSV(environment, [0.5, 0.95, 0.99, 1.0]).requests_csv(csv.writer(out))
    for row in csv.DictReader(io.StringIO(out.getvalue())):
        median = float(row["Median Response Time"])
        extremes = float(row["Min Response Time"]), float(row["Max Response Time"])
        percentiles = [float(row[name]) for name in ("50%", "95%", "99%", "100%")]
        assert percentiles == sorted(percentiles)
        assert median == percentiles[0]
        assert extremes == (min(milliseconds), max(milliseconds))
        assert extremes[0] <= percentiles[0] <= percentiles[-1] <= extremes[1]


def test_buckets_are_few_enough_to_keep():
    assert len({fine_bucket(1.0 + index / 1e4) for index in range(90_000)}) <= 901


def test_what_takes_less_than_a_millisecond_is_not_shown_as_nothing():
    times = [0.31, 0.32, 0.4567]
    with fine_numbers():
        shown = entry(*times).to_dict()
        assert shown["median_response_time"] == 0.32
        assert shown["min_response_time"] == 0.31
        assert shown["max_response_time"] == shown["response_time_percentile_0.99"] == 0.46
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
    assert (rows[-1]["50%"], rows[-1]["100%"]) == ("0.32", "0.4567")


def test_the_page_does_not_read_our_command_line():
    module = importlib.import_module("locust.argument_parser")
    before = module.ui_extra_args_dict
    with another_command():
        assert module.ui_extra_args_dict() == {}
    assert module.ui_extra_args_dict is before


class Idle(User):
    """Does nothing."""


@pytest.fixture
def page():
    """Locust's page with limits, without a server: a client of it, and what it has started."""
    environment = Environment(user_classes=[Idle])
    runner = environment.create_local_runner()
    begun = []
    runner.start = lambda users, rate: begun.append((users, rate))
    with another_command():
        web = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
        limit_swarms(web.app)
        yield web.app.test_client(), begun


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "user_count: must be a whole number from 0 to 10000"),
        *(
            ({"user_count": users, "spawn_rate": "1"}, "user_count: must be")
            for users in (
                "100000000",
                "10001",
                "-1",
                "1.5",
                "1e3",
                "nan",
                "inf",
                "",
                "x",
                "9" * 9000,
            )
        ),
        ({"user_count": "1"}, "spawn_rate: must be a number from 0.01 to 10000"),
        *(
            ({"user_count": "1", "spawn_rate": rate}, "spawn_rate: must be")
            for rate in ("1e9", "0", "-1", "1e-300", "nan", "inf", "-inf", "", "x", "1,5")
        ),
        *(
            ({"user_count": "1", "spawn_rate": "1", "run_time": time}, "run_time: must be")
            for time in ("x", "-1", "8761h", "99999999999999h", "9" * 9000, "1.5h", "nan")
        ),
    ],
)
def test_a_test_that_cannot_be_started_is_refused_with_a_word(page, form, told):
    client, begun = page
    answer = client.post("/swarm", data=form)
    assert answer.status_code == 422
    assert answer.json["message"].startswith(told)
    # What Locust's page shows comes with success as HTTP has it.
    shown = client.post("/swarm", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert shown.status_code == 200
    assert shown.json == answer.json == {"success": False, "message": answer.json["message"]}
    gevent.sleep(0)
    assert begun == []


@pytest.mark.parametrize(
    ("form", "started"),
    [
        ({"user_count": "0", "spawn_rate": "1"}, (0, 1.0)),
        ({"user_count": str(MAX_USERS), "spawn_rate": str(MAX_USERS)}, (MAX_USERS, MAX_USERS)),
        ({"user_count": "7", "spawn_rate": "0.01", "run_time": "8760h"}, (7, 0.01)),
        ({"user_count": "7", "spawn_rate": "1", "run_time": "", "host": "x"}, (7, 1.0)),
    ],
)
def test_a_test_within_the_limits_is_started(page, form, started):
    client, begun = page
    answer = client.post("/swarm", data=form)
    assert (answer.status_code, answer.json["success"]) == (200, True)
    gevent.sleep(0)
    assert begun == [started]


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_whatever_a_form_holds_is_answered_with_a_word(users, rate, time):
    environment = Environment(user_classes=[Idle])
    web = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
    limit_swarms(web.app)
    form = {"user_count": users, "spawn_rate": rate, "run_time": time}
    assert web.app.test_client().post("/swarm", data=form).status_code in (200, 422)


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"user_class_name": "Idle", "weight": -1}'])
def test_user_classes_are_not_changed_from_the_page(page, body):
    answer = page[0].post("/user", data=body)
    assert (answer.status_code, answer.text) == (
        403,
        "user classes are the campaign's: change its file",
    )
