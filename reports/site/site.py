"""A static site: an index of campaigns, their reports and data, and how they compare.

    SITE/index.html                  in English; index.ja.html and so on in other languages
    SITE/reports/NAME-DIGEST/        a publication: reports, PDFs, tidy tables, findings
    SITE/comparisons/NAME-DIGEST/    a publication and the previous one of its name

Publications and comparisons are added and never changed; only the indexes are written again. Pages
refer to each other by relative paths and to nothing else; each is allowed its own styles alone.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from harness.analysis.comparison import Comparison, Direction, compare
from harness.errors import UserError
from harness.results.store import Store
from reports import format as numbers
from reports.builder import environment, styles
from reports.evidence import gather
from reports.i18n import Texts, languages
from reports.pdf import chromium
from reports.site.comparison import rows
from reports.site.files import new_directory, opened, safe_name, write, write_new
from reports.site.publication import (
    Publication,
    page_name,
    print_reports,
    publish_campaign,
    read_publications,
)

REPORTS = "reports"
COMPARISONS = "comparisons"

_COUNTS = "counts.json"


@dataclass(frozen=True)
class Site:
    """The result of publishing."""

    index: Path
    publications: tuple[Path, ...]
    """Of the campaigns asked for, in their order."""
    added: int
    """Number of new ones."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A publication and the previous one of its name."""

    directory: Path | None
    """None if they have nothing in common."""
    first: Publication
    second: Publication
    counts: dict[str, int]
    """Direction -> how many overheads, outcomes and checks went this way."""


def publish(sources: Sequence[Path], site: Path) -> Site:
    """Publish the results of campaigns; all that was published before stays as it is.

    Equal results give equal bytes, however often they are published.

    Parameters
    ----------
    sources
        Directories of results; their order is that of publications of the same name.
    site
        A directory that is new, empty or a site already.

    Raises
    ------
    UserError
        If one of the sources cannot be read: the site is left alone. If the site cannot be written:
        what was published until then is there, whole.
    """
    wanted = languages()
    warnings: list[str] = []
    for source in sources:
        # A site is left alone when something to be published cannot be read.
        with Store.open(source) as store:
            gather(store, source)
    with opened(site):
        folder = site / REPORTS
        known = read_publications(folder)
        before = {each.directory for each in known}
        asked: list[Publication] = []
        program = chromium()
        for source in sources:
            publication, damaged = publish_campaign(source, folder, known, wanted)
            if damaged:
                warnings.append(
                    f"{source}: the store is damaged: {len(damaged)} parts could not be read"
                )
            asked.append(publication)
            if publication.directory not in {each.directory for each in known}:
                known.append(publication)
        if program is None:
            warnings.append("chromium is not installed: reports were not printed to PDF")
        else:
            problems = (print_reports(each, program, wanted) for each in asked)
            warnings += [problem for problem in problems if problem is not None]
        known = read_publications(folder)
        pairs = _pairs(known, site / COMPARISONS, wanted)
        for language in wanted:
            write(site / index_name(language), _index(site, known, pairs, Texts(language)))
    paths = tuple(each.directory for each in asked)
    return Site(site / index_name("en"), paths, len(set(paths) - before), tuple(warnings))


def index_name(language: str) -> str:
    """Return the name of the index in a language."""
    return "index.html" if language == "en" else page_name("index", language)


def _pairs(known: Sequence[Publication], folder: Path, wanted: Sequence[str]) -> list[Pair]:
    """Compare each publication with the one before it, unless that was done before."""
    pairs = []
    for _, group in groupby(known, key=lambda each: each.entry.name):
        for first, second in pairwise(group):
            key = f"{first.entry.digest}\n{second.entry.digest}"
            name = safe_name(second.entry.name, hashlib.sha256(key.encode()).hexdigest())
            pairs.append(_pair(first, second, folder / name, wanted))
    return pairs


def _pair(first: Publication, second: Publication, folder: Path, wanted: Sequence[str]) -> Pair:
    lacking = [each for each in wanted if not (folder / page_name("comparison", each)).exists()]
    if lacking:
        try:
            comparison = compare(first.snapshot(), second.snapshot())
        except UserError:
            return Pair(None, first, second, {})
        pages = {each: comparison_page(comparison, first, second, Texts(each)) for each in lacking}
        if folder.exists():
            for language, page in pages.items():
                write_new(folder / page_name("comparison", language), page)
        else:
            with new_directory(folder) as directory:
                for language, page in pages.items():
                    write_new(directory / page_name("comparison", language), page)
                write_new(directory / "comparison.json", _json(comparison.to_json()))
                counts = {str(each): comparison.count(each) for each in Direction}
                write_new(directory / _COUNTS, _json(counts))
    try:
        counts = json.loads((folder / _COUNTS).read_bytes())
        checked = {str(each): int(counts[str(each)]) for each in Direction}
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{folder / _COUNTS}: missing or damaged; remove {folder} and publish again"
        ) from None
    return Pair(folder, first, second, checked)


def comparison_page(
    comparison: Comparison, first: Publication, second: Publication, texts: Texts
) -> bytes:
    """Return the page that shows two publications side by side."""
    return _page(
        "comparison.html.jinja",
        texts,
        comparison=comparison,
        first=first,
        second=second,
        counts={str(each): comparison.count(each) for each in Direction},
        overheads={
            str(direction): rows(comparison, direction, texts)
            for direction in (Direction.WORSE, Direction.BETTER, Direction.UNKNOWN, Direction.SAME)
        },
        level=numbers.level(1.0 - comparison.alpha),
        alpha=numbers.level(comparison.alpha),
    )


def _index(site: Path, known: Sequence[Publication], pairs: Sequence[Pair], texts: Texts) -> bytes:
    def path(target: Path) -> str:
        return target.relative_to(site).as_posix()

    def files(publication: Publication) -> list[tuple[str, str]]:
        """List titles and paths, the language of the reader first."""
        order = sorted(languages(), key=lambda each: each != texts.language)
        titles = [
            (
                texts(f"site.{kind}", language=texts.name("language", each)),
                page_name("report", each, ending),
            )
            for kind, ending in (("report", "html"), ("pdf", "pdf"))
            for each in order
        ]
        titles += [
            (f"{texts(f'site.{name}')} ({title})", f"{name}.{ending}")
            for name in ("runs", "overheads")
            for title, ending in (("CSV", "csv.gz"), ("CSV", "csv"), ("Parquet", "parquet"))
        ]
        targets = [(title, publication.directory / name) for title, name in titles]
        return [(title, path(target)) for title, target in targets if target.exists()]

    comparisons = {
        each.second.directory: None
        if each.directory is None
        else (path(each.directory / page_name("comparison", texts.language)), each.counts)
        for each in pairs
    }
    groups = [
        (name, list(reversed(list(group))))
        for name, group in groupby(known, key=lambda each: each.entry.name)
    ]
    others = [each for each in languages() if each != texts.language]
    return _page(
        "index.html.jinja",
        texts,
        groups=groups,
        files=files,
        comparisons=comparisons,
        total=len(known),
        others=[(index_name(each), each, texts.name("language", each)) for each in others],
    )


def _page(template: str, texts: Texts, **values: object) -> bytes:
    sheet, digest = styles()
    level: Callable[[float], str] = numbers.level
    page = environment(texts.language).get_template(template)
    return page.render(styles=sheet, styles_digest=digest, percent=level, **values).encode(
        "utf-8", errors="replace"
    )


def _json(value: Any) -> bytes:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="replace") + b"\n"
