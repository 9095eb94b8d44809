"""Text from elsewhere (names, messages, paths) made safe to show.

A control character moves a terminal's cursor or breaks a line of a file, a bidirectional one makes
a name look like another, half a surrogate pair cannot be written at all. Each place where text
leaves the program calls :func:`printable`.
"""

import unicodedata

LONGEST_MESSAGE = 1000
"""Characters of a message that are shown."""

_UNSAFE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories: control, format (bidirectional, of no width), half surrogate pairs, private,
not assigned, separators of lines and paragraphs."""


def printable(text: str) -> str:
    r"""Return a text with every character that is not shown as itself written as an escape.

    Line feeds and tabulators stay. Applied twice it changes nothing more.

    Examples
    --------
    >>> printable("a\rb\x1b[2J")
    'a\\x0db\\x1b[2J'
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(_escape(each) for each in text)


def one_line(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Return a text in one line of at most about so many characters."""
    # Text far beyond the limit is not needed.
    flat = " ".join(text[: 10 * longest].split())
    cut = len(text) - longest
    if len(flat) > longest or cut > 9 * longest:
        flat = f"{flat[:longest]}... ({max(cut, len(flat) - longest)} more characters)"
    return printable(flat)


def last_line(text: str) -> str:
    """Return the last line that is not empty, without space around it; empty if there is none."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def _escape(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
