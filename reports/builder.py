"""Reports from directories of results."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.analysis.study import Study, analyse
from harness.files import whole_file, writing
from harness.printable import printable
from harness.results.store import Store
from reports import format as numbers
from reports.evidence import Evidence, gather, with_waits
from reports.i18n import LANGUAGES, Texts
from reports.plots.svg import drawing
from reports.sections import tables
from reports.sections.main import IMPORT_SECTIONS, SECTIONS, facts
from reports.view import ReportView, load_text

FILE_NAME = "report.html"
"""The report in English; ``report.ja.html`` is that in Japanese."""

APPENDIX_NAME = "appendix.html"
"""The same report with all its tables and figures open; ``appendix.ja.html`` in Japanese."""

_ROOM = Path(__file__).parent


def file_name(language: str, *, appendix: bool = False) -> str:
    """Return the file name of the report, or of its appendix, in a language."""
    name = APPENDIX_NAME if appendix else FILE_NAME
    return name if language == LANGUAGES[0] else name.replace(".html", f".{language}.html")


def build_reports(
    directory: Path, languages: Sequence[str] = LANGUAGES[:1], *, appendix: bool = False
) -> list[Path]:
    """Write the report of a campaign into its directory, in one or several languages.

    Parameters
    ----------
    directory
        Holds a store; complete, interrupted or damaged.
    languages
        Some of :data:`reports.i18n.LANGUAGES`.
    appendix
        Whether the appendix is written too: all tables and figures, open and printed.

    Returns
    -------
    list
        The reports, each with its appendix. An earlier one is replaced in one step.

    Raises
    ------
    UserError
        If there is no readable store, its validation is damaged, or the directory cannot be
        written.
    """
    with Store.open(directory) as store:
        study = analyse(store)
        evidence = with_waits(gather(store, directory), store, study)
    return [
        _write(
            directory / file_name(each, appendix=whole),
            render(study, evidence, each, appendix=whole),
        )
        for each in languages
        for whole in ((False, True) if appendix else (False,))
    ]


def _write(target: Path, page: str) -> Path:
    with writing(target), whole_file(target) as unfinished:
        unfinished.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return target


def render(
    study: Study,
    evidence: Evidence | None = None,
    language: str = LANGUAGES[0],
    *,
    appendix: bool = False,
) -> str:
    """Return the report of a study as one HTML page without references to other files.

    Equal studies give equal pages.

    Parameters
    ----------
    study
        The results of the campaign.
    evidence
        Further results.
    language
        A language with a locale.
    appendix
        Whether everything is open: closed tables and figures are not printed.
    """
    texts = Texts(language)
    view = ReportView(study, texts, evidence or Evidence())
    with drawing():
        parts = SECTIONS if study.campaign.imported is None else IMPORT_SECTIONS
        contents = [(name, content(view)) for name, content in parts]
    sections = {name: content for name, content in contents if content is not None}
    sheet, digest = styles()
    return (
        environment(language)
        .get_template("report.html.jinja")
        .render(
            view=view,
            facts=facts(view),
            appendix=appendix,
            directory=tables.results_path(view),
            study=study,
            campaign=study.campaign,
            level=numbers.level(1.0 - study.campaign.alpha),
            alpha=numbers.level(study.campaign.alpha),
            margin=numbers.level(study.campaign.margin),
            sections=sections,
            styles=sheet,
            styles_digest=digest,
        )
    )


def styles() -> tuple[Markup, str]:
    """Return the styles of all pages, and their digest for the Content-Security-Policy."""
    sheet = (_ROOM / "styles.css").read_text(encoding="utf-8")
    return Markup(sheet), base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()


@cache
def environment(language: str) -> Environment:
    """Return the environment that renders templates in a language; values are escaped."""
    made = Environment(
        loader=FileSystemLoader(_ROOM / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    texts = Texts(language)
    made.globals.update(
        t=texts,
        many=texts.many,
        titled=texts.titled,
        name=texts.name,
        said=texts.said,
        texts=texts,
        appendix=False,
    )
    made.filters["load"] = load_text
    return made


def _printable(value: object) -> object:
    """Make a value of a template printable; markup stays as it is."""
    return printable(value) if type(value) is str else value
