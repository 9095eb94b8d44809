import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from harness import units

WRITABLE = [
    (dimension, unit)
    for dimension, allowed in units.DIMENSIONS.items()
    for unit in allowed.units
    if unit
]
NUMBERS = st.floats(min_value=1e-6, max_value=1e9)
TYPES: list[tuple[Any, str]] = [
    (units.Seconds, "time"),
    (units.Hertz, "frequency"),
    (units.Rate, "rate"),
    (units.Bytes, "size"),
    (units.Ratio, "ratio"),
]


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("20 ms", "time", 0.02),
        ("33us", "time", 33e-6),
        (" 2 min ", "time", 120.0),
        ("1 h", "time", 3600.0),
        ("30 d", "time", 2_592_000.0),
        ("1.65 GHz", "frequency", 1.65e9),
        ("400 /s", "rate", 400.0),
        ("90 /min", "rate", 1.5),
        ("1000 Hz", "rate", 1000.0),
        ("8 KiB", "size", 8192.0),
        ("8 KB", "size", 8000.0),
        ("1.875 MiB", "size", 15_360 * 128.0),
        ("1 Gb/s", "bandwidth", 125e6),
        ("100 Mb/s", "bandwidth", 12.5e6),
        ("24.3 MiB/s", "bandwidth", 25_480_396.8),
        ("1 GB/s", "bandwidth", 1e9),
        ("10 %", "ratio", 0.1),
        (0.1, "ratio", 0.1),
        (24, "count", 24.0),
        ("0.25 cores", "cores", 0.25),
        ("45000 cycles", "cycles", 45_000.0),
        ("8.5 cycles/B", "cycles/B", 8.5),
        ("1.2 kW", "power", 1200.0),
    ],
)
def test_quantities_in_si(text: str | float, dimension: str, expected: float) -> None:
    assert units.parse_quantity(text, dimension) == expected


@given(st.integers(min_value=0, max_value=10**9))
def test_the_same_time_written_differently_is_the_same_float(number: int) -> None:
    assert units.parse_quantity(f"{number} us", "time") == float(f"{number}e-6")
    assert units.parse_quantity(f"{number} us", "time") == units.parse_quantity(
        f"{number}e-3 ms", "time"
    )
    assert units.parse_quantity(f"{number} KiB", "size") == number * 1024


@given(NUMBERS, st.sampled_from(WRITABLE))
def test_number_and_unit_together_or_apart(number: float, written: tuple[str, str]) -> None:
    dimension, unit = written
    assert units.parse_quantity(f"{number!r} {unit}", dimension) == units.to_si(number, unit)[0]


@given(NUMBERS, st.sampled_from(WRITABLE))
def test_back_and_forth(number: float, written: tuple[str, str]) -> None:
    dimension, unit = written
    there = units.parse_quantity(f"{number!r} {unit}", dimension)
    back = there / units.parse_quantity(f"1 {unit}", dimension)
    assert math.isclose(back, number, rel_tol=1e-12)


@pytest.mark.parametrize("dimension", units.DIMENSIONS)
def test_every_dimension_has_its_si_unit_and_an_example(dimension: str) -> None:
    assert units.parse_quantity(units.DIMENSIONS[dimension].example, dimension) > 0
    assert math.isclose(
        min(abs(units.parse_quantity(f"1 {u}", dimension) - 1) for u in _si(dimension)), 0
    )


def _si(dimension: str) -> list[str]:
    return [unit for unit in units.DIMENSIONS[dimension].units if unit]


@pytest.mark.parametrize(
    ("unit", "dimension"),
    [("ms", "time"), ("GHz", "frequency"), ("/s", "rate"), ("KiB", "size"), ("b/s", "bandwidth"),
     ("%", "ratio"), ("", "ratio"), ("count", "count"), ("cycles/B", "cycles/B"), ("W", "power")],
)  # fmt: skip
def test_a_unit_tells_its_dimension(unit: str, dimension: str) -> None:
    assert units.dimension_of(unit) == dimension


def test_an_unknown_unit_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"unknown unit 'furlong'; known are .*GHz.*"):
        units.to_si(1.0, "furlong")


