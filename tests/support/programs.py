"""Programs that tests run where the machine has them; continuous integration must have them."""

import os
import shutil

import pytest


def program(name: str, package: str | None = None) -> str:
    """Return the path of a program; without it the test is skipped, or fails where CI is set.

    ``package`` is the Debian package that has it, if it is named otherwise.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    message = f"{name} is not installed (Debian: apt-get install {package or name})"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
