"""Compile harness.engine.compiled.MODULES with mypyc into the environment of this Python."""

import contextlib
import io
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

os.environ["VTAX_INTERPRETED"] = "1"

from mypyc.build import mypycify
from setuptools import Distribution

from harness.engine.compiled import ALL, GROUP, MODULES, place, source


def missing() -> str | None:
    """Say what a machine lacks to compile, if it does."""
    compiler = (os.environ.get("CC") or str(sysconfig.get_config_var("CC") or "cc")).split()[0]
    if shutil.which(compiler) is None:
        return (
            f"the C compiler {compiler} is missing; on Debian: sudo apt-get install gcc libc6-dev"
        )
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python's headers are missing; on Debian: sudo apt-get install python3-dev"
    return None


def build(folder: Path, work: Path) -> None:
    """Compile all modules into a folder."""
    root = Path.cwd()
    extensions = mypycify(
        [str(source(module).relative_to(root)) for module in MODULES],
        target_dir=str(work / "c"),
        group_name=GROUP,
        opt_level="2",
        debug_level="0",
    )
    distribution = Distribution({"name": GROUP, "ext_modules": extensions})
    command = distribution.get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder), str(work)
    distribution.run_command("build_ext")


def main() -> None:
    """Compile unless it is done already, and tell in one line why it cannot be done."""
    folder = place()
    if folder.is_dir():
        return
    lack = missing()
    if lack is not None:
        sys.exit(f"vtax is not compiled and runs all the same: {lack}")
    print("compiling the modules where a run's time goes (once, about a minute)", file=sys.stderr)
    shutil.rmtree(ALL, ignore_errors=True)
    ALL.mkdir()
    said = io.StringIO()
    with tempfile.TemporaryDirectory(dir=ALL) as work:
        made = Path(work, "made")
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                build(made, Path(work))
        except (Exception, SystemExit):
            print(said.getvalue(), file=sys.stderr)
            sys.exit("vtax is not compiled and runs all the same: compiling failed, see above")
        made.rename(folder)


if __name__ == "__main__":
    main()
