import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.encoding import decode
from harness.errors import UserError

TEXTS = st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]))


@given(TEXTS, st.booleans())
def test_a_text_in_utf_8_is_read_with_and_without_a_mark(text, mark):
    assert decode(text.encode("utf-8-sig" if mark else "utf-8"), "a.toml") == text


def test_lines_end_in_a_line_feed():
    assert decode(b"a\r\nb\rc\n", "a.toml") == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a".encode("utf-16"), "is encoded in UTF-16; save it as UTF-8"),
        ("a".encode("utf-32"), "is encoded in UTF-32; save it as UTF-8"),
        (b"a\nb\0", "line 2: has a null byte; a text in UTF-8 has none"),
        (
            "a\n\nÉ".encode("latin-1"),
            "line 3: is not UTF-8 (byte 0xc9, as in Latin-1 or Windows-1252); save it as UTF-8",
        ),
    ],
)
def test_another_encoding_is_named(content, reason):
    with pytest.raises(UserError) as caught:
        decode(content, "a.toml")
    assert str(caught.value) == f"a.toml: {reason}"
