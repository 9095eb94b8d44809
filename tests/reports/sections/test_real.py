"""Reports of campaigns on a real machine: measured beside predicted."""

import pytest
from real_studies import REASON, real_study

from reports.builder import render
from reports.i18n import LANGUAGES


@pytest.fixture(scope="module")
def found():
    return real_study()


@pytest.fixture(scope="module")
def pages(found, parse_page):
    return {language: parse_page(render(found, language=language)) for language in LANGUAGES}


def test_the_first_table_is_what_was_measured_on_this_machine(pages):
    page = pages["en"]
    first = page.all("table")[0]
    assert "Fixed-work slowdown" in page.section("measured")
    assert first.attributes["class"] == "measured"
    assert page.source.index('id="measured"') < page.source.index('id="reading"')
    assert '<section id="verdict">' not in page.source


def test_a_prediction_stands_beside_each_measurement_with_its_error(pages):
    text = pages["en"].section("measured")
    assert "qemu-tcg 4.00" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "hit" in text
    assert "miss" in text
    assert "2 of 3 predictions are within 25" in text
    assert "forks 70" in text


def test_disturbed_runs_are_counted_and_none_is_left_out(pages, found, parse_page):
    text = pages["en"].section("measured")
    assert "disturbed runs 9 of 90" in text
    assert "2 of 20" in text
    assert found.complete == 90
    assert "figures to look at" not in text
    busy = parse_page(render(real_study(disturbed=6))).section("measured")
    assert "54 of 90 runs were disturbed by other programs" in busy


def test_a_target_that_does_not_work_is_told_with_its_reason(pages):
    for page in pages.values():
        assert "qemu-kvm" in page.section("failures")
    assert REASON in pages["en"].section("failures")


def test_the_machine_is_described(pages):
    text = pages["en"].section("machine")
    for said in ("An imitation <b>", "1.2.3", "flaw: Mitigation: patience", "5.00 ms"):
        assert said.replace(" ", "") in text.replace(" ", "").replace("\N{NO-BREAK SPACE}", ""), (
            said
        )


@pytest.mark.parametrize("word", ["full-system", "firmware", "POWER", "Virtual I/O", "simulat"])
def test_nothing_is_said_of_what_only_a_model_has(pages, word):
    page = pages["en"]
    text = page.text
    end = text.index("The campaign file as it was read")
    assert word.lower() not in text[:end].lower()


def test_both_languages_show_the_same_numbers(pages):
    numbers = {
        language: [element.text for element in page.all("b")] for language, page in pages.items()
    }
    ratios = {
        language: [text for text in told if text.replace(".", "").isdigit()]
        for language, told in numbers.items()
    }
    assert ratios["en"] == ratios["ja"]
    assert "的中" in pages["ja"].section("measured")


def test_without_a_prediction_there_is_a_dash_and_the_reason(pages):
    text = pages["en"].section("measured")
    assert "web capped" in text
    assert "web (lighttpd fails)" in text


def test_it_is_the_same_each_time(found):
    assert render(found) == render(found)
