"""The validation in a report: every miss is in the open, and whose model it is of."""

import math
import re
from dataclasses import replace

import pytest

from harness.validation.predicted_figures import predictions
from harness.validation.record import ValidationRecord
from harness.validation.row import FigureKind, Kind
from reports.builder import build_reports, render
from reports.evidence import Evidence
from reports.i18n import Texts

JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.fixture
def show(make_product, shipped, parse_page):
    """Give the section as a reader without any clicks sees it, and the whole page."""

    def shown(validation, **options):
        page = render(
            make_product(shipped, name="mine"), Evidence(validation=validation), **options
        )
        start = page.index('<section id="validation">')
        section = page[start : page.index("</section>", start) + 10]
        unfolded = re.sub("<details.*?</details>", "", section, flags=re.DOTALL)
        return parse_page(unfolded).text.replace("\xa0", " "), parse_page(section).text

    return shown


def test_without_a_validation_there_is_no_section(make_product, shipped):
    assert '<section id="validation">' not in render(make_product(shipped))


def test_every_miss_is_in_the_open_and_every_row_is_there(show, validate, shipped):
    record = validate(shipped)
    open_, whole = show(record)
    for row in record.rows:
        assert row.measure in whole
    for row in record.rows:
        if not row.passed:
            assert row.measure in open_, row
    assert "too low" in open_
    assert "\N{MINUS SIGN}90.00 %" in open_
    assert "nothing" not in open_


def test_hits_and_misses_are_counted_kind_by_kind(show, validate, shipped):
    open_, _ = show(validate(shipped))
    assert "2 of 4 predictions lie within their tolerance; 2 miss it." in open_
    assert open_.count("1 of 2 rows hold; 1 do not") == 3
    assert "shows only that the model keeps its constants" in open_


def test_bands_bounds_and_what_is_not_modelled_are_in_the_open(show, validate, shipped):
    record = validate(shipped)
    one = next(row for row in record.rows if row.kind is Kind.PREDICTION)
    rows = (
        *record.rows,
        replace(one, measure="a bound", value=1.0, figure=FigureKind.UPPER_BOUND),
        replace(one, measure="a band", value=3.0, figure=FigureKind.BAND, band=(1.0, 4.0)),
        replace(one, measure="absent", value=math.nan, low=math.nan, not_modelled="no such thing"),
    )
    open_, whole = show(validate(shipped, rows=rows))
    assert "4 of 6 predictions lie within their tolerance; 2 miss it." in open_
    assert "cannot express 1 further figures" in open_
    assert "2 published figures are bands or upper bounds" in open_
    assert "judged as values, 2 predictions would hold and 4 would miss" in open_
    assert "not modelled: no such thing" in whole
    assert "at most 2 s" in whole
    assert "1 s\N{EN DASH}4 s" in whole


def test_rows_stand_in_the_order_of_the_table(show, validate, shipped):
    record = validate(shipped)
    _, whole = show(record)
    part = whole[whole.index("All rows: Prediction") :]
    places = [part.index(each) for each in ("prediction case", "off 0.3", "too low", "nothing")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model_digest": "0" * 64}, "of another version of the model"),
        ({"constants_digest": "0" * 64}, "other values or ranges than the shipped catalog"),
        ({"quick": True}, "--quick"),
    ],
)
def test_what_makes_it_doubtful_is_said(show, validate, shipped, changes, told):
    assert told not in show(validate(shipped))[0]
    assert told in show(validate(shipped, **changes))[0]


def test_the_figure_shows_every_prediction_that_has_a_relative_error(
    validate, shipped, make_product
):
    page = render(make_product(shipped), Evidence(validation=validate(shipped)))
    svg = page[page.index("validation-errors-title") :]
    svg = svg[: svg.index("</svg>")]
    for measure in ("off 0.0", "off 0.3", "too low"):
        assert measure in svg
    assert "nothing" not in svg.partition("</desc>")[2]


def test_it_is_read_from_the_directory_of_results(build, truths, validate, shipped, parse_page):
    path = build(true=truths["confirmed"])
    assert "validation" not in {
        each.attributes["id"] for each in parse_page(path.read_text()).all("section")
    }
    validate(shipped).write(path.parent)
    section = parse_page(build_reports(path.parent)[0].read_text()).section("validation")
    assert "7.8.9" in section
    (path.parent / ValidationRecord.FILE_NAME).unlink()
    assert "7.8.9" not in build_reports(path.parent)[0].read_text()


@pytest.mark.parametrize("prediction", predictions(), ids=lambda each: each.measure)
def test_predictions_speak_japanese(prediction):
    said = Texts("ja").said
    names = [prediction.measure, prediction.note, f"{prediction.case}"]
    for text in filter(None, names):
        if text != "VMware Workstation 3.2 guest":
            assert JAPANESE.search(said(text)), text
