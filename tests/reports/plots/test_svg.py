"""Figures become markup that is safe, small and always the same."""

import os
import re
import subprocess
import sys
from unicodedata import east_asian_width
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from hypothesis import given
from hypothesis import strategies as st

from reports.plots.svg import as_svg, drawing, label, new_figure


def drawn(text="a < b & $x^2$", key="key"):
    with drawing():
        figure = new_figure(2.0)
        axes = figure.subplots()
        axes.plot([0.0, 1.0], [0.0, 1.0], marker="o")
        axes.set_title(label(text))
        return as_svg(figure, key, "title < &", "description")


def test_text_stays_text():
    root = ElementTree.fromstring(drawn())
    assert "a < b & $x^2$" in [element.text for element in root.iter("text")]


def test_says_what_it_shows():
    root = ElementTree.fromstring(drawn())
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    assert [root[0].tag, root[0].text] == ["title", "title < &"]
    assert [root[1].tag, root[1].text] == ["desc", "description"]
    assert root.attrib["aria-labelledby"] == f"{root[0].attrib['id']} {root[1].attrib['id']}"


def test_ids_are_the_figures_own_and_styles_are_attributes():
    root = ElementTree.fromstring(drawn(key="mine"))
    ids = {each.attrib["id"] for each in root.iter() if "id" in each.attrib}
    assert ids
    assert all(each.startswith("mine-") for each in ids)
    for element in root.iter():
        assert "style" not in element.attrib
        if "href" in element.attrib:
            assert element.attrib["href"].removeprefix("#") in ids
        for name in re.findall(r"url\(#(.*?)\)", " ".join(element.attrib.values())):
            assert name in ids
    assert any("stroke" in each.attrib for each in root.iter("path"))
    assert all(float(each.attrib["font-size"]) > 0 for each in root.iter("text"))


def test_equal_figures_are_equal_bytes():
    assert drawn() == drawn()


@given(st.text())
def test_labels_can_be_held_by_xml_and_are_short(text):
    made = label(text)
    assert ElementTree.fromstring(f"<a>{escape(made)}</a>").text in (made, None)
    assert all(len(line) <= 40 for line in made.split("\n"))
    assert not any(ord(each) < 32 and each != "\n" for each in made)
    width = sum(1 + (east_asian_width(each) in "WF") for each in text)
    if text.isprintable() and width <= 40:
        assert made == text


def test_a_home_that_cannot_be_written_is_no_matter_for_messages():
    unset = ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    environment = {name: text for name, text in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", "import reports.plots.svg"],
        env={**environment, "HOME": "/proc"},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stderr == ""
