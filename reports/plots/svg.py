"""Figures as SVG for a page: text stays text, no ids collide, nothing needs a style attribute.

Matplotlib writes style attributes, which a strict Content-Security-Policy forbids. Everything in
them is a presentation attribute of SVG as well, and is written as such. Equal figures give equal
bytes.
"""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from unicodedata import east_asian_width
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
import numpy as np
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from harness.printable import printable
from reports import format as numbers
from reports.palette import INK, MUTED, RULE

WIDTH = 9.0
"""Width of all figures in inches; the page scales them to its own."""

_LONGEST = 40
"""Narrow characters in a line of a figure; wide ones, such as kanji, count twice."""

_LINE = 125
"""Narrow characters in a line of the legend of a figure."""

_HANDLE = 7
"""Narrow characters that the mark of an entry of a legend and the space around it take."""

_COLUMNS = 7
"""Of a legend, at most."""


_PARAMETERS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vtax",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.facecolor": "none",
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8.5,
    "grid.color": "#e8ecf1",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "path.simplify": True,
    "path.simplify_threshold": 0.1,
}

_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT_SIZE = re.compile(r"(\d+(?:\.\d+)?)px")
_DROPPED = {"metadata", "style", "title"}
_UPRIGHT = re.compile(r"rotate\(-?0 [^)]*\)")
_ROUNDED = ("d", "transform", "x", "y", "width", "height", "stroke-dasharray")


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the style of reports, independent of the settings of the user."""
    with warnings.catch_warnings(), matplotlib.rc_context():
        # The browser has glyphs that the font used for measuring lacks.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        matplotlib.rcdefaults()
        matplotlib.style.use(_PARAMETERS)
        yield


def new_figure(height: float) -> Figure:
    """Make a figure of the common width; to be used within :func:`drawing`.

    Parameters
    ----------
    height
        In inches.
    """
    return Figure(figsize=(WIDTH, height), layout="constrained", facecolor="none")


def label(text: str) -> str:
    """Make any text fit for a figure: nothing that XML cannot hold, no line that is too long."""
    lines = text.expandtabs(1).split("\n")
    return "\n".join(_cut(printable(line[: 2 * _LONGEST])) for line in lines)


def add_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above a figure, in as many columns as fit."""
    widths = [_HANDLE + _width(str(handle.get_label())) for handle in handles]
    columns = min(_COLUMNS, len(widths)) or 1
    while columns > 1 and sum(map(max, np.array_split(widths, columns))) > _LINE:
        columns -= 1
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, columnspacing=1.4)


def overhead_ticks(axes: Axes, ticks: Iterable[float]) -> None:
    """Label the ticks that are within a horizontal axis of overheads."""
    low, high = axes.get_xlim()
    axes.set_xticks([each for each in ticks if low <= each <= high])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: numbers.overhead(value))


def box(left: float, right: float, low: float, high: float) -> list[tuple[float, float]]:
    """Corners of a rectangle, one of many in a collection."""
    return [(left, low), (right, low), (right, high), (left, high)]


def _cut(line: str) -> str:
    if _width(line) <= _LONGEST:
        return line
    while _width(line) > _LONGEST - 1:
        line = line[:-1]
    return f"{line}\N{HORIZONTAL ELLIPSIS}"


def _width(text: str) -> int:
    return len(text) + sum(east_asian_width(each) in ("W", "F") for each in text)


def as_svg(figure: Figure, key: str, title: str, description: str) -> Markup:
    """Write a figure as an inline SVG element.

    Parameters
    ----------
    key
        Unique on the page; begins the ids within.
    title, description
        Texts for readers who cannot see the figure.
    """
    buffer = io.StringIO()
    # Figure.savefig() would draw twice.
    FigureCanvasSVG(figure).print_svg(buffer)
    root = ElementTree.fromstring(buffer.getvalue())
    for element in root.iter():
        _plain(element)
    referenced = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        _identify(element, referenced, key)
    _flatten(root)
    view = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": view,
            "role": "img",
            "aria-labelledby": f"{key}-title {key}-desc",
            "stroke-linejoin": "round",
        }
    )
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": f"{key}-{tag}"})
        element.text = printable(text)
        root.insert(index, element)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _plain(element: ElementTree.Element) -> None:
    """Drop namespaces and white space, round coordinates, turn styles into attributes."""
    element.tag = element.tag.rpartition("}")[2]
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    for declaration in attributes.pop("style", "").split(";"):
        name, _, value = declaration.partition(":")
        attributes.update(_attribute(name.strip(), value.strip()))
    for name in _ROUNDED:
        if name in attributes:
            attributes[name] = " ".join(_NUMBER.sub(_rounded, attributes[name]).split())
    if _UPRIGHT.fullmatch(attributes.get("transform", "")):
        del attributes["transform"]
    element.attrib.clear()
    element.attrib.update(attributes)
    if element.tag not in ("text", "tspan"):
        element.text = None
    element.tail = None


def _attribute(name: str, value: str) -> dict[str, str]:
    if name in ("", "font-family", "stroke-linejoin") or value == "butt":
        return {}
    if name == "font":
        size = _FONT_SIZE.search(value)
        attributes = {"font-size": size[1]} if size else {}
        if re.search(r"\b(bold|[6-9]00)\b", value):
            attributes["font-weight"] = "bold"
        return attributes
    if name == "font-size":
        return {name: value.removesuffix("px")}
    return {name: value}


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _references(element: ElementTree.Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if name == "href":
            yield value.removeprefix("#")
        else:
            yield from _REFERENCE.findall(value)


def _identify(element: ElementTree.Element, referenced: set[str], key: str) -> None:
    """Keep ids only where they are needed, and make them the figure's own."""
    for name, value in list(element.attrib.items()):
        if name == "id":
            if value in referenced:
                element.attrib[name] = f"{key}-{value}"
            else:
                del element.attrib[name]
        elif name == "href":
            element.attrib[name] = f"#{key}-{value.removeprefix('#')}"
        else:
            element.attrib[name] = _REFERENCE.sub(rf"url(#{key}-\1)", value)


def _invisible(element: ElementTree.Element) -> bool:
    attributes = element.attrib
    return element.tag == "path" and attributes.get("fill") == "none" and "stroke" not in attributes


def _flatten(element: ElementTree.Element) -> None:
    """Replace groups without attributes by their elements."""
    children: list[ElementTree.Element] = []
    for child in element:
        if child.tag in _DROPPED or _invisible(child):
            continue
        _flatten(child)
        if child.tag == "g" and not child.attrib:
            children.extend(child)
        elif child.tag != "defs" or len(child):
            children.append(child)
    element[:] = children
