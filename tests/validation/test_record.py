"""What is kept of a validation comes back as it was, or in one line that says what is wrong."""

import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.campaign.plan import make_plan
from harness.campaign.provenance import model_digest
from harness.errors import UserError
from harness.validation.record import (
    ValidationRecord,
    digest_of_constants,
    recorded,
)
from harness.validation.row import Kind, Row

ROW = Row(Kind.PREDICTION, "case", "m", 10.0, "s", "book", 12.0, 11.0, 13.0, "range", 0.1)

NUMBERS = st.floats(allow_nan=False)
ROWS = st.builds(
    Row,
    kind=st.sampled_from(Kind),
    case=st.text(),
    measure=st.text(),
    expected=NUMBERS,
    unit=st.sampled_from(["s", "", "B/s"]),
    source=st.text(),
    value=NUMBERS,
    low=NUMBERS,
    high=NUMBERS,
    interval=st.text(),
    tolerance=NUMBERS,
    allowance=NUMBERS,
    note=st.text(),
)


@given(st.lists(ROWS), st.booleans())
def test_a_record_comes_back_as_it_was(rows, quick):
    record = recorded(rows, quick=quick)
    again = ValidationRecord.model_validate_json(record.model_dump_json())
    assert again == record
    assert again.rows == tuple(rows)


def test_a_record_is_kept_whole_and_replaced_whole(tmp_path):
    assert ValidationRecord.read(tmp_path) is None
    first = recorded([ROW], quick=True)
    assert first.write(tmp_path) == tmp_path / "validation.json"
    assert ValidationRecord.read(tmp_path) == first
    second = recorded([replace(ROW, value=math.nan)], quick=False)
    second.write(tmp_path)
    found = ValidationRecord.read(tmp_path)
    assert found is not None
    assert math.isnan(found.rows[0].value)
    assert not found.rows[0].passed
    assert [path.name for path in tmp_path.iterdir()] == ["validation.json"]


def test_a_record_names_the_model_and_the_constants_that_it_is_of():
    record = recorded([ROW], quick=False)
    assert record.model_digest == model_digest()
    campaign = make_plan("smoke").record()
    assert record.constants_digest == digest_of_constants(campaign.constants)
    changed = [dict(each) for each in campaign.constants]
    changed[0]["source"] = "elsewhere"
    assert digest_of_constants(changed) == record.constants_digest
    number = next(each for each in changed if isinstance(each["high"], float))
    number["high"] *= 2
    assert digest_of_constants(changed) != record.constants_digest


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"prediction"', '"prophecy"'),
        lambda text: text.replace('"expected"', '"hoped"'),
        lambda text: "\x00" * len(text),
    ],
)
def test_damage_is_told_in_one_line_that_says_what_to_do(tmp_path, damage):
    path = recorded([ROW], quick=False).write(tmp_path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError) as error:
        ValidationRecord.read(tmp_path)
    told = str(error.value)
    assert told.startswith(str(path))
    assert "\n" not in told
    assert "vtax validate --save-to" in told


def test_a_directory_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        recorded([], quick=False).write(tmp_path / "nowhere")


def test_rows_are_kept_by_all_their_fields():
    record = recorded([ROW], quick=False)
    assert record.model_dump()["rows"][0] == asdict(ROW)
