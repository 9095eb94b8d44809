"""Reports are complete in every language: texts, what is shipped, what runs say of themselves."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest

import harness.operations
from harness.analysis import notes as analysis
from harness.analysis.environment import Results
from harness.analysis.scenario_results import ELEMENTS
from harness.campaign import campaigns, plan
from harness.campaign.schema import fields
from harness.results.discrepancy import Discrepancy
from harness.results.store import Failure, StoredRun
from reports.builder import FILE_NAME, build_reports, file_name, render
from reports.i18n import LANGUAGES, LOCALES, Texts

CAMPAIGNS = sorted(Path(campaigns.__file__).parent.glob("*.toml"))
OTHERS = [language for language in LANGUAGES if language != "en"]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def leaves(tree, path=()) -> Iterator[tuple[tuple[object, ...], str]]:
    """All texts of a locale with where they stand."""
    if isinstance(tree, str):
        yield path, tree
    else:
        parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in parts:
            yield from leaves(value, (*path, key))


def places(text):
    return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})


def locale(language):
    tree = tomllib.loads((LOCALES / f"{language}.toml").read_text(encoding="utf-8"))
    return tree, tree.pop("sayings", {})


def test_there_is_a_locale_of_each_language_that_campaigns_may_be_written_in():
    assert {path.stem for path in LOCALES.glob("*.toml")} == set(LANGUAGES)
    assert LANGUAGES == fields.LANGUAGES


@pytest.mark.parametrize("language", OTHERS)
def test_locales_have_the_same_keys_and_places(language):
    english, other = (dict(leaves(locale(name)[0])) for name in ("en", language))
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert places(other[key]) == places(text), key
        assert other[key].strip(), key


@pytest.mark.parametrize("language", OTHERS)
def test_sayings_use_their_places_and_find_themselves(language):
    texts, (_, sayings) = Texts(language), locale(language)
    for said, text in sayings.items():
        assert set(places(text)) <= set(places(said)), said
        values = {name: f"<{number}>" for number, name in enumerate(places(said))}
        assert texts.said(said.format(**values)) == text.format(**values), said
        assert JAPANESE.search(text), text


def test_sayings_look_up_what_stands_in_their_places_and_leave_the_rest():
    japanese = Texts("ja")
    assert japanese.said("move 0.5 processing units from a to b") == (
        "a から b へ 0.5 プロセッサー・ユニットを移動"
    )
    assert japanese.said("a is down; nothing of ours; nothing moves") == (
        "a は停止中；nothing of ours；何も動かない"
    )
    for text in ("", "of my own {x}", "move" * 1000, "{0} users"):
        assert japanese.said(text) == text
    assert Texts("en").said("a is down; b") == "a is down; b"
    assert Texts("en").said("panic of x") == "panic of x"


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_shipped_campaigns_speak_every_language(path):
    def texts(tree):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            if key in ("text", "title") or (isinstance(value, dict) and "en" in value):
                yield key, value
            elif isinstance(value, dict | list):
                yield from texts(value)

    found = list(texts(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert found
    for key, value in found:
        assert isinstance(value, dict), (key, value)
        assert value.keys() == set(LANGUAGES), (key, value)
        assert all(each.strip() for each in value.values())


def test_names_of_elements_and_the_usual_claim_speak_every_language():
    for names in (*ELEMENTS.values(), plan._CLAIM):
        assert names.keys() == set(LANGUAGES)


def sentences() -> Iterator[str]:
    """What operations call themselves and why they are refused, with 7 for what is filled in."""
    for path in sorted(Path(harness.operations.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            inside = []
            if isinstance(node, ast.FunctionDef) and node.name == "describe":
                inside = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RefusedError":
                inside = node.args
            for each in inside:
                if isinstance(each, ast.JoinedStr):
                    parts = (getattr(part, "value", None) for part in each.values)
                    yield "".join(part if isinstance(part, str) else "7" for part in parts)
                elif isinstance(each, ast.Constant):
                    yield str(each.value)


def test_translates_what_operations_are_and_why_they_are_refused():
    found = {each for each in sentences() if re.search("[a-z]{2}", each)}
    assert len(found) > 50
    japanese = Texts("ja")
    assert [each for each in sorted(found) if not JAPANESE.search(japanese.said(each))] == []


def test_translates_what_the_analysis_notes(make_product, shipped):
    product = make_product(shipped, replications=2)
    cells = product.campaign.cells
    runs = {cell.position: {} for cell in cells}
    notes = set(analysis._MEANINGS.values())
    failed = [StoredRun("", cells[0], 0, "", Failure.ERROR, "boom", "", None)]
    compared = Results(product.environments, ())
    left_out = Discrepancy(
        identity="",
        model="",
        positions=(cells[0].position,),
        campaign_runs=0,
        runs=0,
        factors=(),
        unexplained=(),
        judged=(),
        left_out=(
            "2 runs of the study failed, and comparisons leave them out",
            "capacities were searched without the model's own misses",
        ),
    )
    for made, counts in ((runs, (failed, 1, None)), (product.runs, ([], 0, left_out))):
        notes |= set(analysis.study_notes(product.campaign, compared, made, 9, 1, *counts))
    bare = replace(
        product.campaign, cells=tuple(c for c in cells if c.virtualization != "full-system")
    )
    notes |= set(analysis.study_notes(bare, Results((), ()), runs, 0, 0, [], 0, None))
    assert len(notes) > 9
    for note in notes:
        said = Texts("ja").said(note)
        assert JAPANESE.search(said), note
        assert not re.search(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", said), said


def test_writes_one_file_for_each_language(build, truths, parse_page):
    directory = build(true=truths["refuted"], replications=2).parent
    assert [path.name for path in build_reports(directory, LANGUAGES)] == [
        FILE_NAME,
        "report.ja.html",
    ]
    assert [file_name(each) for each in LANGUAGES] == [FILE_NAME, "report.ja.html"]
    english, japanese = (
        parse_page((directory / file_name(each)).read_text(encoding="utf-8")) for each in LANGUAGES
    )
    for page, language in ((english, "en"), (japanese, "ja")):
        assert page.all("html")[0].attributes["lang"] == language
    assert [each.tag for each in english.elements] == [each.tag for each in japanese.elements]
    assert build_reports(directory, ["ja"])[0].read_text(encoding="utf-8") == japanese.source


def test_every_heading_caption_and_column_of_a_japanese_report_is_japanese(
    build, truths, play, shipped, parse_page
):
    names = ("panic-firmware", "shared-uncapped"), ("panic-software", "hosted-vmware")
    sides = [{"name": name, "virtualization": how} for name, how in names]
    scenarios = parse_page(render(play(shipped, *sides), language="ja"))
    path = build(true=truths["refuted"], replications=3)
    claims = parse_page(build_reports(path.parent, ["ja"])[0].read_text(encoding="utf-8"))
    own = {"OS", "n"} | {"shared-uncapped", "hosted-vmware"}
    for page in (claims, scenarios):
        for tag in ("h2", "h3", "caption", "summary"):
            for element in page.all(tag):
                text = element.text.strip()
                known = JAPANESE.search(text) or re.fullmatch(
                    r"p5-\d+|[\w-]+|Virtual I/O Server: .*|Virtual I/O Server", text
                )
                assert known, (tag, text)
        for head in page.all("th"):
            if head.attributes["scope"] == "col" and "thead" in head.within:
                text = head.text.strip()
                known = JAPANESE.search(text) or re.fullmatch(r"～[\d.]+.m?s", text)
                assert known or text in own | {"commercial"}, text
