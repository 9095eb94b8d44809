"""Profiler: measures the event profile of a command in repeated runs.

Times, faults and switches come from runs without a counting program; counts come from further runs,
because counting slows a program down. All runs use one processor, as targets do, and the same
input; their output is read from pipes and discarded. A first run warms up and is not measured.
Processes that outlive the command are ended; their work until then is included.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.real.host.cpu_time import TICK_SECONDS
from harness.real.host.interference import DISTURBED_SHARE
from harness.real.profiling import perf_sampling as sampling
from harness.real.profiling.command_run import run_command
from harness.real.profiling.command_text import command_line, valid_text
from harness.real.profiling.profile import QUANTITIES, Measurement, Profile
from harness.real.profiling.standard_input import NO_INPUT, StandardInput
from harness.real.profiling.start_failure import shell_operator, start_failure
from harness.real.profiling.syscall_counters import Counting, find_counting
from harness.real.provenance import provenance
from harness.real.target.launcher import launcher
from harness.statistics.intervals import Bootstrap, Interval

REPETITIONS = 5
COUNTING_RUNS = 3
"""Most counting runs; counts differ little between runs."""

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
"""With fewer ticks per process, samples divide its time between user and system mode better."""
_SAMPLED = ("floating", "vector", "diffuse")
_NEVER = {
    "block_writes": "the kernel writes later, for all programs together",
    "packet_bytes": "the system counts packets by process, but not their bytes",
}


@dataclass(slots=True)
class _Runs:
    """Results of the repetitions, by quantity."""

    values: dict[str, list[float]] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    shares: dict[str, Measurement] = field(default_factory=dict)
    """Quantities of the sampling run, with intervals."""
    absent: dict[str, str] = field(default_factory=lambda: dict(_NEVER))
    disturbed: int = 0
    left: int = 0
    spared: int = 0
    codes: set[int] = field(default_factory=set)

    def add(self, name: str, value: float, method: str) -> None:
        self.values.setdefault(name, []).append(value)
        self.methods[name] = method


def profile_command(
    command: Sequence[str],
    name: str,
    repetitions: int = REPETITIONS,
    show: Callable[[str], None] = lambda _: None,
    *,
    standard_input: StandardInput = NO_INPUT,
    accepted: Collection[int] = (0,),
) -> Profile:
    """Run a command and measure what it uses.

    Parameters
    ----------
    command
        A program and its arguments.
    name
        Name of the profile.
    repetitions
        Timed runs, at least 2; counting runs are in addition.
    show
        Shows what is being done.
    standard_input
        The input of every run.
    accepted
        Exit codes of success.

    Raises
    ------
    UserError
        If the command cannot be started, fails or is killed in a timed run, or the input cannot be
        read.
    """
    if repetitions < 2:
        raise UserError(f"{repetitions} repetitions show no spread; at least 2 are needed")
    if not command or not command[0].strip():
        raise UserError("the command is empty; name a program: vtax profile -- ls -l")
    runs = _Runs()
    with launcher() as opened:
        place = opened.directory
        show("reading the input")
        input_file = standard_input.file(place)
        show("warming up")
        _checked(command, run_command(command, input_file=input_file), accepted)
        for number in range(repetitions):
            show(f"run {number + 1} of {repetitions}")
            used = run_command(command, input_file=input_file)
            _add_timed(runs, _checked(command, used, accepted))
        counting = find_counting()
        reason = counting if isinstance(counting, str) else "nothing on this machine counts it"
        further = _InstrumentedRuns(command, input_file, place, accepted, show)
        if isinstance(counting, Counting):
            reason = _count(runs, counting, further, min(repetitions, COUNTING_RUNS)) or reason
        _sample(runs, further)
    for quantity in QUANTITIES:
        if quantity not in runs.values and quantity not in runs.shares:
            runs.absent.setdefault(quantity, reason)
    means = {name: _measurement(runs, name) for name in runs.values} | runs.shares
    measured = {name: means[name] for name in QUANTITIES if name in means}
    absent = {quantity: why for quantity, why in runs.absent.items() if quantity not in measured}
    about = {
        "input": standard_input.described,
        "exit_codes": sorted(runs.codes),
        "repetitions": repetitions,
        "disturbed": runs.disturbed,
        "left_behind": runs.left,
        "left_running": runs.spared,
        "machine": provenance(),
    }
    words = tuple(valid_text(word) for word in command)
    return Profile(name, words, measured, absent, about)


@dataclass(frozen=True, slots=True)
class _InstrumentedRuns:
    """Runs after the timed ones: the same command under a program that counts or samples."""

    command: Sequence[str]
    input_file: Path | None
    place: Path
    accepted: Collection[int]
    show: Callable[[str], None]

    def run(self, wrapped: Sequence[str]) -> str:
        """Run the wrapped command; return the reason of a failure, or an empty text."""
        used = run_command(wrapped, input_file=self.input_file, counted=True)
        return _failure(self.command, used, self.accepted)


def _add_timed(runs: _Runs, used: dict[str, Any]) -> None:
    busy_seconds = used["user"] + used["system"]
    used["waiting"] = min(max(used["elapsed"] - busy_seconds, 0.0), max(used["idle"], 0.0))
    if "rchar" in used:
        used["io_calls"] = used["syscr"] + used["syscw"]
        used["io_bytes"] = used["rchar"] + used["wchar"]
        used["block_read_bytes"] = used["read_bytes"]
        used["block_write_bytes"] = used["write_bytes"]
    else:
        runs.absent["io_bytes"] = "this kernel keeps no /proc/PID/io"
    if used["peak_memory"] <= used["own_memory"]:
        # A process inherits the peak of its parent.
        used.pop("peak_memory")
        runs.absent["peak_memory"] = f"less than {used['own_memory'] >> 20} MiB, which hides it"
    for name, method in _METHODS.items():
        if name in used:
            runs.add(name, float(used[name]), method)
    others = max(used["busy"] - busy_seconds - used["drained"] - TICK_SECONDS, 0.0) + used["stolen"]
    capacity = used["elapsed"] * (os.cpu_count() or 1)
    runs.disturbed += others > DISTURBED_SHARE * capacity
    runs.left = max(runs.left, used["left"])
    runs.spared = max(runs.spared, used["spared"])
    runs.codes.add(used["code"])


def _count(runs: _Runs, counting: Counting, further: _InstrumentedRuns, repetitions: int) -> str:
    """Count in further runs; return the reason of a failure, or an empty text."""
    out = further.place / "counts"
    counts: list[dict[str, float]] = []
    for number in range(repetitions):
        further.show(f"counting, run {number + 1} of {repetitions}")
        failure = further.run(counting.wrapped(further.command, out))
        if failure:
            return f"{counting.name}: {failure}"
        try:
            counts.append(counting.read(out))
        except (OSError, ValueError) as error:
            return str(error)
    # Quantities of both kinds of runs are taken from the counting runs, which distinguish calls.
    for name in counts[0]:
        runs.values.pop(name, None)
    for counted in counts:
        for name, value in counted.items():
            runs.add(name, value, counting.name)
    for name, why in counting.absent.items():
        runs.absent.setdefault(name, why)
    return ""


def _sample(runs: _Runs, further: _InstrumentedRuns) -> None:
    out = further.place / "samples"
    event = sampling.event()
    if not event:
        runs.absent |= dict.fromkeys(_SAMPLED, "perf may not sample here, or is missing")
        return
    further.show("sampling")
    used = float(np.mean(runs.values["user"]) + np.mean(runs.values["system"]))
    failure = further.run(sampling.wrapped(further.command, event, used, out))
    if failure or not out.exists():
        runs.absent |= dict.fromkeys(_SAMPLED, f"perf record: {failure or 'it wrote nothing'}")
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
    """Whether processes are too short for an account in clock ticks."""
    begun = [runs.values[name] for name in ("forks", "vforks") if name in runs.values]
    if not begun:
        return True
    used = float(np.mean(runs.values["user"]) + np.mean(runs.values["system"]))
    processes = 1.0 + sum(float(np.mean(numbers)) for numbers in begun)
    return used / processes < _ENOUGH_TICKS * TICK_SECONDS


def _divided(runs: _Runs, system: Interval) -> dict[str, Measurement]:
    """Divide the processor time between user and system mode in proportion to samples."""
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


def _failure(command: Sequence[str], used: Mapping[str, Any], accepted: Collection[int]) -> str:
    """Return the reason why a run is not valid, or an empty text."""
    if "error" in used:
        return start_failure(command, used["error"])
    if used["code"] in accepted:
        return ""
    words = f" ({used['last_words']})" if used["last_words"] else ""
    return f"{command_line(command[:1])} {_exit_text(used['code'])}{words}"


def _checked(
    command: Sequence[str], used: dict[str, Any], accepted: Collection[int]
) -> dict[str, Any]:
    """Return a run's result.

    Raises
    ------
    UserError
        If the command has failed.
    """
    failure = _failure(command, used, accepted)
    if not failure:
        return used
    if "error" in used:
        raise UserError(failure)
    hints = [shell_operator(command)]
    if used["code"] > 0:
        hints.append(f"--accept-exit {used['code']} takes this exit code for success")
    hint = next(filter(None, hints), "its profile would be of a failure")
    raise UserError(f"{failure}; {hint}")


def _exit_text(code: int) -> str:
    if code >= 0:
        shells = f" (in a shell: {_signal(code - 128)})" if 128 < code <= 128 + signal.NSIG else ""
        return f"ended with exit code {code}{shells}"
    return f"was killed by {_signal(-code)}"


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
