"""What a calibration was measured on and with."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.real.host import interference as condition
from harness.real.target import qemu as guest
from harness.real.target.cgroup import UnavailableError


def provenance() -> dict[str, Any]:
    """Describe this machine: processor, kernel, mitigations, QEMU, load, temperature.

    What a machine does not tell is left out.
    """
    told: dict[str, Any] = {
        "vtax": version("vtax"),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "architecture": platform.machine(),
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
        "kernel": platform.release(),
        "qemu": _qemu(),
        "mitigations": mitigations(),
    }
    load = condition.load()
    if load is not None:
        told["load"] = load
    hertz = condition.frequency_hertz()
    if hertz is not None:
        told["frequency_hertz"] = hertz
    temperatures = condition.temperatures_celsius()
    if temperatures:
        told["temperatures_celsius"] = list(temperatures.values())
    return {name: value for name, value in told.items() if value not in ("", {})}


def mitigations() -> dict[str, str]:
    """Return what this machine's kernel does against each flaw of its processor."""
    flaws = sorted(Path("/sys/devices/system/cpu/vulnerabilities").glob("*"))
    told = {flaw.name: _read(flaw) for flaw in flaws}
    return {name: text for name, text in told.items() if text not in ("", "Not affected")}


def _processor() -> str:
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "cpu"):
            return value.strip()
    return ""


def _qemu() -> str:
    try:
        command = [guest.find_qemu(), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (UnavailableError, OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0].removeprefix("QEMU emulator version ").strip()


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
