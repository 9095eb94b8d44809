from hypothesis import given
from hypothesis import strategies as st

from harness.results.table import Section, WideTable, table_of

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


@given(st.lists(st.integers(0, 3)), st.lists(ROWS, min_size=1, max_size=3))
def test_sections_side_by_side_are_the_table_of_their_rows(places, contents):
    """Rows with the same key are made once, and of columns with the same name the first counts."""
    sections = []
    for rows in contents:
        section, made = Section(), []
        for place in places:
            row = rows[place] if place < len(rows) else {}
            section.add(place, lambda row=row, made=made: made.append(row) or row)
        assert len(made) == len(section.rows) == len(set(places))
        sections.append(section)
    table = WideTable(sections)
    columns = table.columns()
    assert list(columns) == table.names
    for number, place in enumerate(places):
        expected = {}
        for rows, section in zip(contents, sections, strict=True):
            own = dict.fromkeys(section.names) | (rows[place] if place < len(rows) else {})
            expected = own | expected
        assert {name: column[number] for name, column in columns.items()} == expected
    rows = zip(*columns.values(), strict=True)
    assert list(table.lines(str, "|")) == ["|".join(map(str, row)) for row in rows]


def test_a_row_may_differ_from_those_that_it_shares_its_values_with():
    section = Section()
    for each in (1.0, 2.0, 3.0):
        section.add("same", lambda: {"a": 0.0, "b": "x"}, {} if each == 2.0 else {"a": each})
    table = WideTable([section])
    assert table.columns() == {"a": [1.0, 0.0, 3.0], "b": ["x"] * 3}
    assert list(table.lines(str, ",")) == ["1.0,x", "0.0,x", "3.0,x"]


def test_a_value_is_converted_once_for_all_rows_that_share_it():
    section = Section()
    for _ in range(3):
        section.add("same", lambda: {"a": 15})
    seen = []
    table = WideTable([section])
    assert list(table.lines(lambda value: seen.append(value) or "x", ",")) == ["x"] * 3
    assert seen == [15]
