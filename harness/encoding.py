"""Text of files that users write: UTF-8, with or without a byte order mark."""

import codecs

from harness.errors import UserError

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(content: bytes, name: str) -> str:
    """Return the text of a file, with lines that end in a line feed.

    Parameters
    ----------
    content
        The bytes of the file. A byte order mark of UTF-8 is left out.
    name
        What the message calls the file.

    Raises
    ------
    UserError
        If the encoding is another one, which the message names, or a null byte is in it.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            raise UserError(f"{name}: is encoded in {encoding}; save it as UTF-8")
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise UserError(f"{name}: line {line}: has a null byte; a text in UTF-8 has none")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        raise UserError(
            f"{name}: line {line}: is not UTF-8 (byte 0x{byte:02x}, as in Latin-1 or "
            "Windows-1252); save it as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
