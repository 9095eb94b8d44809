"""Every run's samples at simulated timestamps, in the OpenMetrics text format."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO

from harness.files import scratch_directory
from harness.metrics.ddsketch import GROWTH, Digest
from harness.metrics.exposition import family_of, series
from harness.metrics.families import FAMILIES, RECORDED, RESPONSE, RESPONSE_BOUNDS, RESPONSE_HELP
from harness.results.imported import IMPORTED
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import RunResult, Sample
from harness.results.store import Store

CAMPAIGN = "vtax_campaign_info"
"""Sample at the beginning of simulated time whose labels identify the campaign."""

DIGEST = "vtax_response_digest_responses"
"""How many response times of a run lie in a bucket of its digest: what quantiles are read from."""

_HELP = {
    **{family.name: family.help for family in FAMILIES},
    RESPONSE: RESPONSE_HELP,
    **RECORDED,
    **IMPORTED,
    CAMPAIGN: "The campaign's name and its identity.",
    DIGEST: f"Response times from {GROWTH}^bucket ns up to {GROWTH} times that, of all kinds.",
}

Group = tuple[tuple[str, str], tuple[tuple[str, str], ...]]
"""A family with its type, and labels: a histogram's buckets, sum and count go together."""


def write_openmetrics(store: Store, path: Path, findings: Iterable[Sample] = ()) -> None:
    """Write all intact runs of a store, and what the analysis found.

    Every series has the campaign's name as a label, those of runs also the run's names and
    replication. Findings stand where the last run ends. A counter is 0 where measuring
    begins and has its increase at the end; samples during the run come between. Histograms
    stand at the end only, because prometheus-client's own parser (0.26) reads no second point of
    one; so do digests. The format wants all samples of a family together: they are collected in a
    file for each.
    """
    begin = begins(store.campaign)
    campaign = {"campaign": store.campaign.name}
    ends = 0.0
    with scratch_directory(path.parent) as folder, ExitStack() as stack:
        families: dict[str, tuple[str, IO[str]]] = {}

        def collect(labels: Mapping[str, str], points: Iterable[tuple[float, Sample]]) -> None:
            for (family, kind), lines in _lines({**campaign, **labels}, points, begin):
                if family not in families:
                    part = folder / str(len(families))
                    opened = stack.enter_context(part.open("w+", encoding="utf-8", newline="\n"))
                    families[family] = kind, opened
                families[family][1].writelines(lines)

        for run, result in store.results():
            if result is not None:
                labels = {**series_labels(run.cell), "replication": str(run.replication)}
                collect(labels, _points(result, begin))
                ends = max(ends, result.warm_up_seconds + result.measured_seconds)
        collect({}, [(0.0, (CAMPAIGN, {"identity": store.campaign.identity}, 1.0))])
        collect({}, ((ends, sample) for sample in findings))
        for name, at in (("begin", begin), ("end", round(begin + ends, 3))):
            collect({}, [(ends, (f"vtax_campaign_{name}_timestamp_seconds", {}, at))])
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for family in sorted(families):
                kind, collected = families[family]
                if family in _HELP:
                    file.write(f"# HELP {family} {_HELP[family]}\n")
                file.write(f"# TYPE {family} {kind}\n")
                collected.seek(0)
                while block := collected.read(1 << 20):
                    file.write(block)
            file.write("# EOF\n")


def begins(campaign: CampaignRecord) -> float:
    """Return where simulated time begins, in seconds since 1970."""
    return datetime.fromisoformat(campaign.starts).timestamp()


def series_labels(cell: CellRecord) -> dict[str, str]:
    """Return the labels of a cell's exported series.

    Two loads may differ in characters that no label's name can hold: the position
    distinguishes them.
    """
    return {
        "cell": str(cell.position),
        **cell.environment.labels(virtualization=cell.virtualization),
        **({} if cell.scenario is None else {"scenario": cell.scenario["name"]}),
    }


def _lines(
    common: Mapping[str, str], points: Iterable[tuple[float, Sample]], begin: float
) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield for each group of samples its family, the family's type and its lines in order."""
    # Times are whole milliseconds, as Prometheus has them; it keeps one sample of a series in each.
    groups: dict[Group, dict[int, dict[str, float]]] = {}
    for at, (name, labels, value) in points:
        apart = {key: text for key, text in labels.items() if key != "le"}
        group = groups.setdefault((family_of(name), tuple(apart.items())), {})
        group.setdefault(round((begin + at) * 1000), {})[series(name, {**common, **labels})] = value
    for (family, _), group_points in groups.items():
        yield (
            family,
            [
                f"{text} {value!r} {at_ms / 1000:.3f}\n"
                for at_ms, samples in sorted(group_points.items())
                for text, value in samples.items()
            ],
        )


def _points(result: RunResult, begin: float) -> Iterator[tuple[float, Sample]]:
    """Yield all samples with their times, in seconds since simulated time began."""
    for event in result.operations:
        labels = {"operation": event.operation, "status": event.status, "reason": event.reason}
        when = round(begin + event.at_seconds, 3)
        yield event.at_seconds, ("vtax_operation_event_timestamp_seconds", labels, when)
    recorded = set()
    for at, name, labels, value in result.timeline:
        recorded.add((name, tuple(labels.items())))
        yield at, (name, labels, value)
    ends = result.warm_up_seconds + result.measured_seconds
    for name, labels, value in [*_buckets(result), *result.samples]:
        if family_of(name)[1] == "counter" and (name, tuple(labels.items())) not in recorded:
            yield result.warm_up_seconds, (name, labels, 0.0)
        yield ends, (name, labels, value)
    yield from ((ends, sample) for sample in _digest(result))
    for number, check in enumerate(result.checks, start=1):
        labels = {"number": str(number), "expectation": check.name["en"]}
        yield ends, ("vtax_expectation_met", labels, float(check.passed))


def _buckets(result: RunResult) -> Iterator[Sample]:
    """Yield the buckets of the response times, which results keep as digests."""
    for name, labels, _ in result.samples:
        if name != f"{RESPONSE}_count":
            continue
        digest = result.digests[f"{labels['partition']}/{labels['group']}/{labels['name']}"]
        for bound, count in digest.histogram(RESPONSE_BOUNDS):
            yield f"{RESPONSE}_bucket", {**labels, "le": bound}, count


def _digest(result: RunResult) -> Iterator[Sample]:
    """Yield the occupied buckets of all response times together."""
    for bucket, count in Digest.merged(result.digests.values()).occupied():
        yield DIGEST, {"bucket": str(bucket)}, float(count)
