"""Use of a program's processor time, from samples of the executed instructions.

Many kernels account user and system time in whole clock ticks; the time of a process that ends
before its first tick is then user time. More frequent samples also give the share of system time of
programs that start many short processes.
"""

import platform
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy import special

from harness.printable import last_line
from harness.real.host.system import run_command
from harness.real.profiling.profile import LEVEL
from harness.real.profiling.x86_instructions import Kind, kind_of
from harness.statistics.intervals import Interval

METHOD = "perf record samples the processor clock, sampling run"

_PERF = "perf"
_KERNEL, _USER_ONLY = "cpu-clock", "cpu-clock:u"
_MOST_HERTZ, _LEAST_HERTZ = 19997, 997
_WANTED = 20000
_FEWEST = 50
_LINE = 64
_HOT_LINES = 64
_KERNEL_ADDRESSES = 1 << 63


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of samples, each with its interval or the reason why it is missing."""

    system: Interval | str
    """In the kernel."""
    floating: Interval | str
    """At floating-point instructions, of the samples in user mode."""
    vector: Interval | str
    """At instructions for vectors of integers, of the samples in user mode."""
    diffuse: Interval | str
    """Outside the lines of code with most samples, of the samples in user mode."""


def event() -> str:
    """Return the event that perf may sample on this machine, or an empty text."""
    if shutil.which(_PERF) is None:
        return ""
    for name in (_KERNEL, _USER_ONLY):
        command = [_PERF, "record", "-q", "-e", name, "-o", "/dev/null", "--", "true"]
        if run_command(command, timeout=30).returncode == 0:
            return name
    return ""


def wrapped(command: Sequence[str], event: str, processor_seconds: float, out: Path) -> list[str]:
    """Return the command that runs another one and writes samples of it to a file.

    Parameters
    ----------
    command
        The command to sample.
    event
        Result of :func:`event`.
    processor_seconds
        Its approximate processor time, to which the sampling frequency is inverse.
    out
        The file.
    """
    hertz = _WANTED / max(processor_seconds, 1e-3)
    hertz = round(min(max(hertz, _LEAST_HERTZ), _MOST_HERTZ))
    return [_PERF, "record", "-q", "-e", event, "-F", str(hertz), "-o", str(out), "--", *command]


def shares(samples: Path, event: str) -> Shares:
    """Estimate shares, with Jeffreys' intervals for binomial shares."""
    done = run_command([_PERF, "script", "-i", str(samples), "-F", "ip,insn"])
    if done.returncode != 0:
        reason = f"perf script: {last_line(done.stderr) or done.returncode}"
        return Shares(*[reason] * 4)
    return _shares(done.stdout, kernel=event == _KERNEL)


def _shares(text: str, *, kernel: bool) -> Shares:
    system = 0
    places: list[int] = []
    kinds: Counter[Kind] = Counter()
    for line in text.splitlines():
        place, _, code = line.partition("insn:")
        if not place.strip():
            continue
        address = int(place, 16)
        if address >= _KERNEL_ADDRESSES:
            system += 1
            continue
        places.append(address // _LINE)
        if code.strip():
            kinds[kind_of(bytes.fromhex(code))] += 1
    known = kinds.total()
    floating, vector = _share(kinds[Kind.FLOATING], known), _share(kinds[Kind.VECTOR], known)
    if platform.machine() != "x86_64":
        floating = vector = f"the instructions of {platform.machine()} are not known"
    # Every second sample selects the hot lines and the others are counted: otherwise each sample of
    # scattered code would select its own line.
    hot = {line for line, _ in Counter(places[::2]).most_common(_HOT_LINES)}
    others = places[1::2]
    return Shares(
        _share(system, system + len(places)) if kernel else "the kernel may not be sampled",
        floating,
        vector,
        _share(sum(line not in hot for line in others), len(others)),
    )


def _share(some: int, of: int) -> Interval | str:
    if of < _FEWEST:
        return f"only {of} samples; at least {_FEWEST} are needed"
    low, high = (
        float(special.betaincinv(some + 0.5, of - some + 0.5, quantile))
        for quantile in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2)
    )
    return Interval(some / of, min(low, some / of), max(high, some / of), LEVEL, of)
