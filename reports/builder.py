"""From a directory of results to its report."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import CodeType

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from harness.analysis.study import Study, analyse
from harness.errors import UserError
from harness.files import whole_file
from harness.printable import printable
from harness.results.store import Store
from reports import format as numbers
from reports.evidence import Evidence, gather
from reports.i18n import LANGUAGES, Texts
from reports.plots.svg import drawing
from reports.sections import real
from reports.sections.main import SECTIONS
from reports.view import ReportView, load_text

FILE_NAME = "report.html"
"""The report in English; ``report.ja.html`` is that in Japanese."""

_ROOM = Path(__file__).parent


class _Compiled(BytecodeCache):
    """Templates that this process has compiled already; all environments read the same files."""

    def __init__(self) -> None:
        self._code: dict[str, CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template its code if it has been compiled."""
        bucket.code = self._code.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's code."""
        assert bucket.code is not None
        self._code[bucket.key] = bucket.code


_COMPILED = _Compiled()


def file_name(language: str) -> str:
    """Return how the file of a report in a language is called."""
    return FILE_NAME if language == LANGUAGES[0] else f"report.{language}.html"


def build_report(directory: Path, language: str = LANGUAGES[0]) -> Path:
    """Write the report of a campaign into its directory.

    Parameters
    ----------
    directory
        Holds a store; complete, interrupted or damaged.
    language
        One of :data:`reports.i18n.LANGUAGES`.

    Returns
    -------
    Path
        The report. An earlier one is replaced in one step, so that there is always a whole one.

    Raises
    ------
    UserError
        If there is no readable store, its validation is damaged, or the directory cannot be
        written.
    """
    (path,) = build_reports(directory, (language,))
    return path


def build_reports(directory: Path, languages: Sequence[str]) -> list[Path]:
    """Write the report of a campaign in several languages; see :func:`build_report`."""
    with Store.open(directory) as store:
        study = analyse(store)
        evidence = gather(store, directory)
    return [
        _write(directory / file_name(each), render(study, evidence, each)) for each in languages
    ]


def _write(target: Path, page: str) -> Path:
    try:
        with whole_file(target) as unfinished:
            unfinished.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None
    return target


def render(study: Study, evidence: Evidence | None = None, language: str = LANGUAGES[0]) -> str:
    """Return the report of a study as one HTML page without any reference to elsewhere.

    Equal studies give equal pages.

    Parameters
    ----------
    study
        What the campaign found out.
    evidence
        What there is besides it.
    language
        One that there is a locale of.
    """
    texts = Texts(language)
    view = ReportView(study, texts, evidence or Evidence())
    with drawing():
        found = [(name, content(view)) for name, content in SECTIONS]
    sections = {name: content for name, content in found if content is not None}
    sheet, digest = styles()
    return (
        environment(texts)
        .get_template("report.html.jinja")
        .render(
            view=view,
            facts=real.facts(view),
            study=study,
            campaign=study.campaign,
            texts=texts,
            level=numbers.level(1.0 - study.campaign.alpha),
            alpha=numbers.level(study.campaign.alpha),
            margin=numbers.level(study.campaign.margin),
            sections=sections,
            styles=sheet,
            styles_digest=digest,
        )
    )


def styles() -> tuple[Markup, str]:
    """Return the styles of all pages, and the digest that lets a strict policy allow them."""
    sheet = (_ROOM / "styles.css").read_text(encoding="utf-8")
    return Markup(sheet), base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()


def environment(texts: Texts) -> Environment:
    """Return what renders templates with these texts; whatever is put in is escaped."""
    found = Environment(
        loader=FileSystemLoader(_ROOM / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        bytecode_cache=_COMPILED,
    )
    found.globals.update(
        t=texts, many=texts.many, titled=texts.titled, name=texts.name, said=texts.said
    )
    found.filters["load"] = load_text
    return found


def _shown(value: object) -> object:
    """Make what a template puts into a page printable; what is markup already stays as it is."""
    return printable(value) if type(value) is str else value
