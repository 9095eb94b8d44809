"""Profiles and predictions for the terminal, and predictions as JSON."""

import math
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.cli.tables.calibration import number_text, ratio_text, time_text
from harness.real.calibration.costs import MachineCosts
from harness.real.prediction.prediction import Prediction
from harness.real.profiling.command_text import command_line
from harness.real.profiling.profile import QUANTITIES, Profile
from harness.statistics.intervals import Interval

_SMALL = 0.005
_TITLE = 200


def profile_table(profile: Profile) -> RenderableType:
    """Show every quantity with its interval and by what it was measured."""
    table = Table(
        title=Text(f"One execution of {command_line(profile.command, _TITLE)}"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("quantity", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("by")
    methods: dict[str, int] = {}
    for name, found in profile.measured.items():
        number = methods.setdefault(found.method, len(methods) + 1)
        unit, value = QUANTITIES[name].unit, found.value
        ends = (
            ""
            if value.low == value.high
            else f"{_amount(value.low, unit)} … {_amount(value.high, unit)}"
        )
        table.add_row(name, _amount(value.estimate, unit), ends, f"[{number}]")
    lines = [f"[{number}] {method}" for method, number in methods.items()]
    absent: dict[str, list[str]] = {}
    for name, reason in profile.absent.items():
        absent.setdefault(reason, []).append(name)
    lines += [f"not measured: {', '.join(names)}: {why}" for why, names in absent.items()]
    about = profile.about
    if about.get("disturbed"):
        lines.append(
            f"{about['disturbed']} of {about['repetitions']} timed runs were disturbed by other "
            "work on this machine: elapsed holds the waiting for it, the rest does not."
        )
    if about.get("left_behind"):
        lines.append(
            f"Processes that still ran when the command ended: {about['left_behind']}; they were "
            "ended with it, and what they did until then counts."
        )
    if about.get("left_running"):
        lines.append(
            f"{about['left_running']} of them belong to another user: they go on, uncounted."
        )
    if about.get("exit_codes", [0]) != [0]:
        lines.append(f"Exit codes, all accepted: {', '.join(map(str, about['exit_codes']))}.")
    if "input" in about:
        lines.append(f"Its standard input: {about['input']}.")
    return Group(table, *(Text(line) for line in lines))


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return time_text(value) if value else "0 s"
    if unit == "ratio":
        return f"{value:.1%}"
    if unit == "B":
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if value >= size:
                return f"{number_text(value / size)} {name}"
        return f"{value:.0f} B"
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"


def prediction_table(
    profile: Profile,
    costs: MachineCosts,
    predictions: Sequence[Prediction],
    differences: Sequence[str],
) -> RenderableType:
    """Show the overhead in each target, and what makes it."""
    overview = Table(
        title=Text(
            f"Predicted for {command_line(profile.command, _TITLE)}, as multiples of native"
        ),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    for name in ("target", "elapsed", "processor time"):
        overview.add_column(name, justify="left" if name == "target" else "right", no_wrap=True)
    for found in predictions:
        overview.add_row(found.target, ratio_text(found.elapsed), ratio_text(found.processor))
    parts: list[RenderableType] = [overview]
    for found in predictions:
        parts.append(_causes(found))
        parts += [Text(note) for note in found.notes]
    lines = [
        "",
        "Intervals hold 95 % of what costs, counts and what is not known allow.",
        "Elapsed: on a machine as busy with other things as during the calibration.",
        *differences,
        *(f"{name} is unavailable: {why}" for name, why in costs.unavailable.items()),
    ]
    return Group(*parts, *(Text(line) for line in lines))


def _causes(prediction: Prediction) -> Table:
    table = Table(
        title=Text(f"{prediction.target}: processor time of one execution by cause"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("cause", no_wrap=True)
    for name in ("natively", "there", "share", "of the extra"):
        table.add_column(name, justify="right", no_wrap=True)
    small = [one for one in prediction.contributions if one.share < _SMALL]
    for one in prediction.contributions:
        if one not in small:
            extra = "" if math.isnan(one.extra_share) else f"{one.extra_share:.0%}"
            table.add_row(
                one.cause,
                time_text(one.native),
                time_text(one.target),
                f"{one.share:.0%}",
                extra,
            )
    if small:
        table.add_row(
            f"{len(small)} more",
            time_text(sum(one.native for one in small)),
            time_text(sum(one.target for one in small)),
            f"{sum(one.share for one in small):.1%}",
            "",
        )
    return table


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
            found.target: {
                "elapsed_ratio": _ends(found.elapsed),
                "processor_ratio": _ends(found.processor),
                "causes": {
                    one.cause: {
                        "native_seconds": one.native,
                        "target_seconds": one.target,
                        "share": one.share,
                        "extra_share": None if math.isnan(one.extra_share) else one.extra_share,
                    }
                    for one in found.contributions
                },
                "notes": list(found.notes),
            }
            for found in predictions
        },
    }


def _ends(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
