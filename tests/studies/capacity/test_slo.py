import pytest

from harness.errors import UserError
from harness.studies.capacity.slo import Limit, limit_of


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("p95 2 x", Limit("p95", 2.0)),
        ("p99 1.5x", Limit("p99", 1.5)),
        ("p50 20 ms", Limit("p50", 0.0, 0.02)),
        (" p99 1 s ", Limit("p99", 0.0, 1.0)),
    ],
)
def test_a_limit_is_a_quantile_and_a_multiple_or_a_time(text, limit):
    assert limit_of(text) == limit


@pytest.mark.parametrize(
    "text", ["", "p95", "p95 0 ms", "p95 1 x", "p95 x", "p90 2 x", "2 x", "p95 -3 s", "p95 3 MiB"]
)
def test_what_is_no_limit_is_told_with_one_that_is(text):
    with pytest.raises(UserError, match=r"--limit .*'p99 20 ms'"):
        limit_of(text)
