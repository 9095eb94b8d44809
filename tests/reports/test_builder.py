"""The page as a whole: what it says, and what it must never do."""

import base64
import hashlib
import os
import re
import sqlite3
from dataclasses import replace
from itertools import pairwise

import matplotlib
import pytest

from harness.analysis.study import study
from harness.errors import UserError
from harness.printable import printable
from harness.results.record import CampaignRecord
from reports.builder import FILE_NAME, build_reports, render
from reports.evidence import Evidence
from reports.sections.main import SECTIONS

EVIL = "<script>alert(1)</script>\"' onload=x $x^2$ & {{ 7 * 7 }} {0} %s </style></pre>"
"""What a user might call something."""


@pytest.fixture(scope="module")
def pages(build, truths, parse_page):
    return {outcome: parse_page(build(true=true).read_text()) for outcome, true in truths.items()}


def check_self_contained(page):
    """Nothing is loaded, nothing runs, every reference stays within the page."""
    tags = {element.tag for element in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "img", "base", "form"}
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on"), (element.tag, name)
            assert name not in ("src", "srcset", "style", "action", "background"), element
            if name.endswith("href"):
                assert value.startswith("#"), value
                assert value[1:] in ids, value
            for reference in re.findall(r"url\((.*?)\)", value):
                assert reference.removeprefix("#") in ids, reference
            if name == "aria-labelledby":
                assert set(value.split()) <= set(ids)
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


SIGNS = {"confirmed": "✓", "refuted": "✗", "inconclusive": "?"}


def test_says_the_outcome_in_words_and_not_by_colour_alone(pages):
    wording = {
        "confirmed": "confirmed the firmware level costs less Shown in all 2 findings.",
        "refuted": "Shown in 1 of 2 findings; refuted for commercial, users = 4 (slowdown",
        "inconclusive": "Shown in none of 2 findings; inconclusive for commercial, users = 4.",
    }
    for outcome, page in pages.items():
        verdict = page.section("verdict")
        assert verdict.startswith(f"Verdict {SIGNS[outcome]} {outcome}")
        assert wording[outcome] in verdict
        for other in wording.keys() - {outcome}:
            assert wording[other] not in verdict


REAL = ("measured", "machine", "beside")
"""Sections of a report on a real machine, and of one beside a model."""


STUDIES = ("elements", "capacity", "sensitivity", "validation", "failures", "constants")
"""Sections that a campaign without these has not."""


def test_puts_the_verdict_first_and_everything_into_the_contents(pages):
    names = [name for name, _ in SECTIONS if name not in (*STUDIES, *REAL)]
    for outcome, page in pages.items():
        found = [each.attributes["id"] for each in page.all("section")]
        assert found == [name for name in names if name != "findings" or outcome != "confirmed"]
        links = [each.attributes["href"] for each in page.all("a") if "nav" in each.within]
        assert links == [f"#{name}" for name in found]
        assert (
            next(each.tag for each in page.elements if each.tag in ("section", "nav")) == "section"
        )


def test_names_the_studies_that_were_not_made_in_one_line(pages):
    for page in pages.values():
        verdict = page.section("verdict")
        for command in ("validate --save-to", "capacity", "sensitivity"):
            assert f"vtax {command} results/synthetic" in verdict


def test_begins_with_date_machines_systems_and_version(build, truths, parse_page, shipped):
    path = build(true=truths["confirmed"], replications=2)
    os.utime(path.parent / "store.sqlite", (1_196_000_000, 1_196_000_000))
    page = parse_page(build_reports(path.parent)[0].read_text())
    (facts,) = (each for each in page.all("p") if each.attributes.get("class") == "facts")
    assert facts.text.startswith("2007-11-25 · p5-570, p5-550 · AIX 5L V5.3 · simulated")


