import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.ddsketch import Digest
from harness.results.packed_result import pack, unpack, unpack_measures, unpack_names
from harness.results.run_result import RunResult

labels = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(
    samples=st.lists(st.tuples(st.text(max_size=8), labels, numbers), max_size=5),
    responses=st.lists(st.integers(1, 10**12), max_size=20),
    timeline=st.lists(st.tuples(numbers, st.text(max_size=8), labels, numbers), max_size=3),
)
def test_a_result_survives_packing(samples, responses, timeline):
    digest = Digest()
    for ns in responses:
        digest.add(ns)
    result = RunResult(samples, {"app1/g/n": digest}, 0.1, 2.5, len(responses), timeline)

    packed = pack(result)
    names = unpack_names(packed.names)
    again = unpack(names, packed.sample_values, packed.result, packed.digests)

    assert again.samples == samples
    assert again.timeline == timeline
    assert again.digests["app1/g/n"].occupied() == digest.occupied()
    assert again.digests["app1/g/n"].count == len(responses)
    assert (again.warm_up_seconds, again.measured_seconds) == (0.1, 2.5)
    assert again.to_json() == result.to_json()
    assert unpack_measures(packed.measures) == result.measures()
    short = unpack(names, packed.sample_values, packed.result, None)
    assert (short.samples, short.digests) == (samples, {})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_finite_number_is_no_result(value):
    with pytest.raises(ValueError, match="JSON"):
        pack(RunResult([("a", {}, value)], {}, 0.0, 1.0, 0))


def test_as_many_values_as_names_belong_to_a_result():
    packed = pack(RunResult([("a", {}, 1.0), ("b", {}, 2.0)], {}, 0.0, 1.0, 0))
    with pytest.raises(ValueError, match="zip"):
        unpack(unpack_names(packed.names)[:1], packed.sample_values, packed.result, None)
