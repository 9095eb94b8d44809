"""Profiles and predictions in the terminal, and predictions as JSON."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.cli.format import amount, interval, span
from harness.cli.tables.table import table
from harness.real.calibration.costs import MachineCosts
from harness.real.prediction.prediction import Prediction
from harness.real.profiling.command_text import command_line
from harness.real.profiling.profile import QUANTITIES, Profile
from harness.statistics.intervals import Interval

_SMALL = 0.005
_TITLE = 200


def profile_table(profile: Profile) -> RenderableType:
    """Show every quantity with its interval and the method of its measurement."""
    methods: dict[str, int] = {}
    rows = []
    for name, measured in profile.measured.items():
        number = methods.setdefault(measured.method, len(methods) + 1)
        value, text = measured.value, partial(amount, unit=QUANTITIES[name].unit)
        ends = "" if value.low == value.high else span(value.low, value.high, text)
        rows.append((name, text(value.estimate), ends, f"[{number}]"))
    title = f"One execution of {command_line(profile.command, _TITLE)}"
    columns = ("quantity", ">mean", ">95 % interval", "by")
    lines = [f"[{number}] {method}" for method, number in methods.items()]
    absent: dict[str, list[str]] = {}
    for name, reason in profile.absent.items():
        absent.setdefault(reason, []).append(name)
    lines += [f"not measured: {', '.join(names)}: {why}" for why, names in absent.items()]
    about = profile.about
    if about.get("disturbed"):
        lines.append(
            f"{about['disturbed']} of {about['repetitions']} timed runs were disturbed by other "
            "work on this machine: elapsed includes the wait for it, the rest does not."
        )
    if about.get("left_behind"):
        lines.append(
            f"Processes that still ran when the command ended: {about['left_behind']}; they were "
            "ended with it, and their work until then counts."
        )
    if about.get("left_running"):
        lines.append(
            f"{about['left_running']} of them belong to another user: they go on and do not count."
        )
    if about.get("exit_codes", [0]) != [0]:
        lines.append(f"Exit codes, all accepted: {', '.join(map(str, about['exit_codes']))}.")
    if "input" in about:
        lines.append(f"Its standard input: {about['input']}.")
    return Group(table(title, columns, rows), *map(Text, lines))


def prediction_table(
    profile: Profile,
    costs: MachineCosts,
    predictions: Sequence[Prediction],
    differences: Sequence[str],
) -> RenderableType:
    """Show the overhead in each target, and its causes."""
    overview = table(
        f"Predicted for {command_line(profile.command, _TITLE)}, as multiples of native",
        ("target", ">elapsed", ">processor time"),
        ((each.target, interval(each.elapsed), interval(each.processor)) for each in predictions),
    )
    parts: list[RenderableType] = [overview]
    for prediction in predictions:
        parts.append(_causes(prediction))
        parts += [Text(note) for note in prediction.notes]
    lines = [
        "",
        "Intervals: 95 %, over the uncertainty of costs, counts and unknown quantities.",
        "Elapsed: on a machine as busy with other work as during the calibration.",
        *differences,
        *(f"{name} is unavailable: {why}" for name, why in costs.unavailable.items()),
    ]
    return Group(*parts, *map(Text, lines))


def _causes(prediction: Prediction) -> Table:
    rows = []
    small = [one for one in prediction.contributions if one.share < _SMALL]
    for one in prediction.contributions:
        if one not in small:
            extra = "" if math.isnan(one.extra_share) else f"{one.extra_share:.0%}"
            times = (amount(one.native, "s"), amount(one.target, "s"))
            rows.append((one.cause, *times, f"{one.share:.0%}", extra))
    if small:
        times = (
            amount(sum(one.native for one in small), "s"),
            amount(sum(one.target for one in small), "s"),
        )
        rows.append((f"{len(small)} more", *times, f"{sum(one.share for one in small):.1%}", ""))
    return table(
        f"{prediction.target}: processor time of one execution by cause",
        ("cause", ">native", ">in the target", ">share", ">of the extra"),
        rows,
    )


def prediction_json(
    profile: Profile,
    costs: MachineCosts,
    predictions: Sequence[Prediction],
    differences: Sequence[str],
) -> dict[str, Any]:
    """Return everything that is predicted: times in seconds, ratios to native."""
    return {
        "command": list(profile.command),
        "machine": dict(costs.machine),
        "differences": list(differences),
        "unavailable": dict(costs.unavailable),
        "targets": {
            prediction.target: {
                "elapsed_ratio": _ends(prediction.elapsed),
                "processor_ratio": _ends(prediction.processor),
                "causes": {
                    one.cause: {
                        "native_seconds": one.native,
                        "target_seconds": one.target,
                        "share": one.share,
                        "extra_share": None if math.isnan(one.extra_share) else one.extra_share,
                    }
                    for one in prediction.contributions
                },
                "notes": list(prediction.notes),
            }
            for prediction in predictions
        },
    }


def _ends(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
