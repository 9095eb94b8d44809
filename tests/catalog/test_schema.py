import datetime
import re
from typing import Any

import pytest
from pydantic import ValidationError

from harness.catalog.constant import Status
from harness.catalog.schema import Entry

BASE = {"source": "a book", "status": "verified"}


def entry(**keys: Any) -> Entry:
    return Entry.model_validate({**BASE, **keys})


def test_a_number_becomes_si() -> None:
    made = entry(
        value=3, unit="us", low=1, high=10.5, status="assumed", meaning="A switch."
    ).constant(("hypervisor", "vp_switch"))
    assert made.name == "hypervisor.vp_switch"
    assert (made.value, made.low, made.high, made.unit) == (3e-6, 1e-6, 10.5e-6, "s")
    assert (made.published, made.published_range) == ("3 us", "1 .. 10.5 us")
    assert made.status is Status.ASSUMED
    assert made.meaning == "A switch."


def test_without_a_range_nothing_is_uncertain() -> None:
    made = entry(value=[1, 2], unit="KiB").constant(("a",))
    assert made.value == made.low == made.high == (1024.0, 2048.0)
    assert not made.uncertain
    assert made.published_range == ""


def test_a_single_end_of_a_range_is_enough() -> None:
    made = entry(value=87, unit="cycles", high=92).constant(("a",))
    assert (made.low, made.high) == (87.0, 92.0)


def test_a_clock_makes_cycles_of_a_time() -> None:
    made = entry(value=7.45, unit="us", clock="733 MHz", high=8).constant(("a",))
    assert made.value == pytest.approx(7.45 * 733)
    assert made.high == pytest.approx(8 * 733)
    assert made.unit == "cycles"
    assert made.published == "7.45 us at 0.733 GHz"


def test_a_table_has_its_points_in_si() -> None:
    made = entry(value=[16, 32], unit="MiB", at=[0, 4], at_unit="GiB").constant(("a",))
    assert made.at == (0.0, 4.0 * 2**30)
    assert made.at_unit == "B"


@pytest.mark.parametrize(
    ("value", "published"),
    [("RAID", "RAID"), (True, "yes"), (False, "no"), (["a", "b"], "a, b")],
)
def test_texts_and_truth_values_need_no_unit(value: Any, published: str) -> None:
    made = entry(value=value, status="recalled").constant(("a",))
    assert made.value == (tuple(value) if isinstance(value, list) else value)
    assert made.unit == ""
    assert made.published == published
    assert not made.uncertain


def test_a_definition_needs_no_range() -> None:
    made = entry(value=8, unit="KiB", status="assumed", by_definition=True).constant(("a",))
    assert not made.uncertain


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"value": 1}, 'a number needs a unit; write unit = ""'),
        ({"value": 1, "unit": "furlong"}, "unknown unit 'furlong'"),
        ({"value": 1, "unit": "s", "at": [1]}, "'at' goes with a list"),
        ({"value": [1, 2], "unit": "s", "at": [1]}, "'at' has 1 numbers and 'value' 2"),
        ({"value": [1, 2], "unit": "s", "at": [2, 1]}, "a list of numbers that rise"),
        ({"value": [1, 2], "unit": "s", "low": 1}, "'low' has 1 numbers and 'value' 2"),
        ({"value": 5, "unit": "s", "high": 4}, "low <= value <= high does not hold: 5, 5, 4"),
        ({"value": 5, "unit": "s", "low": 6}, "low <= value <= high does not hold"),
        ({"value": 5, "unit": "s", "status": "recalled"}, "it is recalled, so that it needs"),
        ({"value": 5, "unit": "s", "status": "assumed"}, "it is assumed, so that it needs"),
        ({"value": 5, "unit": "B", "clock": "1 GHz"}, "'B' is no time"),
        ({"value": 5, "unit": "s", "clock": 2.4}, "needs a unit, for instance '1.65 GHz'"),
        ({"value": "x", "unit": "s"}, "'unit' goes with numbers"),
        ({"value": True, "low": 0}, "'low' goes with numbers"),
        ({"value": []}, "the list 'value' is empty"),
        ({"value": [1, "a"], "unit": "s"}, "numbers only or texts only"),
        ({"value": [True, 1.0], "unit": "s"}, "numbers only or texts only"),
        ({"value": float("nan"), "unit": "s"}, "write a number, a text"),
        ({"value": 10**400, "unit": "s"}, "write a number, a text"),
        ({"value": datetime.date(2007, 4, 2)}, "write a number, a text"),
        ({"value": 1, "unit": "s", "low": "0"}, "write a number or a list of numbers"),
        ({"value": 1, "unit": "s", "status": "guessed"}, "'verified', 'recalled' or 'assumed'"),
        ({"value": 1, "unit": "s", "source": "  "}, "should match pattern"),
        ({"value": 1, "unit": "s", "sources": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_what_does_not_load(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        entry(**keys)


@pytest.mark.parametrize("missing", ["source", "status"])
def test_source_and_status_are_required(missing: str) -> None:
    written = {key: text for key, text in BASE.items() if key != missing}
    with pytest.raises(ValidationError, match=missing):
        Entry.model_validate({**written, "value": "x"})
