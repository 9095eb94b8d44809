from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.campaign.cell import sha256_of
from workloads.loading import UserFile

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), values, min_size=2))
def test_a_hash_does_not_depend_on_the_order_of_keys(value):
    backwards = dict(reversed(value.items()))
    assert sha256_of(backwards) == sha256_of(value)


def test_floats_that_differ_in_the_last_digit_differ():
    assert sha256_of({"a": 0.1 + 0.2}) != sha256_of({"a": 0.3})


def test_everything_in_a_spec_that_decides_a_result_changes_its_identity(plan):
    spec = plan.runs()[0]
    other = plan.runs()[1]
    changes = [
        {"cell": replace(spec.cell, duration_seconds=7.0)},
        {"cell": replace(spec.cell, warm_up_seconds=None)},
        {"cell": replace(spec.cell, nominal_system=other.cell.nominal_system)},
        {"replication": 7},
        {"seed": 7},
        {"constants_digest": "7"},
        {"files": (UserFile("more.py", "0" * 64),)},
        {"starts": spec.starts.replace(year=1999)},
        {"model": "7"},
    ]
    identities = {replace(spec, **change).identity for change in changes}
    assert len(identities) == len(changes)
    assert spec.identity not in identities
    assert replace(spec, cell_position=7).identity == spec.identity


def test_parameters_hold_every_resolved_parameter(plan):
    cell = plan.matrix[3].cell
    assert cell.parameters["nominal_system"]["machine"]["clock_hz"] == 1.65e9
    assert cell.parameters["duration_seconds"] == 0.1
    assert cell.parameters["load"] == {}
    assert cell.title == "p5-550 / aix-5.3 / shared-uncapped / mine"
    assert cell.environment == ("p5-550", "aix-5.3", "mine", ())
