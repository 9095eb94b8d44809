"""Printing by a real Chromium, and what happens when there is none or it fails."""

import shutil

import programs
import pytest

from reports import pdf
from reports.pdf import PrintingError, chromium, print_page, without_dates

pytestmark = pytest.mark.slow

PAGE = "<!DOCTYPE html><html lang=en><title>A page</title><h1>It says this</h1></html>"


def test_equal_pages_give_equal_bytes(tmp_path):
    browser = programs.program("chromium")
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    first, second = print_page(browser, page), print_page(browser, page)
    assert first.startswith(b"%PDF")
    assert first == second
    assert str(tmp_path).encode() not in first


def test_dates_go_and_no_byte_moves():
    content = b"<</CreationDate (D:20261125065510+00'00')\n/ModDate (D:20261125065511+00'00')>> x"
    found = without_dates(content)
    assert len(found) == len(content)
    assert b"2026" not in found
    assert found == without_dates(content.replace(b"2026", b"2031"))
    assert without_dates(b"D:20261125065510") == b"D:20261125065510"


def script(tmp_path, text):
    path = tmp_path / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exit 0", "printed nothing"),
        ("exit 9", "printed nothing"),
        (
            'for each; do case $each in --print-to-pdf=*) echo > "${each#*=}";; esac; done; exit 3',
            "3",
        ),
    ],
)
def test_a_browser_that_fails_is_told(tmp_path, text, message):
    with pytest.raises(PrintingError, match=message):
        print_page(script(tmp_path, text), tmp_path / "page.html")


def test_a_browser_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "_SECONDS", 0.2)
    with pytest.raises(PrintingError, match="not done after"):
        print_page(script(tmp_path, "exec sleep 600"), tmp_path / "page.html")


def test_a_browser_that_cannot_be_run_is_told(tmp_path):
    (tmp_path / "browser").write_text("")
    with pytest.raises(PrintingError, match="cannot be run"):
        print_page(str(tmp_path / "browser"), tmp_path / "page.html")


def test_there_may_be_none(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert chromium() is None
