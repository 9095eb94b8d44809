"""Texts of reports in one language, from a locale file."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = ("en", "ja")
"""Languages of reports; the first is the default."""

_T = TypeVar("_T")

_PLACE = re.compile(r"\\{(\w+)\\}(?!$)")
_LAST = re.compile(r"\\{(\w+)\\}$")
_AND = "; "
"""Separator of sentences; only the last name of a sentence may stand for it."""
_LONGEST = 400
"""Characters of a sentence that is looked up."""


def languages() -> tuple[str, ...]:
    """Return all languages that there is a locale of, English first."""
    names = {path.stem for path in LOCALES.glob("*.toml")}
    return tuple(sorted(names, key=lambda language: (language != "en", language)))


class Texts:
    """The words of one language.

    Parameters
    ----------
    language
        Name of a file in ``locales/`` without its ending.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        path = LOCALES / f"{language}.toml"
        self._tree: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._sayings = [
            (_pattern(said), text) for said, text in self._tree.get("sayings", {}).items()
        ]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of a dotted key with ``{names}`` filled in.

        The result is plain text: values are neither parsed nor escaped.

        Raises
        ------
        KeyError
            If the locale has no such text.
        """
        text = self._find(key, str)
        return text.format(**values) if values else text

    def many(self, key: str, /, **values: object) -> Sequence[str]:
        """Return a list of texts, such as paragraphs."""
        texts = self._find(key, list)
        return [each.format(**values) if values else each for each in texts]

    def titled(self, key: str, /, **values: object) -> Sequence[tuple[str, str]]:
        """Return a list of titles, each with its text."""
        items = self._find(key, list)
        return [(each["title"], each["text"].format(**values)) for each in items]

    def name(self, kind: str, identifier: str) -> str:
        """Return the title of an identifier; the identifier if the locale has none."""
        name = self._tree.get("names", {}).get(kind, {}).get(identifier)
        return name if isinstance(name, str) else identifier

    def said(self, sentence: str) -> str:
        """Translate an English message of a run or of the analysis.

        Names in the braces of a sentence are translated in turn. A sentence without a translation
        stays as it is.
        """
        if len(sentence) > _LONGEST:
            return sentence
        for said, text in self._sayings:
            match = said.fullmatch(sentence)
            if match is not None:
                parts = match.groupdict()
                return str(text.format(**{name: self.said(part) for name, part in parts.items()}))
        if _AND in sentence:
            return self("page.separator").join(map(self.said, sentence.split(_AND)))
        return sentence

    def of(self, translations: dict[str, str]) -> str:
        """Choose among the translations of a user's text."""
        return translations.get(self.language) or translations.get("en") or ""

    def _find(self, key: str, kind: type[_T]) -> _T:
        node: Any = self._tree
        for part in key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, kind):
            raise KeyError(key)
        return node


def _pattern(said: str) -> re.Pattern[str]:
    """Return the pattern of a sentence with ``{names}``."""
    inner = _PLACE.sub(rf"(?P<\1>(?:(?!{_AND}).)+?)", re.escape(said))
    return re.compile(_LAST.sub(r"(?P<\1>.+)", inner))
