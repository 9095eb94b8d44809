"""A site: what is on it, what never changes, what hostile campaigns cannot do."""

import base64
import gzip
import hashlib
import json
import os
import posixpath
import subprocess
from dataclasses import dataclass, fields, replace
from pathlib import Path

import programs
import pyarrow.parquet as pq
import pytest
from capable import capable
from sensitive import sensitive

from harness.analysis.comparison import compare
from harness.analysis.snapshot import CampaignSnapshot, CheckRecord, VerdictRecord, read_snapshot
from harness.analysis.study import analyse
from harness.errors import UserError
from harness.results.discrepancy import Discrepancy
from harness.results.packed_result import pack
from harness.results.store import Store
from harness.validation.record import recorded
from reports.evidence import Evidence
from reports.i18n import Texts, languages
from reports.site import publication as publications
from reports.site import site as sites
from reports.site.site import comparison_page, publish

undrawn = pytest.mark.usefixtures("undrawn")

EVIL = (
    "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    "\"' onload=x $x^2$ & {{ 7 * 7 }} {0} %s </style></title></pre>"
)


@pytest.fixture(autouse=True)
def unprinted(request, monkeypatch):
    """Most tests print nothing: starting a browser takes seconds."""
    if "printing" not in request.keywords:
        monkeypatch.setattr(sites, "chromium", lambda: None)


def fill(directory, campaign, record):
    """Put a campaign into a directory; ``record`` changes what the store says of it."""
    with Store.start(directory, replace(campaign.record, **record)) as store:
        for cell in store.campaign.cells:
            for number in range(campaign.replications):
                where = (f"{cell.position}-{number}", cell.position, number)
                store.add(*where, "d", {}, pack(campaign.result(cell, number)))


@pytest.fixture
def results(synthetic, truths, tmp_path):
    """Put a synthetic campaign into a directory."""

    def make(name, record=None, **keywords):
        campaign = synthetic(**{"true": truths["confirmed"], "replications": 3, **keywords})
        fill(tmp_path / "results" / name, campaign, record or {})
        return tmp_path / "results" / name

    return make


def tree(site: Path) -> dict[str, bytes]:
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def check_pages(site: Path, parse_page) -> dict[str, object]:
    """Every page is strict, loads nothing, and refers to files of the site only."""
    files = tree(site)
    pages = {name: parse_page(files[name].decode()) for name in files if name.endswith(".html")}
    for name, page in pages.items():
        tags = {element.tag for element in page.elements}
        assert not tags & {"script", "iframe", "object", "embed", "link", "img", "base", "form"}
        (style,) = page.all("style")
        digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
        policies = [
            each.attributes["content"]
            for each in page.all("meta")
            if each.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policies == [
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        ]
        ids = {each.attributes["id"] for each in page.elements if "id" in each.attributes}
        for element in page.elements:
            for key, value in element.attributes.items():
                assert not key.startswith("on")
                assert key not in ("src", "srcset", "style", "action", "background")
                if not key.endswith("href"):
                    continue
                if value.startswith("#"):
                    assert value[1:] in ids
                else:
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), value))
                    assert target in files, (name, value)
        for head in page.all("th"):
            assert head.attributes["scope"] in ("col", "colgroup", "row", "rowgroup")
        assert sum(element.tag == "h1" for element in page.elements) == 1
        if not name.startswith("reports/"):
            assert len(page.all("table")) == len(page.all("caption"))
    return pages


def test_has_an_index_reports_and_data(results, tmp_path, parse_page):
    source = results("a")
    os.utime(source / "store.sqlite", (1_196_000_000, 1_196_000_000))
    found = publish([source], tmp_path / "site")
    assert found.added == 1
    assert "chromium is not installed" in " ".join(found.warnings)
    (place,) = found.publications
    names = {path.name for path in place.iterdir()}
    assert {f"report.{language}.html" for language in languages()} <= names
    assert {
        "runs.csv.gz",
        "overheads.csv.gz",
        "runs.parquet",
        "findings.json",
        "publication.json",
    } <= names
    assert not [name for name in names if name.endswith(".pdf")]
    assert pq.read_table(place / "runs.parquet").num_rows == 2 * 3 * 3
    text = gzip.decompress((place / "runs.csv.gz").read_bytes()).decode()
    assert len(text.splitlines()) == 1 + 2 * 3 * 3
    assert read_snapshot((place / "findings.json").read_bytes(), "x").complete == 18
    pages = check_pages(tmp_path / "site", parse_page)
    index = pages["index.html"]
    assert "Synthetic" in index.text
    assert "confirmed" in index.text
    assert "2 of 2 shown" in index.text
    assert "2007-11-25 · p5-570" in index.text
    for language in languages():
        title = Texts(language)("site.title")
        assert title in pages[sites.index_name(language)].text
    links = {each.attributes["href"] for each in index.all("a")}
    assert f"reports/{place.name}/runs.csv.gz" in links


