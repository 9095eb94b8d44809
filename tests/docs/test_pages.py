"""Pages agree with the code, and what they point at exists."""

import re
from typing import Any

import pages
import pytest
from pages import PAGES, ROOT, codes, headings, links
from typer.main import get_command

from harness.campaign.schema.campaign import Campaign
from harness.cli.app import app

IDS = [page.name if page.name != "README.md" else str(page.relative_to(ROOT)) for page in PAGES]
OVER_PAGES = pytest.mark.parametrize("page", PAGES, ids=IDS)
FOREIGN_OPTIONS = {
    *("--web-host", "--nthreads", "--version", "--help"),
    *("--campaign", "--machine", "--os", "--virtualization", "--workload"),
    "--peers",
}
"""Options of Dask, of Locust, ours with Locust's, and of `scripts/bench`."""
TOP = ("harness", "workloads", "reports", "grafana", "tests", "scripts", "docs", ".ci")
"""Folders of the project: a path that begins with one of them is a file of ours."""


@pytest.mark.interpreted
@OVER_PAGES
def test_generated_parts_are_up_to_date(page):
    text = page.read_text(encoding="utf-8")
    assert pages.docs.rewritten(text) == text, "call scripts/docs"


def test_every_table_of_the_campaign_file_is_described():
    named = re.findall(
        r"<!-- generated: table (\w+) -->",
        "".join(page.read_text(encoding="utf-8") for page in PAGES),
    )
    assert sorted(named) == sorted(Campaign.model_json_schema()["$defs"])


def test_every_key_of_the_campaign_file_has_a_meaning():
    tables: dict[str, Any] = Campaign.model_json_schema()["$defs"]
    assert [
        f"{name}.{key}"
        for name, table in tables.items()
        for key, field in table["properties"].items()
        if not field.get("description")
    ] == []


@OVER_PAGES
def test_links_and_anchors_resolve(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target), link


@OVER_PAGES
def test_anchors_are_unique(page):
    found = headings(page)
    assert len(set(found)) == len(found)


@OVER_PAGES
def test_paths_exist(page):
    for text in codes(page):
        path = text.partition(":")[0].rstrip("/")
        if re.fullmatch(r"[\w./-]+", path) and path.partition("/")[0] in TOP and "/" in path:
            assert (ROOT / path).exists(), text


@OVER_PAGES
def test_commands_and_options_exist(page):
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    options = {
        name: {text for parameter in command.params for text in parameter.opts} | {"--help"}
        for name, command in commands.items()
    }
    everywhere = set().union(*options.values(), FOREIGN_OPTIONS)
    for text in codes(page):
        words = text.partition(" -- ")[0].split()
        named = {word for word in words if re.fullmatch(r"--[a-z-]+", word)}
        if words[:1] == ["vtax"] and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in commands, text
            assert named <= options[words[1]], text
        else:
            assert named <= everywhere, text


@OVER_PAGES
def test_page_is_reached_from_the_index(page):
    index = ROOT / "docs/README.md"
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert page in reached or page == index


def test_first_page_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_help_lines_fit():
    commands = {info.name: info.callback for info in app.registered_commands}
    lines = {name: (call.__doc__ or "").partition("\n")[0] for name, call in commands.items()}
    lines |= {group.name: group.typer_instance.info.help for group in app.registered_groups}
    assert {name: line for name, line in lines.items() if not 0 < len(line) <= 50} == {}
