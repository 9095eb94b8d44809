"""Limit of a quantile of the response time, as a user states it."""

import contextlib
import re
from dataclasses import dataclass

from harness.errors import UserError
from harness.metrics.measures import QUANTILES
from harness.units import parse_quantity


@dataclass(frozen=True, slots=True)
class Limit:
    """Limit of a quantile of the response time."""

    quantile: str
    """Of :data:`harness.metrics.measures.QUANTILES`."""
    times: float
    """A multiple of the baseline's quantile at the campaign's load; not used with seconds."""
    seconds: float | None = None


def limit_of(text: str) -> Limit:
    """Read a limit: ``p95 2 x`` (twice the baseline's) or ``p99 20 ms``.

    Raises
    ------
    UserError
        If the text is no limit.
    """
    quantile, _, amount = text.strip().partition(" ")
    if quantile in QUANTILES:
        if multiple := re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,9})?) ?x", amount.strip()):
            times = float(multiple[1])
            if times > 1.0:
                return Limit(quantile, times)
        with contextlib.suppress(ValueError):
            seconds = parse_quantity(amount.strip(), "time")
            if seconds > 0.0:
                return Limit(quantile, 0.0, seconds)
    raise UserError(
        f"--limit {text!r}: a quantile ({', '.join(QUANTILES)}) and a time or a multiple of the "
        f"baseline's above 1, for instance 'p95 2 x' or 'p99 20 ms'"
    )
