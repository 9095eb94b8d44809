"""Reports of campaigns whose truth is known."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TextIO

import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG

from harness.analysis.study import Study, study
from harness.campaign.plan import make_plan
from harness.metrics.ddsketch import Digest
from harness.metrics.measures import Measures
from harness.results.discrepancy import Discrepancy, Ends, Factor, JudgedWithMisses
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import Check, OperationEvent, RunResult
from harness.statistics.verdict import Outcome
from harness.validation.record import ValidationRecord, digest_of_constants
from harness.validation.row import Kind, Row

GOOD = {
    "shared-uncapped": {"response": 1.02, "processor": 1.02},
    "hosted-vmware": {"response": 1.4, "processor": 1.4},
}
"""True ratios to the baseline that confirm the claim."""

BAD = {**GOOD, "shared-uncapped": {"response": 1.3, "processor": 1.02}}
DOUBTFUL = {**GOOD, "shared-uncapped": {"response": 1.1, "processor": 1.1}}

VOID = {"meta", "path", "use", "br", "link", "img", "input", "hr", "base"}


@dataclass
class Element:
    """A tag, what is said in it and where it stands."""

    tag: str
    attributes: dict[str, str]
    within: tuple[str, ...]
    text: str = ""


@dataclass
class Page:
    """A report, parsed."""

    source: str
    elements: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that a reader reads, styles left out."""
        return " ".join("".join(self.pieces).split())

    pieces: list[str] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def section(self, name: str) -> str:
        """What is said in one section, white space made single."""
        start = self.source.index(f'<section id="{name}">')
        return parse(self.source[start : self.source.index("</section>", start) + 10]).text


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, tuple(each.tag for each in self.open))
        self.page.elements.append(element)
        self.page.pieces.append(" ")
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()
        self.page.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        if not any(element.tag == "style" for element in self.open):
            self.page.pieces.append(data)


def parse(source: str) -> Page:
    """Parse a page; every tag must be closed where it was opened."""
    page = Page(source)
    reader = _Reader(page)
    reader.feed(source)
    reader.close()
    assert not reader.open, [element.tag for element in reader.open]
    return page


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports with empty figures: tests of other parts need not draw them."""

    def draw_nothing(_: FigureCanvasSVG, file: TextIO) -> None:
        file.write('<svg viewBox="0 0 1 1"/>')

    monkeypatch.setattr(FigureCanvasSVG, "print_svg", draw_nothing)


@pytest.fixture(scope="session")
def parse_page() -> Callable[[str], Page]:
    return parse


@pytest.fixture(scope="session")
def truths() -> dict[str, dict[str, dict[str, float]]]:
    return {"confirmed": GOOD, "refuted": BAD, "inconclusive": DOUBTFUL}


@pytest.fixture(scope="session")
def shipped() -> CampaignRecord:
    """The record of a shipped campaign, with the whole catalog."""
    return make_plan("smoke").record()


def measures(response: float, busy: float, seed: int) -> Measures:
    """What a run measured: ``response`` and ``busy`` are ratios to a common truth."""
    noise = random.Random(seed)
    digest = Digest()
    times = [noise.expovariate(100.0) * response for _ in range(40)]
    for seconds in times:
        digest.add(round(seconds * 1e9))
    return Measures(
        measured_seconds=10.0,
        warm_up_seconds=1.0,
        transactions=40.0,
        failed=0.0,
        processor_seconds={
            "user": 1.0 * noise.uniform(0.99, 1.01),
            "os": 0.2,
            "hypervisor": 1.2 * (busy - 1.0) * noise.uniform(0.99, 1.01) + 1e-3,
            "idle": 30.0,
        },
        responses={"app1/clerks/ask": (40.0, sum(times))},
        digest=digest.to_json(),
        quantiles={
            key: digest.quantile(q) for key, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        partitions={},
    )


def product(
    record: CampaignRecord,
    *,
    machines: int = 1,
    systems: int = 1,
    workloads: int = 1,
    loads: int = 1,
    virtualizations: Mapping[str, float | tuple[float, float]] | None = None,
    replications: int = 2,
    names: Callable[[str, int], str] = "{}-{}".format,
    **changes: Any,
) -> Study:
    """A study of any shape.

    ``virtualizations`` are true ratios, the baseline among them: one for both, or one of response
    times and one of processor time.
    """
    ratios = virtualizations or {"full-system": 1.0, "shared-uncapped": 1.05, "hosted-uml": 2.0}
    truth = {
        name: each if isinstance(each, tuple) else (each, each) for name, each in ratios.items()
    }
    cells = [
        (names("machine", m), names("os", s), v, names("work", w), ((names("factor", 0), str(n)),))
        for m in range(machines)
        for s in range(systems)
        for n in range(loads)
        for v in truth
        for w in range(workloads)
    ]
    plain = loads == 1
    records = tuple(
        CellRecord(position, *cell[:4], () if plain else cell[4], None, {})
        for position, cell in enumerate(cells)
    )
    runs = {
        cell.position: {
            number: measures(*truth[cell.virtualization], number) for number in range(replications)
        }
        for cell in records
    }
    counts = {"minimum": replications, "maximum": replications, "half_width": None}
    claim = {
        "firmware": [name for name in truth if name.startswith("shared")],
        "software": [name for name in truth if name.startswith("hosted")],
        "measures": ["slowdown", "processor-time"],
        "text": {"en": "It costs little."},
    }
    campaign = replace(
        record, **{"cells": records, "replications": counts, "claim": claim, **changes}
    )
    return study(campaign, runs)


def missing_figures(
    product: Study, outcome: Outcome, *, missed: tuple[float, float] = (0.01, 0.9)
) -> Study:
    """The study with the model's own misses: every judged result gets this outcome and interval."""
    low, high = missed
    assert product.verdict is not None
    judged = tuple(
        JudgedWithMisses(
            **each.environment._asdict(),
            part=each.part,
            measure=each.measure,
            outcome=outcome,
            reason="",
            firmware=Ends(virtualization="shared-uncapped", estimate=0.2, low=low, high=high),
            software=Ends(virtualization="hosted-uml", estimate=1.0, low=0.5, high=9.0),
            plausible=None,
        )
        for each in product.verdict.environments
    )
    factor = Factor(
        mechanism="copy", costs=("network.*",), low=0.5, high=3.0, misses=("a figure", "another")
    )
    misses = Discrepancy(
        identity=product.campaign.identity,
        model=product.campaign.model,
        positions=(),
        campaign_runs=0,
        runs=0,
        factors=(factor, factor.model_copy(update={"mechanism": "block"})),
        unexplained=("a third",),
        judged=judged,
        left_out=(),
    )
    return study(product.campaign, product.runs, misses=misses)


