"""Figures show all of what was measured, where it was measured."""

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.i18n import Texts
from reports.palette import CAUSES
from reports.plots.bars import _limit, _log_ticks, causes, forest, responses
from reports.plots.svg import drawing
from reports.view import ReportView


@pytest.fixture(scope="module")
def view(make_product, shipped):
    return ReportView(
        make_product(shipped, systems=2, workloads=3, replications=3), Texts("en"), {}
    )


def tree(svg):
    return ElementTree.fromstring(svg)


def words(root):
    return [element.text for element in root.iter("text")]


def test_a_forest_has_a_mark_for_every_overhead(view):
    with drawing():
        root = tree(forest(view, "slowdown", "machine-0", view.works))
    colours = {view.styles[name].colour: name for name in view.virtualizations[1:]}
    marks = dict.fromkeys(colours.values(), 0)
    for element in root.iter("use"):
        if element.attrib.get("fill") in colours:
            marks[colours[element.attrib["fill"]]] += 1
    # Two operating systems times three workloads, and one in the legend.
    assert marks == dict.fromkeys(marks, 2 * 3 + 1)
    found = words(root)
    assert {"os-0", "os-1", "work-0", "work-1", "work-2"} <= set(found)


def test_a_forest_of_single_replications_has_hollow_marks(make_product, shipped):
    single = ReportView(make_product(shipped, replications=1), Texts("en"), {})
    with drawing():
        root = tree(forest(single, "slowdown", "machine-0", single.works))
    fills = [element.attrib.get("fill") for element in root.iter("use")]
    assert fills.count("#ffffff") == 2


def test_bars_add_up_to_the_processor_time(view):
    with drawing():
        root = tree(causes(view, "machine-0", "os-0", view.works[:1], ("user", "os")))
    cell = view.cell(("machine-0", "os-0", *view.works[0]), "full-system")
    widths = {}
    for element in root.iter("path"):
        if element.attrib.get("fill") in (CAUSES["user"], CAUSES["os"]):
            xs = [
                float(each)
                for each in element.attrib["d"].replace("z", "").split()
                if each[0] in "0123456789"
            ][::2]
            widths.setdefault(element.attrib["fill"], []).append(max(xs) - min(xs))
    ratio = cell.causes["os"].estimate / cell.causes["user"].estimate
    # The legend's patches come last; the first bar is the baseline's.
    assert widths[CAUSES["os"]][0] / widths[CAUSES["user"]][0] == pytest.approx(ratio, rel=0.02)


def test_only_the_software_level_leaves_the_scale(view):
    environment = ("machine-0", "os-0", *view.works[0])
    cells = {name: view.cell(environment, name) for name in view.virtualizations}
    limit = _limit(view, cells)
    for name, cell in cells.items():
        if view.level(name) != "software":
            total = math.fsum(interval.estimate for interval in cell.causes.values())
            assert total <= limit
    assert _limit(view, dict.fromkeys(cells)) > 0.0


def test_distributions_have_a_curve_for_every_virtualization(view):
    with drawing():
        root = tree(responses(view, "machine-0", "os-1", view.works))
    found = words(root)
    assert {"work-0", "work-1", "work-2", "99\N{NO-BREAK SPACE}%"} <= set(found)
    colours = [element.attrib.get("stroke") for element in root.iter("path")]
    for name in view.virtualizations:
        assert colours.count(view.styles[name].colour) >= 3


@given(
    st.floats(min_value=1e-7, max_value=10.0),
    st.floats(min_value=1.5, max_value=1e6),
)
def test_ticks_lie_within_the_axis_and_are_few(low, factor):
    ticks = _log_ticks(low, low * factor)
    assert all(low <= each <= low * factor for each in ticks)
    assert ticks == sorted(ticks)
    assert len(ticks) <= 8
    if factor >= 10.0:
        assert len(ticks) >= 3
