"""Whole files, and what a killed process leaves beside them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.files import PREFIX, scratch_directory, whole_file


def scratches(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir() if path.name.startswith(PREFIX))


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    with whole_file(path) as unfinished:
        unfinished.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(RuntimeError), whole_file(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "one"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_files_have_the_mode_that_the_user_wants(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "file") as unfinished:
            unfinished.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.files import scratch_directory\n"
        "with scratch_directory(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'large').write_text('x')\n    print(folder.name, flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        with scratch_directory(tmp_path) as own:
            assert scratches(tmp_path) == sorted([name, own.name])
        assert scratches(tmp_path) == [name]
        process.send_signal(signal.SIGKILL)
    assert scratches(tmp_path) == [name]
    with scratch_directory(tmp_path) as own:
        assert scratches(tmp_path) == [own.name]


def test_links_and_files_of_others_stay(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("x")
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    (tmp_path / f"{PREFIX}file").write_text("x")
    with scratch_directory(tmp_path):
        pass
    assert (other / "precious").exists()
    assert scratches(tmp_path) == [f"{PREFIX}file", f"{PREFIX}link"]