@pytest.fixture(scope="session")
def miss_figures() -> Callable[..., Study]:
    return missing_figures


@pytest.fixture(scope="session")
def make_product() -> Callable[..., Study]:
    return product


def played(
    record: CampaignRecord,
    *scenarios: Mapping[str, Any],
    runs: int = 2,
    source: str = "a book, p. 7",
    text: str = "move 1 core",
    **changes: Any,
) -> Study:
    """A study of scenarios; each is a mapping of ``name``, ``virtualization`` and ``measured``."""
    cells, results = [], {}
    for position, each in enumerate(scenarios or ({},)):
        name = each.get("name", "moves")
        script = {
            "name": name,
            "title": {"en": each.get("title", f"What {name} does")},
            "element": each.get("element", "dlpar"),
        }
        cells.append(
            CellRecord(
                position=position,
                machine="p5-520",
                os="aix-5.3",
                virtualization=each.get("virtualization", "shared-uncapped"),
                workload="work",
                load=(),
                infeasible=None,
                parameters={"scenario": script},
            )
        )
        results[position] = {
            number: _performance(each.get("measured", 2.0) + number, source, text)
            for number in range(each.get("runs", runs))
        }
    counts = {"minimum": runs, "maximum": runs, "half_width": None}
    changes = {"cells": tuple(cells), "replications": counts, "claim": None, **changes}
    return study(replace(record, **changes), {}, scenarios=results)


def _performance(measured: float, source: str, text: str) -> RunResult:
    points: list[tuple[float, str, dict[str, str], float]] = []
    for step in range(200):
        for name in ("app1", "app2"):
            label = {"partition": name}
            points += [
                (step * 0.5, "vtax_requests_per_second", label, 100.0 + step % 7),
                (step * 0.5, "vtax_response_mean_seconds", label, 0.004),
                (step * 0.5, "vtax_partition_physc_cores", label, 0.5),
                (step * 0.5, "vtax_partition_entitlement_cores", label, 1.0 + (step > 100)),
                (step * 0.5, "vtax_partition_memory_bytes", label, 2.0**30),
            ]
    numeric = {"relation": "at-most", "tolerance": 0.0, "unit": "cores", "source": source}
    return RunResult(
        samples=[],
        digests={},
        warm_up_seconds=0.0,
        measured_seconds=100.0,
        requests=1,
        timeline=points,
        operations=[
            OperationEvent(5.0, text, "started", ""),
            OperationEvent(7.0, text, "done", ""),
            OperationEvent(9.0, f"{text} again", "refused", f"no room for {text}"),
        ],
        checks=[
            Check(
                name={"en": "Cores at the end"},
                measured=measured,
                expected=2.5,
                passed=measured <= 2.5,
                detail=f"after {text}",
                assumed=("operations.dlpar.processor_time",),
                **numeric,
            ),
        ],
    )


def validated(record: CampaignRecord, **changes: Any) -> ValidationRecord:
    """A validation of this campaign's model: of each kind a row that holds and one that does not.

    Predictions are 5, 30 and -90 per cent off, and one of nothing holds.
    """
    rows = []
    for kind in Kind:
        for error in (0.0, 0.3):
            value = 2.0 * (1.0 + error)
            ends = (0.99 * value, 1.01 * value)
            of = (kind, f"{kind} case", f"off {error}", 2.0, "s", "a book")
            rows.append(Row(*of, value, *ends, "99 %", 0.1, 0.01, "to be known"))
    prediction = next(row for row in rows if row.kind is Kind.PREDICTION)
    rows += [
        replace(prediction, case="another case", measure="too low", value=0.2, low=0.1, high=0.4),
        replace(prediction, case="another case", measure="nothing", expected=0.0, value=0.05),
    ]
    found = ValidationRecord(
        model_digest=record.model,
        constants_digest=digest_of_constants(record.constants),
        versions={"vtax": "7.8.9"},
        quick=False,
        rows=tuple(rows),
    )
    return found.model_copy(update=changes)


@pytest.fixture(scope="session")
def validate() -> Callable[..., ValidationRecord]:
    return validated


@pytest.fixture(scope="session")
def play() -> Callable[..., Study]:
    return played


@pytest.fixture(scope="session")
def build(synthetic: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build the report of a synthetic campaign and return where it is."""
    from reports.builder import build_reports

    def make(**keywords: Any) -> Path:
        directory = tmp_path_factory.mktemp("campaign")
        synthetic(**keywords).fill(directory).close()
        return build_reports(directory)[0]

    return make
