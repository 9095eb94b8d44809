"""Programs that tests run where the machine has them; continuous integration must have them."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from harness.engine import compiled


def program(name: str, package: str | None = None) -> str:
    """Return the path of a program; without it the test is skipped, or fails where CI is set.

    ``package`` is the Debian package that has it, if it is named otherwise.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    missing(f"{name} is not installed (Debian: apt-get install {package or name})")


def guest_programs() -> None:
    """Require what a QEMU guest is made of, its kernel included."""
    program("qemu-system-x86_64", "qemu-system-x86")
    program("cpio")
    if not list(Path("/boot").glob("vmlinuz-*")):
        missing("there is no kernel (Debian: apt-get install linux-image-cloud-amd64)")


def compiled_modules() -> None:
    """Require that the modules where a run's time goes are compiled from the present sources."""
    if not compiled.available():
        missing("the modules are not compiled (no C compiler, or changed since scripts/setup)")


def missing(message: str) -> NoReturn:
    """Skip the test because this machine lacks something; fail where continuous integration is."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