@pytest.mark.parametrize(
    ("quantity", "dimension", "message"),
    [
        ("20 kg", "time", "'20 kg' has the unit 'kg', but a time is written in s, ms, us"),
        ("8 K", "size", "'8 K' has the unit 'K', but a size is written in B, KB, MB"),
        ("20 MS", "time", "has the unit 'MS'"),
        (20, "time", "20 needs a unit, for instance '20 ms'"),
        ("20", "size", "'20' needs a unit, for instance '8 KiB'"),
        ("fast", "bandwidth", "'fast' is no bandwidth; write '24.3 MiB/s'"),
        ("", "time", "is no time"),
        (True, "ratio", "True is no ratio"),
        (math.nan, "ratio", "nan is no ratio"),
        ("1e999 h", "time", "too large"),
    ],
)
def test_what_is_no_quantity_is_told_what_would_be(
    quantity: str | float, dimension: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        units.parse_quantity(quantity, dimension)


@pytest.mark.parametrize(("kind", "dimension"), TYPES)
def test_types_read_what_parse_reads(kind: Any, dimension: str) -> None:
    example = units.DIMENSIONS[dimension].example
    assert TypeAdapter(kind).validate_python(example) == units.parse_quantity(example, dimension)


def test_sizes_become_whole_numbers() -> None:
    size = TypeAdapter[int](units.Bytes).validate_python("1.5 KiB")
    assert size == 1536
    assert isinstance(size, int)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (units.Seconds, 20, "needs a unit, for instance '20 ms'"),
        (units.Seconds, "-1 s", "is negative"),
        (units.Seconds, None, "None is no time; write '20 ms'"),
        (units.Bytes, "0.3 B", "not a whole number of bytes"),
        (units.Ratio, "10 ms", "has the unit 'ms', but a ratio is written in"),
        (units.Rate, True, "True is no rate"),
    ],
)
def test_types_refuse(kind: Any, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        TypeAdapter(kind).validate_python(value)


@given(
    st.sampled_from(TYPES),
    st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["", " ", "  "]),
    st.sampled_from([unit for _, unit in WRITABLE] + ["", "K", "sec", "ms/s"]),
)
def test_the_schema_accepts_what_the_parser_accepts(
    kind: tuple[Any, str], number: str, space: str, unit: str
) -> None:
    schema = TypeAdapter(kind[0]).json_schema()
    pattern = next(
        form["pattern"] for form in schema.get("anyOf", [schema]) if form["type"] == "string"
    )
    text = f"{number}{space}{unit}"
    try:
        units.parse_quantity(text, kind[1])
    except ValueError:
        parsed = False
    else:
        parsed = True
    assert (re.search(pattern, text) is not None) == parsed


@given(
    st.floats(-1e12, 1e12), st.sampled_from([("B", "size"), ("B/s", "bandwidth"), ("s", "time")])
)
def test_an_amount_can_be_read_again(number, kind):
    text = units.amount(number, kind[0]).replace(",", "")
    assert units.parse_quantity(text, kind[1]) == pytest.approx(number, rel=1e-3)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0023, "s", "2.3 ms"),
        (3.2e-5, "s", "32 us"),
        (0.0, "s", "0 s"),
        (-0.002, "s", "-2 ms"),
        (24.3e6, "B/s", "24.3 MB/s"),
        (8589934592.0, "B", "8 GiB"),
        (1023.0, "B", "1,023 B"),
        (-2048.0, "B", "-2 KiB"),
        (0.0, "B", "0 B"),
        (0.05, "ratio", "5 %"),
        (0.0, "ratio", "0 %"),
        (1234.0, "count", "1,234"),
        (120_000.0, "cycles", "120,000 cycles"),
        (735.078, "/s", "735.1 /s"),
    ],
)
def test_amounts_read_as_people_write_them(value, unit, text):
    assert units.amount(value, unit) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0 %"),
        (0.1, "10 %"),
        (0.95, "95 %"),
        (0.03456, "3.46 %"),
        (0.3456, "34.6 %"),
        (-0.00123, "-0.12 %"),
        (12.3456, "1235 %"),
        (math.inf, "any value"),
        (1.0, "100 %"),
        (0.00001, "0 %"),
    ],
)
def test_per_cent(ratio: float, text: str) -> None:
    assert units.percent(ratio) == text
