"""Locust's web page, with numbers exact enough for transactions of less than a millisecond."""

import importlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.users.patched import patched

_arguments: Any = importlib.import_module("locust.argument_parser")
_stats: Any = importlib.import_module("locust.stats")
_timespan: Any = importlib.import_module("locust.util.timespan")

MAX_USERS = 10_000
"""The most users that the page starts, and the most in a second."""

MIN_SPAWN_RATE = 0.01
"""The fewest users that the page starts in a second."""

MAX_RUN_HOURS = 8_760
"""The longest test that the page starts: a year."""


def fine_bucket(response_time_ms: float) -> float:
    """Keep three significant digits: no percentile is off by more than half a per cent.

    Locust rounds to whole milliseconds and two digits, with which a block from a disk's cache has
    taken no time at all.
    """
    return float(f"{response_time_ms:.3g}")


_PAGE_DECIMALS = 2
"""How the page's own code shows medians and means; it shows all other times as it gets them."""


def _page_round(value: float, digits: int = 0) -> float:
    scale: float = 10 ** max(digits, _PAGE_DECIMALS)
    return math.floor(value * scale + 0.5) / scale  # half up, as the page does


_bucket_percentile: Callable[[Any, float], float] = _stats.StatsEntry.get_response_time_percentile
_entry_to_dict: Callable[..., dict[str, Any]] = _stats.StatsEntry.to_dict


def _bounded_percentile(entry: Any, share: float) -> float:
    """Keep a percentile within the exact extremes; Locust does so with the median only."""
    found = _bucket_percentile(entry, share)
    if entry.min_response_time is None:
        return found
    return float(min(max(found, entry.min_response_time), entry.max_response_time))


def _page_row(entry: Any, escape_string_values: bool = False) -> dict[str, Any]:
    """Return a row of the page's table, with all times rounded alike."""
    row = _entry_to_dict(entry, escape_string_values)
    row = {
        name: _page_round(value) if "response_time" in name else value
        for name, value in row.items()
    }
    # A mean of equal times may differ from them in its last digit, and be rounded the other way.
    mean = max(row["avg_response_time"], row["min_response_time"])
    return {**row, "avg_response_time": min(mean, row["max_response_time"])}


def _fine_percentiles(writer: Any, entry: Any, use_current: bool = False) -> list[Any]:
    """Do what Locust's CSV writer does, without cutting off fractions of milliseconds."""
    if not entry.num_requests:
        return list(writer.percentiles_na)
    current = use_current and entry.use_response_times_cache
    read = (
        entry.get_current_response_time_percentile
        if current
        else entry.get_response_time_percentile
    )
    return [read(share) or 0 for share in writer.percentiles_to_report]


@contextmanager
def fine_numbers() -> Iterator[None]:
    """Let Locust's web page and CSV files show fractions of milliseconds; undone at the end."""
    with patched(
        (_stats, "bucket_response_time", fine_bucket),
        (_stats, "proper_round", _page_round),
        (_stats.StatsEntry, "get_response_time_percentile", _bounded_percentile),
        (_stats.StatsEntry, "to_dict", _page_row),
        (_stats.StatsCSV, "_percentile_fields", _fine_percentiles),
    ):
        yield


@contextmanager
def another_command() -> Iterator[None]:
    """Let the page do without Locust's command line, whose options it would look for in ours."""
    with patched((_arguments, "ui_extra_args_dict", dict)):
        yield


def limit_swarms(app: Any) -> None:
    """Refuse tests that the application of Locust's page cannot start, before it tries.

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
        # Locust's page shows the message of a success only; its own errors are like that.
        shown = request.headers.get("Sec-Fetch-Site") == "same-origin"
        return flask.make_response({"success": False, "message": reason}, 200 if shown else 422)


def _invalid(form: Any) -> str | None:
    """Say what is wrong in the form that starts a test."""
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