@undrawn
def test_publishing_again_changes_no_byte_and_no_time(results, tmp_path):
    site = tmp_path / "site"
    both = [results("a"), results("b", margin=0.01)]
    publish(both, site)
    before = tree(site)
    times = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    found = publish(both, site)
    assert found.added == 0
    assert tree(site) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    publish(reversed(both), site)
    assert tree(site) == before


@undrawn
def test_the_same_results_give_the_same_bytes_elsewhere(results, tmp_path):
    first, second = results("a"), results("b", margin=0.01)
    publish([first, second], tmp_path / "one")
    publish([first], tmp_path / "two")
    publish([second], tmp_path / "two")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@undrawn
def test_a_different_result_is_a_new_publication_and_the_old_one_stays(
    results, tmp_path, truths, parse_page
):
    site = tmp_path / "site"
    publish([results("a")], site)
    before = tree(site / "reports")
    found = publish([results("b", true=truths["refuted"])], site)
    assert found.added == 1
    after = tree(site / "reports")
    assert before.items() <= after.items()
    assert len(after) == 2 * len(before)
    pages = check_pages(site, parse_page)
    (name,) = (each for each in pages if each.endswith("comparison.en.html"))
    assert "Something became worse" in pages[name].text
    assert "p5-570 / AIX 5L V5.3 / commercial users = 4 shared-uncapped" in pages[name].text
    assert name in {each.attributes["href"] for each in pages["index.html"].all("a")}
    rows = [row.text.split()[0] for row in pages["index.html"].all("tr")[1:]]
    assert rows == ["2", "1"]


@undrawn
def test_one_more_replication_is_a_different_result(results, tmp_path):
    found = publish([results("a"), results("b", replications=4)], tmp_path / "site")
    assert found.added == 2


def beside(directory: Path) -> dict[str, Path]:
    """Write one of each result that a report shows beside the runs, as each command does."""
    with Store.open(directory) as store:
        study = analyse(store)
    return {
        "validation": recorded([], quick=True).write(directory),
        "sensitivity": sensitive(study).write(directory),
        "capacity": capable(study).write(directory),
        "discrepancy": Discrepancy(
            identity=study.campaign.identity,
            model=study.campaign.model,
            positions=(),
            campaign_runs=0,
            runs=0,
            factors=(),
            unexplained=("a figure",),
            judged=(),
            left_out=(),
        ).write(directory),
    }


@pytest.mark.slow
def test_every_result_beside_the_runs_is_part_of_what_is_published(results, tmp_path):
    source, site = results("a"), tmp_path / "site"
    kept = {name: path.read_bytes() for name, path in beside(source).items()}
    computed = {"drawn", "used", "staged", "date", "longer", "host", "measured"}
    assert kept.keys() == {field.name for field in fields(Evidence)} - computed
    for name in kept:
        (source / f"{name}.json").unlink()
    assert publish([source], site).added == 1
    for name, content in kept.items():
        (source / f"{name}.json").write_bytes(content)
        assert publish([source], site).added == 1, name
        assert publish([source], site).added == 0, name
        changed = (
            content.replace(b'"model": "', b'"model": "x')
            .replace(b'"quick":true', b'"quick":false')
            .replace(b'"quick": true', b'"quick": false')
        )
        assert changed != content
        (source / f"{name}.json").write_bytes(changed)
        assert publish([source], site).added == 1, name
    (newest,) = publish([source], site).publications
    page = (newest / "report.en.html").read_text()
    # The study of the model's own misses is part of the verdict.
    assert all(f'id="{name}"' in page for name in kept.keys() - {"discrepancy"})


@undrawn
def test_only_campaigns_of_the_same_name_are_compared(results, tmp_path, truths):
    site = tmp_path / "site"
    sources = [results("a"), results("x", record={"name": "other"}), results("b", replications=4)]
    publish(sources, site)
    (comparison,) = (site / "comparisons").glob("*/comparison.json")
    told = json.loads(comparison.read_text())
    assert {told["first"]["campaign"], told["second"]["campaign"]} == {"synthetic"}
    assert sum(told["counts"].values()) == len(told["overheads"]) + len(told["outcomes"])


