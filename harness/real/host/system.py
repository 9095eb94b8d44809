"""Files of the kernel and commands of this machine, read as text."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def read_text(path: Path) -> str:
    """Return the text of a file without space around it; empty if it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def run_command(command: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command without input to its end and keep its output as text.

    Parameters
    ----------
    options
        Further options of :func:`subprocess.run`.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        **options,
    )
