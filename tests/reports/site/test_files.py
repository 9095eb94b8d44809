"""Names that cannot leave the site, files that are whole or not there."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from reports.site.files import (
    MARK,
    is_safe_name,
    new_directory,
    opened,
    safe_name,
    write,
    write_new,
)

HOSTILE = (
    "../../etc/passwd",
    "..",
    ".",
    "",
    "/etc/passwd",
    "C:\\Windows",
    "a\0b",
    "-rf",
    "~root",
    "x" * 5000,
    "<script>alert(1)</script>",
    "顧客",
    "%2e%2e%2f",
    "a\nb",
    "CON",
    ".vtax-x",
)


@given(st.text() | st.sampled_from(HOSTILE), st.binary(min_size=32, max_size=32))
def test_every_name_is_safe(name, digest):
    found = safe_name(name, digest.hex())
    assert is_safe_name(found)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert found[0] != "-"
    assert len(found) < 64
    assert found.endswith(digest.hex()[:16])


@pytest.mark.parametrize("name", ["..", "a/../b-0123456789abcdef", "a-0123456789ABCDEF", "a\n", ""])
def test_no_other_name_is_taken_for_a_publication(name):
    assert not is_safe_name(name)


def test_files_are_replaced_whole_and_equal_ones_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write(path, b"one")
    before = path.stat()
    write(path, b"one")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    write_new(path, b"two")
    assert path.read_bytes() == b"one"

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, b"three")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == b"one"


def test_a_directory_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), new_directory(tmp_path / "all" / "one") as directory:
        (directory / "a").write_text("half")
        raise RuntimeError
    assert not list((tmp_path / "all").iterdir())
    with new_directory(tmp_path / "all" / "one") as directory:
        (directory / "a").write_text("whole")
        assert not (tmp_path / "all" / "one").exists()
    assert (tmp_path / "all" / "one" / "a").read_text() == "whole"


def test_nothing_is_written_over_what_is_no_site(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(UserError, match=r"holds something else \(index\.html\)"), opened(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["index.html"]
    with (
        pytest.raises(UserError, match="cannot be made or opened"),
        opened(tmp_path / "index.html"),
    ):
        pass


def test_one_at_a_time_and_again_afterwards(tmp_path):
    with opened(tmp_path / "site"):
        with (
            pytest.raises(UserError, match="another vtax publishes there"),
            opened(tmp_path / "site"),
        ):
            pass
        assert (tmp_path / "site" / MARK).exists()
    with opened(tmp_path / "site"):
        pass


def test_what_a_dead_process_left_is_swept_away(tmp_path):
    site = tmp_path / "site"
    (site / "reports" / ".vtax-x" / "name").mkdir(parents=True)
    (site / "reports" / ".vtax-x" / "name" / "half").write_text("")
    (site / ".vtax-y").mkdir()
    (site / ".vtax-y" / "index.html").write_text("")
    (site / MARK).write_text("")
    with opened(site):
        assert {each.name for each in site.rglob("*")} == {MARK, "reports"}


def test_a_death_before_the_mark_does_not_bar_the_directory(tmp_path):
    site = tmp_path / "site"
    (site / ".vtax-x").mkdir(parents=True)
    (site / ".vtax-x" / MARK).write_text("")
    with opened(site):
        assert [each.name for each in site.iterdir()] == [MARK]
