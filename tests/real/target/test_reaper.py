import subprocess
import sys

from harness.real.target.reaper import Reaper


def test_what_was_told_goes_and_nothing_else(tmp_path):
    doomed, spared = tmp_path / "doomed", tmp_path / "spared"
    (doomed / "deep").mkdir(parents=True)
    (doomed / "deep" / "file").touch()
    spared.mkdir()
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleeper) as one, subprocess.Popen(sleeper) as other:
        with Reaper() as reaper:
            reaper.directory(doomed)
            reaper.directory(tmp_path / "never made")
            reaper.process(one.pid)
        assert one.wait(10) == -9
        assert other.poll() is None
        other.kill()
    assert not doomed.exists()
    assert spared.exists()


def test_a_process_that_has_ended_is_no_trouble(tmp_path):
    with Reaper() as reaper:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        reaper.process(process.pid)
        reaper.directory(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
