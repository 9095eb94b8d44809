"""What continuous integration installs is what the tests ask for."""

import ast
import re
from pathlib import Path

from harness.real.programs.shipped import PROGRAMS

ROOT = Path(__file__).parent.parent
PACKAGES = re.search(r"packages=\(([^)]*)\)", (ROOT / ".ci/run").read_text())[1].split()


ESSENTIAL = {"coreutils", "dash", "findutils", "grep", "gzip", "util-linux"}
"""Packages that no Debian is without."""


def asked_for():
    """Debian packages of the programs that tests and shipped workloads need."""
    for one in PROGRAMS:
        yield from one.needs.values()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "program"
            ):
                words = [word.value for word in node.args if isinstance(word, ast.Constant)]
                if words:
                    yield words[-1]


def test_each_package_is_listed_once():
    assert len(PACKAGES) == len(set(PACKAGES))


def test_every_package_that_tests_ask_for_is_installed():
    assert set(asked_for()) - ESSENTIAL - set(PACKAGES) == set()