def test_shows_each_workload_with_firmware_beside_the_best_software(pages):
    verdict = pages["refuted"].section("verdict")
    table = verdict[verdict.index("workload fixed-work slowdown") :]
    row = table[table.index(" commercial, users = 4 ") :]
    assert re.match(
        r" commercial, users = 4 ✗ \+(29|30)( … \+\d+)? % \+\d+ … \+\d+ % "
        r"\+(39|40|41)( … \+\d+)? % \+\d+ … \+\d+ % ",
        row,
    ), row


def test_lists_findings_against_the_claim(pages):
    assert "findings" not in {each.attributes["id"] for each in pages["confirmed"].all("section")}
    refuted = pages["refuted"].section("findings")
    assert "commercial, users = 4, fixed-work slowdown p5-570, p5-550, AIX 5L V5.3" in refuted
    assert "✗ refuted" in refuted
    assert "margin 10 %" in refuted
    unknown = pages["inconclusive"].section("findings")
    assert "? inconclusive" in unknown
    assert "per operation" in unknown
    assert "processors per 1,000 operations/s" in unknown


def test_is_self_contained(pages):
    for page in pages.values():
        check_self_contained(page)


def test_has_a_strict_policy_that_allows_its_own_styles(pages):
    for page in pages.values():
        (policy,) = (
            each.attributes["content"]
            for each in page.all("meta")
            if "http-equiv" in each.attributes
        )
        (style,) = page.all("style")
        digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )


def test_has_a_table_behind_every_figure(pages):
    for page in pages.values():
        assert len(page.all("svg")) == 1 + 2 * 2 + 2 + 2
        for section in ("overheads", "time", "responses"):
            start = page.source.index(f'<section id="{section}">')
            part = page.source[start : page.source.index("</section>", start)]
            tags = re.findall(r"<(figure|details)", part)
            for number, tag in enumerate(tags):
                if tag == "figure":
                    assert "details" in tags[number + 1 : number + 2]
        assert 'class="stack workloads"' in page.source


def test_describes_figures_to_those_who_cannot_see_them(pages):
    first, *others = pages["refuted"].all("svg")
    assert first.text.startswith("Overheads by workload")
    for element in others:
        assert element.attributes["role"] == "img"
        assert element.attributes["aria-labelledby"]
        assert re.match(r"\S.*p5-5[57]0", element.text)


