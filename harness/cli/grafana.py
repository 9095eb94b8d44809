"""``vtax grafana``: dashboards, rules and the compose file."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import UserError


def write_grafana(
    directory: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="A new or empty directory.")
    ],
) -> None:
    """Write dashboards, rules and a compose file.

    The compose file starts Prometheus and Grafana on 127.0.0.1.
    """
    leave_out = shutil.ignore_patterns("__init__.py", "__pycache__", "tests")
    try:
        if directory.exists() and any(directory.iterdir()):
            raise UserError(f"--to: {directory}: is not empty; choose a new directory")
        with as_file(files("grafana")) as source:
            shutil.copytree(source, directory, ignore=leave_out, dirs_exist_ok=True)
    except OSError as error:
        raise UserError(f"--to: {directory}: {error.strerror or error}") from None
    print(f"dashboards, rules and compose.yaml: {directory}")
    print(f"next: cd {directory} && docker compose up -d")
