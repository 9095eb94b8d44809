"""Build step of the package: compile the modules of ``harness.engine.compiled`` with mypyc.

Without a C compiler, and where compiling fails, the package holds the sources alone, which do the
same. ``pyproject.toml`` names this as the package's ``build_ext``.
"""

import os
import runpy
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError, LinkError

compiled = runpy.run_path("harness/engine/compiled.py")

COSTLY = [
    "-w",
    "-Wno-all",
    "-fno-code-hoisting",
    "-fno-gcse",
    "-fno-schedule-insns2",
    "-fno-tree-pre",
    "-fno-tree-vrp",
]
"""Leaves out what takes gcc a third of its time, and makes no run faster.

The analysis for the warnings of -Wall alone takes a fourth, even where none is printed.
"""


def missing() -> str | None:
    """Say what a machine lacks to compile, if it lacks something."""
    compiler = (os.environ.get("CC") or str(sysconfig.get_config_var("CC") or "cc")).split()[0]
    if shutil.which(compiler) is None:
        return f"the C compiler {compiler} (Debian: gcc and libc6-dev)"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python's headers (Debian: python3-dev)"
    return None


def extensions() -> list[Any]:
    """Translate the modules to C."""
    from mypyc.build import mypycify

    made = list(
        mypycify(
            # Without the types of libraries, as where a package is built, the C is the same.
            [
                "--config-file=",
                "--no-site-packages",
                "--ignore-missing-imports",
                "--follow-imports=silent",
                *(f"{module.replace('.', '/')}.py" for module in compiled["MODULES"]),
            ],
            group_name="harness.vtax",
            opt_level="2",
            debug_level="0",
            target_dir="build/c",
        )
    )
    for extension in made:
        # mypyc gives all extensions the same list.
        extension.extra_compile_args = [*extension.extra_compile_args, *COSTLY]
    return made


class BuildCompiled(build_ext):  # type: ignore[misc]
    """Build extension modules and the digest of their sources, or neither."""

    extensions: list[object]

    def finalize_options(self) -> None:
        """Take the placeholder of pyproject.toml for nothing: only mypyc knows the extensions."""
        placeholder = self.distribution.ext_modules
        self.distribution.ext_modules = []
        super().finalize_options()
        self.distribution.ext_modules = placeholder

    def run(self) -> None:
        """Build all extension modules; none of them where one cannot be built."""
        lack = missing()
        if lack is not None:
            print(f"vtax is not compiled: {lack} is missing", file=sys.stderr)
            return
        if self.inplace and compiled["available"]():
            return
        # Only here: a build asks for the options of this command several times.
        self.distribution.ext_modules = extensions()
        build = build_ext(self.distribution)
        build.inplace, build.editable_mode = self.inplace, self.editable_mode
        build.build_lib, build.build_temp = self.build_lib, self.build_temp
        build.ensure_finalized()
        digest = Path() if self.inplace else Path(self.build_lib)
        digest /= compiled["DIGEST"]
        digest.unlink(missing_ok=True)
        try:
            build.run()
        except (BaseError, CompileError, LinkError) as error:
            print(f"vtax is not compiled: {error}", file=sys.stderr)
        else:
            digest.write_text(compiled["digest"](Path()), encoding="ascii")
