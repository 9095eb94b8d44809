from hypothesis import given
from hypothesis import strategies as st

from harness.results.table import table_of

NAMES = st.sampled_from("abcd")
ROWS = st.lists(st.dictionaries(NAMES, st.one_of(st.none(), st.integers(), st.text("xyz"))))


@given(ROWS)
def test_each_row_comes_out_as_it_went_in(rows):
    table = table_of(rows)
    assert {len(column) for column in table.values()} <= {len(rows)}
    for number, row in enumerate(rows):
        there = {name: column[number] for name, column in table.items()}
        assert there == {**dict.fromkeys(table), **row}


def test_columns_stand_in_the_order_in_which_rows_have_them():
    assert list(table_of([{"b": 1}, {"a": 1, "b": 2}])) == ["b", "a"]


def test_texts_have_no_control_characters():
    assert table_of([{"a": "x\x1by\u202e"}])["a"][0].isprintable()