@undrawn
def test_what_has_nothing_in_common_is_not_compared(results, tmp_path, parse_page):
    site = tmp_path / "site"
    publish([results("a"), results("b", machines=("p5-520",))], site)
    assert not list(site.glob("comparisons/*"))
    assert "nothing in common" in check_pages(site, parse_page)["index.html"].text


@undrawn
def test_a_failure_leaves_no_half_publication(results, tmp_path, monkeypatch):
    site = tmp_path / "site"
    publish([results("a")], site)
    before = tree(site)
    second = results("b", margin=0.01)

    def full(table, path, form):
        path.write_text("half")
        raise UserError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(publications, "write_table", full)
        with pytest.raises(UserError, match="disk full"):
            publish([second], site)
    assert tree(site) == before
    assert publish([second], site).added == 1


@undrawn
def test_a_campaign_that_is_still_running_is_not_published(results, tmp_path, monkeypatch):
    source, site = results("a"), tmp_path / "site"
    digests = iter(["a" * 64, "b" * 64])
    monkeypatch.setattr(publications, "digest_of", lambda *_: next(digests))
    with pytest.raises(UserError, match="runs are being added to it"):
        publish([source], site)
    assert not tree(site / "reports")


@undrawn
def test_a_language_that_was_missing_is_added_and_the_rest_stays(results, tmp_path):
    source, site = results("a"), tmp_path / "site"
    publish([source], site)
    before = tree(site)
    report = next(site.glob("reports/*/report.en.html"))
    report.unlink()
    publish([source], site)
    assert tree(site) == before


@undrawn
@pytest.mark.parametrize("what", ["missing", "damaged"])
def test_a_damaged_site_is_told_in_one_line(results, tmp_path, what):
    source, site = results("a"), tmp_path / "site"
    publish([source], site)
    (entry,) = site.glob("reports/*/publication.json")
    if what == "missing":
        entry.unlink()
    else:
        entry.write_text("{")
    with pytest.raises(UserError, match=r"publication\.json: missing or damaged"):
        publish([source], site)


def test_needs_a_campaign(tmp_path):
    with pytest.raises(UserError, match="no campaign there"):
        publish([tmp_path], tmp_path / "site")


def judged(outcome, **changes) -> CampaignSnapshot:
    """Findings that hold one outcome, one check that passed if it is confirmed, one constant."""
    place = {"machine": "m", "os": "aix-5.3", "workload": "w", "load": (), "measure": "slowdown"}
    check = CheckRecord(scenario="s", name={"en": "kept"}, passed=outcome == "confirmed")
    told = {
        **{"name": "n", "title": {"en": "N"}, "identity": "", "model": "", "versions": {}},
        **{"seed": 1, "margin": 0.1, "alpha": 0.05, "replications": 1, "complete": 1},
        **{"failed": 0, "outcome": outcome, "constants": {"c": outcome}, "overheads": ()},
    }
    parts = {"outcomes": (VerdictRecord(**place, outcome=outcome),), "checks": (check,)}
    return CampaignSnapshot(**{**told, **parts, **changes})


@pytest.mark.slow
def test_every_text_is_shown_somewhere(results, tmp_path, truths, monkeypatch):
    used = set()
    find = Texts._find

    def recorded(self, key, kind):
        used.add(key)
        return find(self, key, kind)

    monkeypatch.setattr(Texts, "_find", recorded)
    other = {"name": "other", "claim": None}
    publish(
        [
            results("a"),
            results("b", true=truths["refuted"]),
            results("c", machines=("p5-520",)),
            results("x", record=other),
            results("y", record=other, replications=4),
        ],
        tmp_path / "site",
    )
    first = second = publications.read_publications(tmp_path / "site" / "reports")[0]
    states = [judged(each) for each in ("confirmed", "refuted", "inconclusive")]
    for one in states:
        for two in states:
            comparison_page(compare(one, two), first, second, Texts("en"))
    found = compare(judged("confirmed"), judged("inconclusive", checks=()))
    comparison_page(found, first, second, Texts("en"))
    (told, *_) = first.snapshot().overheads
    once = [
        judged("confirmed", overheads=(told.model_copy(update={"ratios": (ratio,)}),))
        for ratio in (1.0, 2.0)
    ]
    comparison_page(compare(*once), first, second, Texts("en"))
    tree_of_texts = Texts("en")._tree
    known = {f"{room}.{key}" for room in ("site", "comparison") for key in tree_of_texts[room]}
    assert known - used == set()


