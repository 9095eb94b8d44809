"""Patches of Locust's web page: precise numbers for short transactions, limits of its form."""

import importlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from harness.users.patched import patched

_arguments: Any = importlib.import_module("locust.argument_parser")
_stats: Any = importlib.import_module("locust.stats")
_timespan: Any = importlib.import_module("locust.util.timespan")

MAX_USERS = 10_000
"""Most users that the page starts, and most per second."""

MIN_SPAWN_RATE = 0.01
"""Fewest users that the page starts per second."""

MAX_RUN_HOURS = 8_760
"""Longest test that the page starts: a year."""


def fine_bucket(response_time_ms: float) -> float:
    """Round to three significant digits: the error of a percentile is at most half a per cent.

    Locust rounds to whole milliseconds and two digits: a read from a disk's cache would take 0.
    """
    return float(f"{response_time_ms:.3g}")


_PAGE_DECIMALS = 2
"""Decimals of medians and means in the page's own code; it shows all other times unrounded."""


def _page_round(value: float, digits: int = 0) -> float:
    scale: float = 10 ** max(digits, _PAGE_DECIMALS)
    return math.floor(value * scale + 0.5) / scale  # half up, as the page does


_bucket_percentile: Callable[[Any, float], float] = _stats.StatsEntry.get_response_time_percentile
_entry_to_dict: Callable[..., dict[str, Any]] = _stats.StatsEntry.to_dict


def _bounded_percentile(entry: Any, share: float) -> float:
    """Limit a percentile to the exact extremes; Locust does so with the median only."""
    value = _bucket_percentile(entry, share)
    if entry.min_response_time is None:
        return value
    return float(min(max(value, entry.min_response_time), entry.max_response_time))


def _page_row(entry: Any, escape_string_values: bool = False) -> dict[str, Any]:
    """Return a row of the page's table, with all times rounded in the same way."""
    row = _entry_to_dict(entry, escape_string_values)
    row = {
        name: _page_round(value) if "response_time" in name else value
        for name, value in row.items()
    }
    # A mean of equal times may differ from them in its last digit and be rounded differently.
    mean = max(row["avg_response_time"], row["min_response_time"])
    return {**row, "avg_response_time": min(mean, row["max_response_time"])}


def _fine_percentiles(writer: Any, entry: Any, use_current: bool = False) -> list[Any]:
    """Return the percentiles of Locust's CSV writer, with fractions of milliseconds."""
    if not entry.num_requests:
        return list(writer.percentiles_na)
    current = use_current and entry.use_response_times_cache
    read = (
        entry.get_current_response_time_percentile
        if current
        else entry.get_response_time_percentile
    )
    return [read(share) or 0 for share in writer.percentiles_to_report]


def fine_numbers() -> AbstractContextManager[None]:
    """Show fractions of milliseconds in Locust's web page and CSV files; undone at the end."""
    return patched(
        (_stats, "bucket_response_time", fine_bucket),
        (_stats, "proper_round", _page_round),
        (_stats.StatsEntry, "get_response_time_percentile", _bounded_percentile),
        (_stats.StatsEntry, "to_dict", _page_row),
        (_stats.StatsCSV, "_percentile_fields", _fine_percentiles),
    )


def another_command() -> AbstractContextManager[None]:
    """Keep the page from reading Locust's options in vtax's command line; undone at the end."""
    return patched((_arguments, "ui_extra_args_dict", dict))


def limit_swarms(app: Any) -> None:
    """Refuse tests that the application of Locust's page cannot start.

    Parameters
    ----------
    app
        The page's application (Flask).
    """
    flask: Any = importlib.import_module("flask")

    @app.before_request  # type: ignore[untyped-decorator]
    def refuse() -> Any:
        request = flask.request
        if request.endpoint == "locust.update_user":
            return flask.make_response("user classes are the campaign's: change its file", 403)
        if request.endpoint != "locust.swarm" or (reason := _invalid(request.form)) is None:
            return None
        # Locust's page shows messages only with status 200; its own errors have it, too.
        shown = request.headers.get("Sec-Fetch-Site") == "same-origin"
        return flask.make_response({"success": False, "message": reason}, 200 if shown else 422)


def _invalid(form: Any) -> str | None:
    """Return the error in the form that starts a test, or None."""
    try:
        users = int(form["user_count"])
    except (LookupError, ValueError):
        users = -1
    if not 0 <= users <= MAX_USERS:
        return f"user_count: must be a whole number from 0 to {MAX_USERS}"
    try:
        rate = float(form["spawn_rate"])
    except (LookupError, ValueError):
        rate = -1
    if not MIN_SPAWN_RATE <= rate <= MAX_USERS:
        return f"spawn_rate: must be a number from {MIN_SPAWN_RATE:g} to {MAX_USERS}"
    try:
        seconds = _timespan.parse_timespan(form.get("run_time") or "0")
    except (ValueError, OverflowError):
        seconds = -1
    if not 0 <= seconds <= MAX_RUN_HOURS * 3600:
        return f"run_time: must be a time like 20s, 3m or 1h20m, up to {MAX_RUN_HOURS}h"
    return None
