"""The pages of the documentation, taken apart."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))

import docs  # noqa: E402 (the generator is a script)

PAGES = docs.PAGES
_COMMENT = re.compile(r"<!-- (file|adds to|run)(?:: (\S+))? -->\s*")


@dataclass(frozen=True)
class Example:
    """A fenced block, and what the comment before it says of it."""

    page: Path
    line: int
    language: str
    text: str
    role: str
    """``file``, ``adds to``, ``run`` or nothing."""
    name: str

    @property
    def title(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(page: Path) -> Iterator[Example]:
    """All fenced blocks of a page, in order."""
    before = None
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            assert token.map is not None
            found = _COMMENT.fullmatch(before or "")
            role, name = found.groups() if found else ("", "")
            line = token.map[0] + 1
            yield Example(page, line, token.info, token.content, role, name or "")
        before = token.content if token.type == "html_block" else None


def headings(page: Path) -> list[str]:
    """The anchors of a page, as GitHub makes them."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    pairs = pairwise(tokens)
    return [docs.slug(text.content) for token, text in pairs if token.type == "heading_open"]


def links(page: Path) -> Iterator[str]:
    """The targets of links and images outside of code."""
    parser = MarkdownIt("commonmark").enable("table")
    for token in parser.parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            target = child.attrs.get("href") or child.attrs.get("src")
            if target:
                yield str(target)


def codes(page: Path) -> Iterator[str]:
    """All texts that are set as code within a line."""
    parser = MarkdownIt("commonmark").enable("table")
    for token in parser.parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content