@dataclass
class Hostile:
    site: Path
    secret: str


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, synthetic, truths, shipped):
    """A site of campaigns that are called whatever an attacker would call them."""
    place = tmp_path_factory.mktemp("hostile")
    secret = place / "secret.txt"
    secret.write_text("the-content-of-a-file")
    names = [
        EVIL,
        f"{{% include '{secret}' %}}<iframe src='{secret.as_uri()}'></iframe>\\input{{{secret}}}",
        "../../../../outside",
        "..",
        "\x00\x1b]0;x\x07\n\N{RIGHT-TO-LEFT OVERRIDE}",
    ]
    sources = []
    for number, evil in enumerate(names):
        for margin in (0.1, 0.2) if evil == EVIL else (0.1,):
            campaign = synthetic(true=truths["confirmed"], replications=2, machines=("p5-570",))
            words = ("name", "unit", "published", "published_range", "source", "meaning")
            constant = {**shipped.constants[0], **dict.fromkeys(words, evil)}
            record = {
                "name": evil,
                "title": {"en": evil, "ja": evil},
                "source": evil,
                "text": evil,
                "versions": {"vtax": evil, evil: str(margin)},
                "model": f"{evil}{margin}",
                "identity": evil,
                "cells": tuple(
                    replace(cell, os=evil, workload=evil, load=((evil, evil),))
                    for cell in campaign.record.cells
                ),
                "margin": margin,
                "constants": ({**constant, "published": f"{evil} {margin}"},),
            }
            sources.append(place / f"results-{number}-{margin}")
            fill(sources[-1], campaign, record)
    site = place / "deep" / "er" / "site"
    before = set(place.rglob("*"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sites, "chromium", lambda: None)
        publish(sources, site)
    made = set(place.rglob("*")) - before - {site, *site.parents}
    assert all(site in path.parents for path in made)
    return Hostile(site, secret.read_text())


def test_hostile_names_lead_nowhere_and_run_nothing(hostile, parse_page):
    pages = check_pages(hostile.site, parse_page)
    assert sum(name.endswith("comparison.en.html") for name in pages) == 1
    for content in tree(hostile.site).values():
        assert hostile.secret.encode() not in content
    index = pages["index.html"]
    assert EVIL in {each.text for each in index.all("h2")}


@pytest.mark.printing
def test_hostile_pages_run_nothing_in_a_browser(hostile, tmp_path):
    browser = programs.program("chromium")
    control = tmp_path / "control.html"
    control.write_text(f"<title>still</title>{EVIL}")
    assert "<title>ran</title>" in opened_in(browser, control, tmp_path)
    (comparison,) = hostile.site.glob("comparisons/script-document-title*/comparison.en.html")
    report = next(hostile.site.glob("reports/script-document-title*/report.en.html"))
    for path in (hostile.site / "index.html", comparison, report):
        document = opened_in(browser, path, tmp_path)
        assert "<title>ran</title>" not in document
        assert hostile.secret not in document


def opened_in(browser: str, page: Path, scratch: Path) -> str:
    """What a page has become when its scripts, if any, have run."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={scratch / 'profile'}", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.printing
def test_reports_are_printed_once(results, tmp_path, monkeypatch):
    programs.program("chromium")
    source, site = results("a"), tmp_path / "site"
    with monkeypatch.context() as patched:
        patched.setattr(sites, "chromium", lambda: None)
        publish([source], site)
    before = tree(site)
    assert publish([source], site).warnings == ()
    printed = tree(site)
    for language in languages():
        (pdf,) = (each for each in printed if each.endswith(f"report.{language}.pdf"))
        assert printed[pdf].startswith(b"%PDF")
    assert f"{Path(pdf).parent}/report.en.pdf" in printed["index.html"].decode()
    indexes = {sites.index_name(language) for language in languages()}
    assert all(printed[name] == before[name] for name in before.keys() - indexes)
    publish([source], site)
    assert tree(site) == printed


@pytest.mark.printing
def test_a_browser_that_fails_costs_the_pdf_only(results, tmp_path, monkeypatch):
    monkeypatch.setattr(sites, "chromium", lambda: "/bin/false")
    found = publish([results("a")], tmp_path / "site")
    assert found.added == 1
    assert "not printed to PDF" in found.warnings[0]
    assert (found.publications[0] / "report.en.html").exists()
