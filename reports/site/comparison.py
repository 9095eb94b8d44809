"""The overheads of two campaigns side by side, as values ready to be printed in a page."""

import math
from typing import Any

from harness.analysis.comparison import Comparison, Direction
from reports import format as numbers
from reports.i18n import Texts
from reports.sections.tables import where


def rows(comparison: Comparison, direction: Direction, texts: Texts) -> list[dict[str, Any]]:
    """List the overheads that went one way, the largest change first."""
    changes = [each for each in comparison.changes if each.direction is direction]
    changes.sort(key=lambda each: -abs(math.log1p(each.interval.estimate)))
    return [
        {
            "where": where(texts, each.first.environment),
            "virtualization": each.first.virtualization,
            "measure": texts.name("measure", each.first.measure),
            "first": numbers.overhead(each.first.estimate),
            "first_span": numbers.span(each.first),
            "second": numbers.overhead(each.second.estimate),
            "second_span": numbers.span(each.second),
            "change": numbers.overhead(each.interval.estimate),
            "change_span": numbers.span(each.interval),
        }
        for each in changes
    ]