def test_has_headings_in_steps_of_one_and_a_name_for_each_column(pages):
    for page in pages.values():
        levels = [int(each.tag[1]) for each in page.elements if re.fullmatch(r"h\d", each.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        for before, after in pairwise(levels):
            assert after <= before + 1
        for head in page.all("th"):
            assert head.attributes["scope"] in ("col", "colgroup", "row", "rowgroup")


def test_shows_failed_runs_and_what_the_machine_cannot_hold(build, truths, parse_page):
    page = parse_page(
        build(
            true=truths["confirmed"],
            failing={("p5-570", "shared-uncapped", 3), ("p5-570", "shared-uncapped", 5)},
            infeasible={("p5-550", "hosted-vmware")},
        ).read_text()
    )
    found = page.section("failures")
    assert "p5-550 hosted-vmware no whole cores 1" in found
    assert (
        "p5-570 / aix-5.3 / shared-uncapped / commercial, users = 4 4, 6 "
        "error : the model or a user class raised an error boom" in found
    )
    verdict = page.section("verdict")
    assert "2 runs failed; comparisons use the replications that both sides have." in verdict
    assert "✗" not in verdict


def test_names_hosted_monitors_with_their_year(build, truths, parse_page, monkeypatch):
    def monitor(record, virtualization):
        return "Thin monitor (1999)" if virtualization.startswith("hosted") else ""

    monkeypatch.setattr(CampaignRecord, "monitor", monitor)
    page = parse_page(build(true=truths["confirmed"]).read_text())
    assert page.section("reading").count("Thin monitor (1999)") == 1


def test_says_that_there_is_no_claim(build, truths, parse_page):
    page = parse_page(build(true=truths["confirmed"], claim=None).read_text())
    assert "This campaign has no claim" in page.section("verdict")
    assert not {"findings"} & {each.attributes["id"] for each in page.all("section")}
    assert page.section("overheads")


def test_says_what_a_single_replication_cannot(build, truths, parse_page):
    page = parse_page(build(true=truths["confirmed"], replications=1).read_text())
    assert "? inconclusive" in page.section("verdict")
    assert "interval unknown" in page.section("verdict")
    assert "A hollow mark has no interval" in page.section("overheads")
    assert "nan" not in page.text.lower().split()
    assert "∞" not in page.text


def test_reports_a_campaign_without_a_single_result(build, truths, parse_page):
    every = {
        (machine, name, 0)
        for machine in ("p5-570", "p5-550")
        for name in ("full-system", "shared-uncapped", "hosted-vmware")
    }
    for kind in ("absent", "idle"):
        page = parse_page(
            build(true=truths["confirmed"], replications=1, **{kind: every}).read_text()
        )
        assert "Nothing was measured." in page.section("verdict")
        assert "overheads" not in {each.attributes["id"] for each in page.all("section")}
        check_self_contained(page)


def test_shows_every_constant_with_its_source_and_status(make_product, shipped, parse_page):
    page = parse_page(render(make_product(shipped)))
    rows = {
        row.text.split()[0]: " ".join(row.text.split())
        for row in page.all("tr")
        if row.attributes.get("class") in ("verified", "recalled", "assumed")
    }
    assert rows.keys() == {constant["name"] for constant in shipped.constants}
    for constant in shipped.constants:
        row = rows[constant["name"]]
        for key in ("meaning", "published", "published_range", "source"):
            assert " ".join(constant[key].split()) in row.replace("\N{NO-BREAK SPACE}", " ")
        status = re.search(r"(verified|recalled|assumed)", row[len(constant["name"]) :])
        assert status is not None
    for status in ("verified", "recalled", "assumed"):
        count = sum(constant["status"] == status for constant in shipped.constants)
        marks = [
            each
            for each in page.all("span")
            if each.attributes.get("class") == f"status {status}" and "td" in each.within
        ]
        assert len(marks) == count
        assert all(mark.text == status for mark in marks)
        assert re.search(rf"\b{count} (are )?{status}", page.section("constants"))


def test_tells_how_to_repeat_it(make_product, shipped, parse_page):
    page = parse_page(render(make_product(shipped, replications=3)))
    found = page.section("repeat")
    assert "vtax run smoke --seed 2007 --replications 3 --out results/smoke" in found
    assert shipped.identity in found
    assert shipped.model in found
    assert f"vtax {shipped.versions['vtax']}" in found
    assert " ".join(shipped.text.split()) in found


def test_names_the_seed_replications_and_draws(make_product, shipped, parse_page):
    draws = {str(number): {"hypervisor.vp_switch": 3e-6, "os.tick": 1.0} for number in range(4)}
    page = parse_page(render(make_product(shipped), Evidence(drawn=draws)))
    assert "In this campaign 4 draws of 2 constants were made." in page.section("method")


def test_escapes_whatever_a_user_typed(make_product, shipped, parse_page):
    evil = f"{EVIL}\x01\n\N{RIGHT-TO-LEFT OVERRIDE}顧客"
    hostile = make_product(
        shipped,
        machines=1,
        systems=1,
        workloads=2,
        loads=2,
        names=lambda kind, number: f"{kind} {number} {evil}",
        name=evil,
        title={"en": evil},
        source=evil,
        text=evil,
        starts=evil,
        identity=evil,
        model=evil,
        versions={"vtax": evil, evil: evil},
        constants=tuple(
            {**each, "source": evil, "meaning": evil, "published": evil, "name": evil}
            for each in shipped.constants[:3]
        ),
    )
    claim = {**hostile.campaign.claim, "text": {"en": evil}}
    campaign = replace(hostile.campaign, claim=claim)
    cell = replace(campaign.cells[0], infeasible=evil)
    hostile = replace(
        hostile,
        campaign=campaign,
        verdict=replace(hostile.verdict, claim_text={"en": evil}),
        notes=(evil,),
        damaged=(evil,),
        infeasible=(cell,),
    )
    page = parse_page(render(hostile))
    check_self_contained(page)
    plain = parse_page(render(make_product(shipped, workloads=2, loads=2)))
    assert {each.tag for each in page.elements} <= {each.tag for each in plain.elements}
    assert page.all("blockquote")[0].text == printable(evil)
    assert page.all("h1")[0].text == printable(evil)
    assert "49" not in page.all("h1")[0].text
    for svg in page.all("svg"):
        assert "\x01" not in svg.text
        assert "<script" in svg.text


def test_builds_the_same_bytes_whatever_the_settings_of_the_library(build, truths):
    path = build(true=truths["confirmed"], replications=3)
    first = path.read_bytes()
    with matplotlib.rc_context():
        matplotlib.rcParams["lines.linewidth"] = 9
        matplotlib.rcParams["font.size"] = 30
        assert build_reports(path.parent)[0].read_bytes() == first
    assert b"matplotlib" not in first


@pytest.mark.slow
def test_stays_under_two_megabytes_for_the_whole_carrier_campaign(make_product, shipped):
    truth = {
        "full-system": 1.0,
        "physical": 1.0,
        "dedicated": 1.031,
        "shared-capped": 1.52,
        "shared-uncapped": 1.049,
        "hosted-vmware": 3.47,
        "hosted-uml": 27.9,
    }
    shape = {"machines": 3, "systems": 3, "workloads": 8}
    page = render(make_product(shipped, **shape, virtualizations=truth))
    assert len(page.encode()) < 2_000_000


def test_replaces_the_report_in_one_step_or_not_at_all(build, truths):
    path = build(true=truths["confirmed"], replications=2)
    assert path.name == FILE_NAME
    names = {each.name for each in path.parent.iterdir()}
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=rf"{FILE_NAME}: cannot be written"):
        build_reports(path.parent)[0]
    assert {each.name for each in path.parent.iterdir()} == names


def test_the_appendix_has_every_table_open(build, truths):
    path = build(true=truths["confirmed"], replications=2)
    report, appendix = build_reports(path.parent, appendix=True)
    assert (report, appendix.name) == (path, "appendix.html")
    assert '<details class="data" open' not in report.read_text()
    assert re.findall("<details[^>]*>", appendix.read_text())
    assert all(" open" in each for each in re.findall("<details[^>]*>", appendix.read_text()))
    assert [each.name for each in build_reports(path.parent, ["ja"], appendix=True)] == [
        "report.ja.html",
        "appendix.ja.html",
    ]


def test_needs_a_campaign(tmp_path):
    with pytest.raises(UserError, match="no campaign there"):
        build_reports(tmp_path)[0]
    assert not list(tmp_path.iterdir())


def test_tells_what_could_not_be_read(build, truths, parse_page):
    path = build(true=truths["confirmed"], replications=3)
    connection = sqlite3.connect(path.parent / "store.sqlite")
    connection.execute("UPDATE runs SET measures = x'00' WHERE cell = 1 AND replication = 1")
    connection.commit()
    connection.close()
    page = parse_page(build_reports(path.parent)[0].read_text())
    assert "cell 1 replication 1" in page.section("failures")
    assert "1 parts of the store are damaged" in page.section("verdict")


def test_shows_loads_beside_workloads(make_product, shipped, parse_page):
    page = parse_page(render(make_product(shipped, workloads=2, loads=2)))
    assert "work-1 factor-0 = 1" in page.section("overheads")
    assert any("factor-0 = 1" in svg.text for svg in page.all("svg"))


def test_reports_a_study_without_constants_or_environments(shipped, parse_page):
    empty = study(replace(shipped, cells=shipped.cells[:1], constants=()), {})
    check_self_contained(parse_page(render(empty)))
