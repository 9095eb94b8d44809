"""Programs made ready: what they need is found, and packed for guests."""

import subprocess
from pathlib import Path

import pytest
from programs import program
from real_programs import shell

from harness.real.programs.shipped import PROGRAMS
from harness.real.target import disk_image as stages
from harness.real.target.cgroup import UnavailableError
from harness.real.target.disk_image import make_image, stage


def names(image: Path, directory: str) -> list[str]:
    """What an image holds, read without mounting it."""
    debugfs = program("debugfs", "e2fsprogs")
    done = subprocess.run(
        [debugfs, "-R", f"ls -p {directory}", image], capture_output=True, text=True, check=True
    )
    return [line.split("/")[5] for line in done.stdout.splitlines() if line.startswith("/")]


def test_a_missing_program_names_its_package_and_the_rest_goes_on(tmp_path):
    absent = shell("", name="absent", needs={"no-such": "a-package", "nor-this": "b-package"})
    staged = stage([absent, shell("")], tmp_path)
    assert [one.name for one in staged.programs] == ["tools"]
    assert staged.missing == {
        "absent": "no no-such, nor-this (Debian: apt-get install a-package b-package)"
    }
    assert not (staged.inputs / "absent").exists()


def test_inputs_are_the_same_each_time(tmp_path):
    for one in PROGRAMS:
        for name, make in one.inputs.items():
            content = make()
            assert content == make(), (one.name, name)
            assert content
    staged = stage([shell("")], tmp_path)
    assert (staged.inputs / "tools/greeting").read_bytes() == b"hello\n"


def test_an_image_holds_programs_libraries_files_and_inputs(tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "one.conf").touch()
    (extra / "two.conf").touch()
    (extra / "other").touch()
    finder = ("sh", "-c", f"echo needs: {extra}/other relative /nowhere/at/all")
    staged = stage(
        [shell("", files=(f"{extra}/*.conf",), finders=(finder,))],
        tmp_path / "stage",
    )
    image = staged.image()
    assert staged.image() == image
    assert {"sh", "cat", "ls"} <= set(names(image, "/usr/bin"))
    assert set(names(image, str(extra))) == {".", "..", "one.conf", "two.conf", "other"}
    assert "greeting" in names(image, "/input/tools")
    assert {"disk", "memory", "proc", "dev"} <= set(names(image, "/"))
    loaded = subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    for word in loaded.split():
        if word.startswith("/"):
            path = Path(word).parent.resolve() / Path(word).name
            assert path.name in names(image, str(path.parent))
    # Only the image and what it was made of is left.
    assert {path.name for path in staged.directory.iterdir()} == {"input", "programs"}


def test_an_image_of_a_file_that_fills_it_is_large_enough(tmp_path):
    large = shell("", inputs={"large": lambda: bytes(3) * (7 << 20), "small": "x".encode})
    many = {f"file{number}": "x".encode for number in range(3000)}
    for inputs in (large.inputs, many):
        directory = tmp_path / str(len(inputs))
        image = stage([shell("", inputs=inputs)], directory).image()
        assert set(inputs) <= set(names(image, "/input/tools"))


def test_without_its_maker_there_is_no_image(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt-get install e2fsprogs"):
        make_image(tmp_path / "image", 1 << 24)


def test_an_image_that_does_not_come_about_has_a_reason(tmp_path):
    with pytest.raises(UnavailableError, match="no image of programs: "):
        make_image(tmp_path / "image", 1 << 24, "-d", str(tmp_path / "none"))


def test_an_image_that_failed_can_be_tried_again(tmp_path, monkeypatch):
    staged = stage([shell("")], tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(stages, "_needed_bytes", lambda root: 1 << 20)
        with pytest.raises(UnavailableError, match="no image of programs: "):
            staged.image()
    assert "sh" in names(staged.image(), "/usr/bin")
