"""Pages printed to PDF by headless Chromium, where the machine has it."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.files import scratch_directory

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 180.0
"""Timeout; more than the largest report takes on a slow machine."""
_DATE = re.compile(rb"/(?:CreationDate|ModDate) \(D:(\d{14})")
_NO_DATE = b"19700101000000"


class PrintingError(Exception):
    """A page cannot be printed; the message states the cause in one line."""


def chromium() -> str | None:
    """Return the path of Chromium; None if the machine does not have it."""
    return next((path for path in map(shutil.which, _NAMES) if path is not None), None)


def print_page(program: str, page: Path) -> bytes:
    """Print a page to PDF; equal pages give equal bytes with the same Chromium and fonts.

    The policy of the page forbids scripts and references, and no host name is resolved.

    Raises
    ------
    PrintingError
        If Chromium fails, or is not done in time.
    """
    with scratch_directory(Path(tempfile.gettempdir())) as scratch:
        target = scratch / "page.pdf"
        command = [
            program,
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-pdf-header-footer",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={scratch}/profile",
            f"--print-to-pdf={target}",
            # Chromium refuses to sandbox the super-user.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            page.resolve().as_uri(),
        ]
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
            content = target.read_bytes()
        except subprocess.TimeoutExpired:
            raise PrintingError(f"{program} was not done after {_SECONDS:.0f} s") from None
        except FileNotFoundError:
            raise PrintingError(f"{program} printed nothing") from None
        except OSError as error:
            raise PrintingError(f"{program} cannot be run ({error.strerror})") from None
    if ended.returncode or not content.startswith(b"%PDF"):
        raise PrintingError(f"{program} failed with exit code {ended.returncode}")
    return without_dates(content)


def without_dates(content: bytes) -> bytes:
    """Replace the dates of a PDF by a constant one of the same length."""
    return _DATE.sub(lambda match: match[0].replace(match[1], _NO_DATE), content)
