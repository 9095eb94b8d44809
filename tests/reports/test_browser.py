"""Reports in a real browser: nothing is loaded, nothing goes wrong, everything can be seen."""

import os
import re
from dataclasses import replace

import pytest
from playwright.sync_api import sync_playwright
from programs import program

from reports.builder import render
from reports.evidence import Evidence
from reports.i18n import LANGUAGES
from reports.palette import CAUSES
from tests.support.sensitive import sensitive

pytestmark = pytest.mark.slow

WIDTHS = {"phone": 390, "A4": 794, "desktop": 1280}
"""Of the window in CSS pixels."""

KINDS = ("claim", "scenarios")

CONTRAST = """
() => {
  const scaled = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  const part = (value) => scaled(value / 255)
  const light = (c) => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2])
  const parse = (text) => text.match(/[\\d.]+/g).map(Number)
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor)
      if (colour.length < 4 || colour[3] > 0) return colour
    }
    return [255, 255, 255]
  }
  const found = []
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
    if (!own || !element.getClientRects().length) continue
    const style = getComputedStyle(element)
    const inside = element instanceof SVGElement
    const colour = parse(inside ? style.fill : style.color)
    const [high, low] = [light(colour), light(behind(element))].sort((a, b) => b - a)
    const ratio = (high + 0.05) / (low + 0.05)
    if (ratio < 4.5) found.push(`${element.tagName} ${element.textContent.trim()}: ${ratio}`)
  }
  return found
}
"""
"""Text whose contrast is below that of WCAG 2.1, level AA, for small text."""

ACCESSIBLE_NAMES = """
() => [...document.querySelectorAll("svg, table, [tabindex], details > summary")]
  .filter((element) => {
    if (element.tagName === "TABLE") return !element.caption?.textContent.trim()
    if (element.tagName === "svg")
      return !element.getAttribute("aria-labelledby").split(" ")
        .every((id) => document.getElementById(id)?.textContent.trim())
    return !(element.getAttribute("aria-label") ?? element.textContent).trim()
  })
  .map((element) => element.outerHTML.slice(0, 80))
"""
"""What has no name for those who cannot see it."""

OPEN = "document.querySelectorAll('details').forEach((each) => (each.open = true))"

CLOSED = "details:not([open]) table"

CLIPPED = """
() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect()
  return [...svg.querySelectorAll("text")]
    .filter((text) => {
      const box = text.getBoundingClientRect()
      return box.left < frame.left - 1 || box.right > frame.right + 1 ||
        box.top < frame.top - 1 || box.bottom > frame.bottom + 1
    })
    .map((text) => text.textContent)
})
"""
"""Text of figures that runs out of them."""


@pytest.fixture(scope="module")
def browser():
    path = program("chromium")
    # Chromium's own sandbox needs what root in a container does not have.
    flags = ["--disable-background-networking", "--disable-quic", "--disable-component-update"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reports(make_product, play, shipped, tmp_path_factory):
    """Files by language and kind."""
    directory = tmp_path_factory.mktemp("reports")
    sides = [
        {"name": f"panic-{level}", "virtualization": how}
        for level, how in (("firmware", "shared-uncapped"), ("software", "hosted-vmware"))
    ]
    truth = {"full-system": 1.0, "shared-uncapped": 1.3, "dedicated": 1.05, "hosted-vmware": 2.4}
    claim = make_product(shipped, systems=3, workloads=4, virtualizations=truth)
    # Every cause has an entry in the legend.
    cells = [replace(cell, causes=dict.fromkeys(CAUSES, cell.throughput)) for cell in claim.cells]
    vars(claim)["cells"] = tuple(cells)
    studies = {
        "claim": claim,
        "scenarios": play(shipped, *sides),
    }
    found = {}
    for kind, study in studies.items():
        for language in LANGUAGES:
            path = directory / f"{kind}.{language}.html"
            found_out = sensitive(study, constants=20) if kind == "claim" else None
            page = render(study, language=language, evidence=Evidence(sensitivity=found_out))
            path.write_text(page, encoding="utf-8")
            found[language, kind] = path
    return found


@pytest.fixture
def visit(browser, reports):
    """Open a report in a window of a width; what it tells and asks for is checked in the end."""
    contexts, told, asked = [], [], []

    def open_(language, kind, width, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(reports[language, kind].as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert told == []
    assert len(asked) == len(contexts)
    assert set(asked) <= {path.as_uri() for path in reports.values()}


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
class TestAtEveryWidth:
    def test_fits_into_the_window_and_shows_all_figures(self, visit, language, kind, width):
        page = visit(language, kind, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(OPEN)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [each.bounding_box() for each in page.query_selector_all("figure svg")]
        assert boxes
        for box in boxes:
            assert box is not None
            assert box["width"] > 300
            assert box["height"] > 100
        assert all(each.is_visible() for each in page.query_selector_all("figure svg text"))

    def test_text_of_figures_stays_within_them(self, visit, language, kind, width):
        page = visit(language, kind, width)
        page.evaluate(OPEN)
        assert page.evaluate(CLIPPED) == []

    def test_text_stands_out_from_what_is_behind_it(self, visit, language, kind, width):
        page = visit(language, kind, width)
        page.evaluate(OPEN)
        assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
class TestForEverybody:
    def test_everything_has_a_name(self, visit, language, kind):
        page = visit(language, kind, WIDTHS["desktop"])
        assert page.evaluate(ACCESSIBLE_NAMES) == []

    def test_keys_reach_the_verdict_first(self, visit, language, kind):
        page = visit(language, kind, WIDTHS["desktop"])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#verdict"
        assert page.locator(".skip").bounding_box()["x"] >= 0

    def test_prints_few_pages_and_no_closed_table(self, visit, language, kind):
        page = visit(language, kind, WIDTHS["A4"])
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS["A4"]
        shown = [each for each in page.locator("figure svg").all() if each.is_visible()]
        assert all(each.bounding_box()["width"] <= 794 for each in shown)
        assert len(shown) >= (kind == "claim")
        assert page.locator("details table").all()
        assert not any(each.is_visible() for each in page.locator(CLOSED).all())
        printed = page.pdf(format="A4", prefer_css_page_size=True)
        assert len(re.findall(rb"/Type /Page\b", printed)) <= 12

    def test_prints_everything_that_is_open_as_in_the_appendix(self, visit, language, kind):
        page = visit(language, kind, WIDTHS["A4"])
        page.evaluate(OPEN)
        page.emulate_media(media="print")
        assert all(each.is_visible() for each in page.locator("details table").all())
        assert all(each.is_visible() for each in page.locator("figure svg").all())


def test_runs_nothing_even_if_a_script_were_in_it(browser, reports, tmp_path):
    """The policy of the page forbids it, whatever else may go wrong."""
    path = tmp_path / "forged.html"
    text = reports["en", "claim"].read_text(encoding="utf-8")
    evil = (
        '<script>window.ran = 1</script><img src="http://127.0.0.1:9/x" onerror="window.ran = 2">'
    )
    path.write_text(text.replace("<header>", f"{evil}<header>"), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    told = []
    page.on("console", lambda message: told.append(message.text))
    page.goto(path.as_uri())
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in each for each in told)
    context.close()
