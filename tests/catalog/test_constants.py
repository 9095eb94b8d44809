import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalog import Constants, Value, load_catalog
from harness.catalog.constants import NotedConstants

VALUES: dict[str, Value] = {
    "b.number": 2.0,
    "a.table": (10.0, 20.0, 50.0),
    "a.text": "physical",
    "a.flag": True,
    "a.texts": ("x", "y"),
    "a.falling": (9.0, 1.0),
    "a.point": (7.0,),
}
POINTS = {"a.table": (100.0, 200.0, 300.0), "a.falling": (1500.0, 9000.0), "a.point": (5.0,)}


@pytest.fixture
def constants() -> Constants:
    return Constants(VALUES, POINTS)


def test_it_is_a_mapping_sorted_by_name(constants: Constants) -> None:
    assert list(constants) == sorted(VALUES)
    assert dict(constants) == VALUES
    with pytest.raises(KeyError, match=r"a\.tabel"):
        constants["a.tabel"]


def test_typed_reading(constants: Constants) -> None:
    assert constants.number("b.number") == 2.0
    assert constants.text("a.text") == "physical"
    assert constants.flag("a.flag") is True
    for read, name in (
        (constants.number, "a.flag"),
        (constants.number, "a.table"),
        (constants.text, "b.number"),
        (constants.flag, "a.text"),
    ):
        with pytest.raises(TypeError, match=name):
            read(name)


def test_tables(constants: Constants) -> None:
    assert constants.table("a.table") == ((100.0, 200.0, 300.0), (10.0, 20.0, 50.0))
    with pytest.raises(KeyError):
        constants.table("b.number")


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("a.table", 100, 10.0),
        ("a.table", 300, 50.0),
        ("a.table", 150, 15.0),
        ("a.table", 275, 42.5),
        ("a.table", 1, 10.0),  # below the first point: its value
        ("a.table", 400, 80.0),  # beyond the last: the last slope
        ("a.falling", 9500, 1 - 8 * 500 / 7500),
        ("a.falling", 20_000, 0.0),  # never negative
        ("a.point", 1000, 7.0),
    ],
)
def test_interpolation(constants: Constants, name: str, x: float, expected: float) -> None:
    assert constants.interpolate(name, x) == pytest.approx(expected)


@given(st.floats(min_value=0, max_value=1000), st.floats(min_value=0, max_value=1000))
def test_a_rising_table_reads_rising(a: float, b: float) -> None:
    constants = Constants(VALUES, POINTS)
    low, high = sorted((a, b))
    below, above = (constants.interpolate("a.table", x) for x in (low, high))
    assert below <= above + 1e-9


def test_the_digest_tells_values_and_points_apart(constants: Constants) -> None:
    reordered = dict(reversed(VALUES.items()))
    assert Constants(reordered, POINTS).digest() == constants.digest()
    for name, other in (("b.number", 2.0000000000000004), ("a.text", "logical"), ("a.flag", False)):
        assert Constants({**VALUES, name: other}, POINTS).digest() != constants.digest()
    moved = {**POINTS, "a.point": (6.0,)}
    assert Constants(VALUES, moved).digest() != constants.digest()


def test_it_travels_to_other_processes(constants: Constants) -> None:
    copy = pickle.loads(pickle.dumps(constants))
    assert dict(copy) == dict(constants)
    assert copy.digest() == constants.digest()
    assert copy.interpolate("a.table", 150) == 15.0


def test_numbers_and_whole_tables_can_be_multiplied() -> None:
    nominal = load_catalog().nominal()
    names = ("hypervisor.call.null", "vios.vscsi.cycles.physical")
    dearer = nominal.multiplied(names, 3.0)
    assert dearer.number(names[0]) == 3.0 * nominal.number(names[0])
    at, entries = nominal.table(names[1])
    assert dearer.table(names[1]) == (at, tuple(3.0 * entry for entry in entries))
    assert {name for name in nominal if dearer[name] != nominal[name]} == set(names)
    assert dearer.digest() != nominal.digest()
    with pytest.raises(KeyError):
        nominal.changed({"hypervisor.no_such": 1.0})


def test_noted_constants_know_what_was_asked_of_them_however_it_was_asked() -> None:
    nominal = load_catalog().nominal()
    noted = NotedConstants(nominal)
    assert noted.read == set()
    assert noted.digest() == nominal.digest()
    noted.number("hypervisor.call.null")
    noted["hypervisor.wake"]
    noted.interpolate("vios.vscsi.cycles.physical", 4096.0)
    noted.flag("hosted.host.wake_preemption")
    noted.text("os.aix-5.3.title")
    assert noted.read == {
        "hypervisor.call.null",
        "hypervisor.wake",
        "vios.vscsi.cycles.physical",
        "hosted.host.wake_preemption",
        "os.aix-5.3.title",
    }
