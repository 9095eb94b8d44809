import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.capacity.search import Search


def searched(highest_passing: int, lowest: int = -64, highest: int = 48, stride: int = 16):
    """Search where everything up to a level passes; return the search and its trials."""
    search = Search(lowest, highest, stride)
    tried = []
    while (level := search.level) is not None:
        tried.append(level)
        search.record(level, passed=level <= highest_passing)
    return search, tried


@given(st.integers(-64, 47))
def test_it_ends_with_neighbours_of_which_one_passes(border):
    search, tried = searched(border)
    assert (search.passed, search.failed) == (border, border + 1)
    assert len(tried) == len(set(tried))
    assert all(-64 <= level <= 48 for level in tried)


def test_it_takes_few_trials_near_the_campaigns_load():
    # A step, and four halvings of sixteen levels.
    assert max(len(searched(border)[1]) for border in range(-16, 16)) <= 6
    assert max(len(searched(border)[1]) for border in range(-64, 48)) <= 9


@pytest.mark.parametrize("border", [-65, -100])
def test_where_nothing_passes_nothing_is_known_to(border):
    search, tried = searched(border)
    assert (search.passed, search.failed) == (None, -64)
    assert tried[-1] == -64


@pytest.mark.parametrize("border", [48, 1000])
def test_where_everything_passes_nothing_is_known_to_fail(border):
    search, _ = searched(border)
    assert (search.passed, search.failed) == (48, None)
