"""Measures the event profile of a command by running it, again and again.

Times, faults and switches come from runs that nobody watches; what needs a counting program is
counted in further runs, because counting slows a program down. All runs use one processor, as a
target does, with an empty input, their output thrown away; one run beforehand warms up and counts
for nothing.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.real import runner, sampling
from harness.real.condition import DISTURBED_SHARE
from harness.real.counters import Counting, find_counting
from harness.real.processor_time import TICK_SECONDS
from harness.real.profile import QUANTITIES, Measurement, Profile
from harness.real.provenance import provenance
from harness.real.warden import Warden
from harness.statistics.estimates import Bootstrap, Interval

REPETITIONS = 5
COUNTING_RUNS = 3
"""At most; counts hardly differ from run to run."""

_RUSAGE = "getrusage of all processes, timed runs"
_TICKS = "getrusage, divided in whole clock ticks (short processes count as user time), timed runs"
_CLOCK = "this machine's monotonic clock, timed runs"
_IDLE = "idle time of its processor in /proc/stat, at most the time that it did not run, timed runs"
_IO = "/proc/PID/io of all processes, timed runs"

_METHODS = {
    "elapsed": _CLOCK,
    "user": _TICKS,
    "system": _TICKS,
    "waiting": _IDLE,
    "peak_memory": _RUSAGE,
    "page_faults": _RUSAGE,
    "major_faults": _RUSAGE,
    "voluntary_switches": _RUSAGE,
    "involuntary_switches": _RUSAGE,
    "io_calls": _IO,
    "io_bytes": _IO,
    "block_read_bytes": _IO,
    "block_write_bytes": _IO,
}
_ENOUGH_TICKS = 10
"""With fewer for each process, samples divide its time between user and system mode better."""
_SAMPLED = ("floating", "vector", "diffuse")
_NEVER = {
    "block_writes": "the kernel writes later, for all programs together",
    "packet_bytes": "the system counts packets by process, but not their bytes",
}


@dataclass(slots=True)
class _Runs:
    """What repetitions gave, by quantity."""

    values: dict[str, list[float]] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    shares: dict[str, Measurement] = field(default_factory=dict)
    """What one run tells with its interval."""
    absent: dict[str, str] = field(default_factory=lambda: dict(_NEVER))
    disturbed: int = 0
    left: int = 0

    def add(self, name: str, value: float, method: str) -> None:
        self.values.setdefault(name, []).append(value)
        self.methods[name] = method


def profile_command(
    command: Sequence[str],
    name: str,
    repetitions: int = REPETITIONS,
    tell: Callable[[str], None] = lambda _: None,
) -> Profile:
    """Run a command and measure what it uses.

    Parameters
    ----------
    command
        A program and its arguments.
    name
        What to call the profile.
    repetitions
        Runs that are timed, at least 2; those that count come on top.
    tell
        Is told of what is being done.

    Raises
    ------
    UserError
        If the command cannot be started, fails or is killed in any of its runs.
    """
    if repetitions < 2:
        raise UserError(f"{repetitions} repetitions tell nothing of the spread; at least 2 do")
    runs = _Runs()
    counting = find_counting()
    with _directory() as place:
        tell("warming up")
        _checked(command, _run(command, place))
        for number in range(repetitions):
            tell(f"run {number + 1} of {repetitions}")
            _note(runs, _checked(command, _run(command, place)))
        if isinstance(counting, Counting):
            _count(runs, counting, command, min(repetitions, COUNTING_RUNS), place, tell)
        _sample(runs, command, place, tell)
    reason = counting if isinstance(counting, str) else "nothing on this machine counts it"
    for quantity in QUANTITIES:
        if quantity not in runs.values and quantity not in runs.shares:
            runs.absent.setdefault(quantity, reason)
    means = {name: _measurement(runs, name) for name in runs.values} | runs.shares
    measured = {name: means[name] for name in QUANTITIES if name in means}
    absent = {quantity: why for quantity, why in runs.absent.items() if quantity not in measured}
    about = {
        "repetitions": repetitions,
        "disturbed": runs.disturbed,
        "left_behind": runs.left,
        "machine": provenance(),
    }
    return Profile(name, tuple(command), measured, absent, about)


def _note(runs: _Runs, told: dict[str, Any]) -> None:
    """Take down a run that nothing watched."""
    used = told["user"] + told["system"]
    told["waiting"] = min(max(told["elapsed"] - used, 0.0), max(told["idle"], 0.0))
    if "rchar" in told:
        told["io_calls"] = told["syscr"] + told["syscw"]
        told["io_bytes"] = told["rchar"] + told["wchar"]
        told["block_read_bytes"] = told["read_bytes"]
        told["block_write_bytes"] = told["write_bytes"]
    else:
        runs.absent["io_bytes"] = "this kernel keeps no /proc/PID/io"
    if told["peak_memory"] <= told["own_memory"]:
        # A program inherits the peak of who starts it.
        told.pop("peak_memory")
        runs.absent["peak_memory"] = f"less than {told['own_memory'] >> 20} MiB, which hides it"
    for name, method in _METHODS.items():
        if name in told:
            runs.add(name, float(told[name]), method)
    others = max(told["busy"] - used - TICK_SECONDS, 0.0) + told["stolen"]
    capacity = told["elapsed"] * (os.cpu_count() or 1)
    runs.disturbed += others > DISTURBED_SHARE * capacity
    runs.left = max(runs.left, told["left"])


def _count(
    runs: _Runs,
    counting: Counting,
    command: Sequence[str],
    repetitions: int,
    place: Path,
    tell: Callable[[str], None],
) -> None:
    out = place / "counts"
    for number in range(repetitions):
        tell(f"counting, run {number + 1} of {repetitions}")
        _checked(command, _run(counting.wrapped(command, out), place))
        try:
            counted = counting.read(out)
        except (OSError, ValueError) as error:
            runs.absent.setdefault("calls", str(error))
            return
        if number == 0:
            # What both count is taken from where it is told by kind.
            for name in counted:
                runs.values.pop(name, None)
        for name, value in counted.items():
            runs.add(name, value, counting.name)
    for name, reason in counting.absent.items():
        runs.absent.setdefault(name, reason)


def _sample(runs: _Runs, command: Sequence[str], place: Path, tell: Callable[[str], None]) -> None:
    out = place / "samples"
    event = sampling.event()
    if not event:
        runs.absent |= dict.fromkeys(_SAMPLED, "perf may not sample here, or is missing")
        return
    tell("sampling")
    used = float(np.mean(runs.values["user"]) + np.mean(runs.values["system"]))
    told = _run(sampling.wrapped(command, event, used, out), place)
    if told.get("code") != 0 or not out.exists():
        reason = f"perf record: {told.get('last_words') or 'it failed'}"
        runs.absent |= dict.fromkeys(_SAMPLED, reason)
        return
    shares = sampling.shares(out, event)
    for name in _SAMPLED:
        share: Interval | str = getattr(shares, name)
        if isinstance(share, str):
            runs.absent[name] = share
        else:
            runs.shares[name] = Measurement(share, sampling.METHOD)
    if isinstance(shares.system, Interval) and _short(runs):
        runs.shares |= _divided(runs, shares.system)


def _short(runs: _Runs) -> bool:
    """Say whether processes are so short that clock ticks do not tell what they did."""
    begun = [runs.values[name] for name in ("forks", "vforks") if name in runs.values]
    if not begun:
        return True
    used = float(np.mean(runs.values["user"]) + np.mean(runs.values["system"]))
    processes = 1.0 + sum(float(np.mean(numbers)) for numbers in begun)
    return used / processes < _ENOUGH_TICKS * TICK_SECONDS


def _divided(runs: _Runs, system: Interval) -> dict[str, Measurement]:
    """Divide the processor time between user and system mode as the samples fell."""
    both = np.array(runs.values["user"]) + np.array(runs.values["system"])
    used = Bootstrap(both).intervals()[0]
    method = f"{_RUSAGE}, divided as {sampling.METHOD}"
    user = replace(system, estimate=1 - system.estimate, low=1 - system.high, high=1 - system.low)
    return {
        name: Measurement(
            replace(
                used,
                estimate=used.estimate * share.estimate,
                low=max(used.low, 0.0) * share.low,
                high=used.high * share.high,
            ),
            method,
        )
        for name, share in (("user", user), ("system", system))
    }


def _measurement(runs: _Runs, name: str) -> Measurement:
    interval = Bootstrap(np.array(runs.values[name])).intervals()[0]
    low = max(interval.low, 0.0)
    return Measurement(replace(interval, low=low), runs.methods[name])


def _run(command: Sequence[str], place: Path) -> dict[str, Any]:
    """Run a command once; whatever ends this, it is ended, too."""
    processor = max(os.sched_getaffinity(0))
    with (place / "complaints").open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", runner.__file__, str(processor), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
    assert process.stdin is not None and process.stdout is not None
    try:
        answer = process.stdout.read()
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
    if not answer.strip():
        raise UserError(f"{command[0]}: what ran it was killed; run it again")
    told: dict[str, Any] = json.loads(answer)
    told["last_words"] = _last_words(place)
    return told


def _checked(command: Sequence[str], told: dict[str, Any]) -> dict[str, Any]:
    """Return what a run used.

    Raises
    ------
    UserError
        If the command did not end well.
    """
    if "error" in told:
        raise UserError(f"{command[0]} cannot be started: {told['error']}")
    if told["code"] != 0:
        words = f" ({told['last_words']})" if told["last_words"] else ""
        raise UserError(
            f"{command[0]} {_fate(told['code'])}{words}; its profile would be of a failure"
        )
    return told


def _fate(code: int) -> str:
    if code > 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def _last_words(place: Path) -> str:
    lines = (place / "complaints").read_text(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return "".join(c for c in said[-1] if c.isprintable())[:160] if said else ""


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    """Make a directory that is gone afterwards, whatever ends this process."""
    base = Path(os.environ.get("TMPDIR", "/var/tmp"))
    with Warden() as warden:
        path = base / f"vtax-{os.getpid()}-{uuid.uuid4().hex}"
        warden.directory(path)
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise UserError(
                f"{path}: {error.strerror}; set TMPDIR to a directory that can be written"
            ) from None
        yield path
