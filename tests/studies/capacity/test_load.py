from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.capacity.load import STEPS_PER_OCTAVE, at_load, factor


def test_an_octave_is_twice_the_load():
    assert factor(0) == 1.0
    assert factor(STEPS_PER_OCTAVE) == 2.0
    assert factor(-STEPS_PER_OCTAVE) == 0.5


@pytest.fixture(scope="module")
def cell(shipped_cells):
    return shipped_cells[0]


def groups(cell):
    return [group for part in cell.nominal_system.partitions for group in part.groups]


@given(level=st.integers(-64, 48), users=st.integers(1, 500))
def test_closed_users_become_so_many_times_as_many_and_at_least_one(cell, level, users):
    closed = with_group(cell, users=users, arrivals_per_second=None)
    for group in groups(at_load(closed, level)):
        assert group.users == max(1, round(users * factor(level)))
        assert group.arrivals_per_second is None


@given(level=st.integers(-64, 48), rate=st.floats(0.1, 1e5))
def test_open_arrivals_come_so_many_times_as_often(cell, level, rate):
    opened = with_group(cell, users=None, arrivals_per_second=rate)
    for group in groups(at_load(opened, level)):
        assert group.arrivals_per_second == rate * factor(level)
        assert group.users is None


@given(level=st.integers(-64, 48))
def test_a_run_sees_at_least_as_many_transactions_as_the_campaigns(cell, level):
    longer = at_load(cell, level).duration_seconds / cell.duration_seconds
    assert longer == pytest.approx(max(1.0, 1.0 / factor(level)))
    assert longer * factor(level) >= 1.0 - 1e-12


def test_the_campaigns_own_load_is_the_campaigns_own_cell(cell):
    assert at_load(cell, 0).digest == cell.digest


def with_group(cell, **changes):
    partitions = tuple(
        replace(part, groups=tuple(replace(group, **changes) for group in part.groups))
        for part in cell.nominal_system.partitions
    )
    return replace(cell, nominal_system=replace(cell.nominal_system, partitions=partitions))
