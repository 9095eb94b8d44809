"""A published report: a directory of a site that is made once and never changes.

Its identity is the digest of everything that the report shows: the campaign's record, its cells,
every run, and the evidence (validation, sensitivity, capacity).
The same results published again are the same publication; any other result is a new one. Only
files that were not there are ever added to it: another language, a PDF that could not be printed
before.
"""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.analysis.snapshot import CampaignSnapshot, read_snapshot, snapshot
from harness.analysis.study import Outcome, Study, analyse
from harness.analysis.tables import overhead_table, run_table
from harness.errors import UserError
from harness.results.export import csv_text, write_table
from harness.results.store import Store
from reports.builder import render
from reports.evidence import Evidence, gather, with_waits
from reports.pdf import PrintingError, print_page
from reports.site.files import is_safe_name, new_directory, safe_name, write_new

ENTRY = "publication.json"
FINDINGS = "findings.json"


class Entry(BaseModel):
    """The entry of a publication in the index."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    """Counts the publications of campaigns of this name."""
    digest: str
    """SHA-256 of the content."""
    name: str
    title: dict[str, str]
    outcome: str | None
    margin: float
    seed: int
    complete: int
    failed: int
    version: str
    """Of vtax, that ran the campaign."""
    machines: tuple[str, ...]
    date: str = ""
    """Day of the last run, in UTC and ISO 8601; empty if unknown."""
    headline: tuple[int, int] | None = None
    """How many findings of the claim, or expectations of scenarios, are confirmed, and of how
    many; None without either."""


@dataclass(frozen=True)
class Publication:
    """A publication and where it is."""

    directory: Path
    entry: Entry

    def snapshot(self) -> CampaignSnapshot:
        """Read the data for comparisons."""
        path = self.directory / FINDINGS
        return read_snapshot(path.read_bytes(), str(path))


def page_name(kind: str, language: str, ending: str = "html") -> str:
    """Return the name of a page, such as ``report.en.html``."""
    return f"{kind}.{language}.{ending}"


def digest_of(store: Store, evidence: Evidence) -> str:
    """Return SHA-256 of the content of a store and of the evidence."""
    digest = hashlib.sha256()

    def add(value: object) -> None:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest.update(text.encode("utf-8", errors="surrogatepass") + b"\n")

    add(store.campaign.to_json())
    for cell in store.campaign.cells:
        add(asdict(cell))
    for run, result in store.results():
        add([run.identity, run.cell.position, run.replication, run.constants])
        add([None if run.failure is None else str(run.failure), run.reason])
        digest.update(b"\n" if result is None else result.to_json().encode() + b"\n")
    add(store.drawn())
    add(store.damaged)
    for field in fields(evidence):
        result = getattr(evidence, field.name)
        if isinstance(result, BaseModel):
            dumped = result.model_dump(mode="json")
            # The oldest of them has no name here: published results keep their identity.
            add(dumped if field.name == "validation" else {field.name: dumped})
    return digest.hexdigest()


def read_publications(folder: Path) -> list[Publication]:
    """Read all publications of a site, in the order of their names and numbers.

    Raises
    ------
    UserError
        If one of them is damaged.
    """
    publications = []
    for directory in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not is_safe_name(directory.name) or not directory.is_dir():
            continue
        path = directory / ENTRY
        try:
            entry = Entry.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            raise UserError(
                f"{path}: missing or damaged; restore it, or remove {directory} and publish again"
            ) from None
        publications.append(Publication(directory, entry))
    publications.sort(key=lambda each: (each.entry.name, each.entry.number, each.directory.name))
    return publications


def publish_campaign(
    source: Path, folder: Path, known: Sequence[Publication], languages: Sequence[str]
) -> tuple[Publication, tuple[str, ...]]:
    """Publish the results of a directory, or find their publication; add missing languages.

    Parameters
    ----------
    source
        The campaign's results.
    folder
        The site's directory of publications.
    known
        The publications of the site.
    languages
        Those of the reports.

    Returns
    -------
    tuple
        The publication, and the damaged parts of the store.

    Raises
    ------
    UserError
        If there is no readable store, or runs are added to it at the same time.
    """
    with Store.open(source) as store:
        evidence = gather(store, source)
        digest = digest_of(store, evidence)
        damaged = tuple(store.damaged)
        held = next((each for each in known if each.entry.digest == digest), None)
        lacking = [
            language
            for language in languages
            if held is None or not (held.directory / page_name("report", language)).exists()
        ]
        if held is not None and not lacking:
            return held, damaged
        study = analyse(store)
        shown = with_waits(evidence, store, study)
        pages = {each: render(study, shown, each).encode(errors="replace") for each in lacking}
        if held is not None:
            for language, page in pages.items():
                write_new(held.directory / page_name("report", language), page)
            return held, damaged
        snap = snapshot(study)
        same = [each.entry.number for each in known if each.entry.name == snap.name]
        shared = ("name", "title", "outcome", "margin", "seed", "complete", "failed")
        entry = Entry(
            **{name: getattr(snap, name) for name in shared},
            number=max(same, default=0) + 1,
            digest=digest,
            version=snap.versions.get("vtax", ""),
            machines=tuple(dict.fromkeys(cell.machine for cell in store.campaign.cells)),
            date=evidence.date,
            headline=_headline(study),
        )
        target = folder / safe_name(snap.name, digest)
        with new_directory(target) as directory:
            for language, page in pages.items():
                write_new(directory / page_name("report", language), page)
            runs, overheads = run_table(store), overhead_table(study)
            for name, table in (("runs", runs), ("overheads", overheads)):
                write_new(directory / f"{name}.csv.gz", _packed(csv_text(table)))
                write_table(table, directory / f"{name}.parquet", "parquet")
            write_new(directory / FINDINGS, _json(snap))
            write_new(directory / ENTRY, _json(entry))
            if digest_of(store, gather(store, source)) != digest:
                raise UserError(f"{source}: runs are being added to it; publish when it is done")
        return Publication(target, entry), damaged


def _headline(study: Study) -> tuple[int, int] | None:
    """Count what is confirmed: findings that were measured, and expectations."""
    judged, elements = study.verdict, study.elements
    if judged is None and elements is None:
        return None
    outcomes = [each.outcome for each in (judged.findings if judged else ()) if each.firmware]
    outcomes += [row.outcome for row in (elements.rows if elements else ())]
    return outcomes.count(Outcome.CONFIRMED), len(outcomes)


def _packed(text: str) -> bytes:
    """Compress a text; equal texts give equal bytes."""
    return gzip.compress(text.encode("utf-8", errors="replace"), mtime=0)


def print_reports(publication: Publication, program: str, languages: Sequence[str]) -> str | None:
    """Print the reports that were not printed yet; return an error message or None."""
    for language in languages:
        page = publication.directory / page_name("report", language)
        target = publication.directory / page_name("report", language, "pdf")
        if page.exists() and not target.exists():
            try:
                write_new(target, print_page(program, page))
            except PrintingError as error:
                return f"{page}: not printed to PDF: {error}"
    return None


def _json(model: BaseModel) -> bytes:
    return model.model_dump_json(indent=1).encode("utf-8", errors="replace") + b"\n"
