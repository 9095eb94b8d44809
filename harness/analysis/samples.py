"""Results of the analysis, as samples for dashboards and alerts.

Overheads need both sides of a comparison, so no run can expose them; their names and meanings are
in :mod:`harness.metrics.families`.
"""

import math
from collections.abc import Iterator, Mapping

from harness.analysis.study import EnvironmentResult, Outcome, Study
from harness.results.run_result import Sample


def analysis_samples(study: Study) -> list[Sample]:
    """Return a study's progress, overheads and verdicts.

    ``level`` is ``firmware`` or ``software`` for the virtualizations of the claim, empty for
    others. A bound that is unknown or infinite is left out.
    """
    campaign = study.campaign
    samples: list[Sample] = [
        ("vtax_campaign_margin_ratio", {}, campaign.margin),
        ("vtax_campaign_runs_planned", {}, float(study.planned)),
        ("vtax_campaign_runs", {"state": "complete"}, float(study.complete)),
        ("vtax_campaign_runs", {"state": "failed"}, float(len(study.failed))),
    ]
    levels = campaign.levels
    for result in study.environments:
        samples.extend(overhead_samples(result, levels))
    for result in () if study.verdict is None else study.verdict.environments:
        where = result.environment.labels(measure=result.measure)
        for outcome in Outcome:
            labels = {**where, "part": result.part, "outcome": str(outcome)}
            samples.append(("vtax_verdict", labels, float(result.outcome is outcome)))
    for part in () if study.verdict is None else study.verdict.parts:
        for outcome in Outcome:
            labels = {"part": part.part.name, "outcome": str(outcome)}
            samples.append(("vtax_claim_part", labels, float(part.outcome is outcome)))
            samples.append(("vtax_claim_findings", labels, float(part.count(outcome))))
    return samples


def overhead_samples(result: EnvironmentResult, levels: Mapping[str, str]) -> Iterator[Sample]:
    """Yield the overheads of one environment and measure."""
    where = result.environment.labels(measure=result.measure)
    for virtualization, overhead in result.all.items():
        labels = {
            **where,
            "virtualization": virtualization,
            "level": levels.get(virtualization, ""),
        }
        interval = overhead.interval
        for name, value in (
            ("vtax_overhead_ratio", interval.estimate),
            ("vtax_overhead_low_ratio", interval.low),
            ("vtax_overhead_high_ratio", interval.high),
            ("vtax_overhead_range_low_ratio", overhead.range.low),
            ("vtax_overhead_range_high_ratio", overhead.range.high),
        ):
            if math.isfinite(value):
                yield name, labels, value
