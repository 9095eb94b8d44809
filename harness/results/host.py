"""The computer that carried out a campaign; it does not change what simulations result in."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from harness.results.result_file import ResultFile


class Host(ResultFile):
    """File about the computer of a campaign's last run, and the day of it."""

    FILE_NAME: ClassVar[str] = "host.json"
    COMMAND: ClassVar[str] = "vtax run"

    name: str
    system: str
    """Operating system with its release, and the architecture."""
    processor: str
    """Model of the processor; empty if the operating system does not name it."""
    processors: int
    date: str
    """In UTC and ISO 8601."""

    def __str__(self) -> str:
        """Write all but the day in one line."""
        processors = f"{self.processors} x {self.processor}" if self.processor else ""
        return ", ".join(each for each in (self.name, self.system, processors) if each)


def this_host() -> Host:
    """Describe this computer, today."""
    return Host(
        name=platform.node(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=processor_name(),
        processors=os.cpu_count() or 1,
        date=datetime.now(UTC).date().isoformat(),
    )


def processor_name() -> str:
    """Return the model of this computer's processor; empty if the system does not name it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    fields = (line.partition(":") for line in lines)
    names = ("model name", "cpu")
    return next((value.strip() for key, _, value in fields if key.strip() in names), "")
