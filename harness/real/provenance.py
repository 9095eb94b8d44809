"""Provenance of a measurement: the machine and its software."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.real.host.interference import frequency_hertz, load, temperatures_celsius
from harness.real.host.system import read_text, run_command
from harness.real.target.cgroup import UnavailableError
from harness.real.target.qemu import find_qemu
from harness.results.host import processor_name


def provenance() -> dict[str, Any]:
    """Describe this machine: processor, kernel, mitigations, QEMU, load, temperature.

    What a machine does not show is left out.
    """
    facts: dict[str, Any] = {
        "vtax": version("vtax"),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "architecture": platform.machine(),
        "processor": processor_name(),
        "processors": os.cpu_count() or 1,
        "kernel": platform.release(),
        "qemu": _qemu(),
        "mitigations": mitigations(),
        "load": load(),
        "frequency_hertz": frequency_hertz(),
        "temperatures_celsius": list(temperatures_celsius().values()),
    }
    return {name: value for name, value in facts.items() if value not in ("", {}, [], None)}


def mitigations() -> dict[str, str]:
    """Return the kernel's mitigation of each vulnerability of the processor."""
    flaws = sorted(Path("/sys/devices/system/cpu/vulnerabilities").glob("*"))
    texts = {flaw.name: read_text(flaw) for flaw in flaws}
    return {name: text for name, text in texts.items() if text not in ("", "Not affected")}


def _qemu() -> str:
    try:
        done = run_command([find_qemu(), "--version"], timeout=10)
    except (UnavailableError, OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0].removeprefix("QEMU emulator version ").strip()
