"""Reports of campaigns on a real machine: measured beside predicted."""

import random
from dataclasses import replace

import pytest

from harness.analysis import study
from harness.campaign.plan import make_plan
from harness.metrics.digest import Digest
from harness.metrics.measures import Measures
from reports.builder import render
from reports.texts import LANGUAGES

TRUE = {"native": 1.0, "capped": 1.02, "qemu-tcg": 4.0}
REASON = "it did not boot and answer within 30 s"


def run(factor: float, seed: int, *, disturbed: bool) -> Measures:
    noise = random.Random(seed)
    digest = Digest()
    times = [0.01 * factor * noise.uniform(0.98, 1.02) for _ in range(20)]
    for seconds in times:
        digest.add(round(seconds * 1e9))
    return Measures(
        measured_seconds=sum(times),
        warm_up_seconds=0.0,
        transactions=20.0,
        failed=0.0,
        processor_seconds={"target": 0.2 * factor * noise.uniform(0.98, 1.02), "idle": 0.1},
        responses={"target/work/unit": (20.0, sum(times))},
        digest=digest.to_json(),
        quantiles={"p50": 0.01 * factor, "p95": 0.011 * factor, "p99": 0.012 * factor},
        partitions={},
        condition={
            "condition_disturbed": float(disturbed),
            "condition_others": 0.3 if disturbed else 0.01,
            "condition_load": 1.5,
            "target_inside_seconds": 1.0,
            "target_outside_seconds": 1.01,
        },
    )


def prediction(workload: str, virtualization: str, ratio: float) -> dict:
    told = {"ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio}
    causes = [
        {"cause": "forks", "share": 0.5, "extra_share": 0.7},
        {"cause": "computing", "share": 0.5, "extra_share": 0.3},
    ]
    return {
        "workload": workload,
        "load": [],
        "virtualization": virtualization,
        "slowdown": told,
        "processor-time": told,
        "causes": causes,
        "notes": [],
    }


@pytest.fixture(scope="module")
def found():
    record = make_plan("real").record()
    cells = tuple(
        replace(cell, infeasible=REASON if cell.virtualization == "qemu-kvm" else None)
        for cell in record.cells
        if cell.workload in ("integer", "gzip", "web")
    )
    real = {
        "machine": {
            "processor": "An imitation <b>",
            "kernel": "1.2.3",
            "measured_at": "2026-01-01T00:00:00+00:00",
            "mitigations": {"flaw": "Mitigation: patience"},
        },
        "targets": {
            name: {"available": True, "kernel": "1.2.3", "channel_seconds": 0.005} for name in TRUE
        }
        | {"qemu-kvm": {"available": False, "reason": REASON}},
        "predictions": [
            prediction("integer", "qemu-tcg", 4.1),
            prediction("gzip", "qemu-tcg", 2.0),
            prediction("integer", "capped", 1.0),
        ],
    }
    runs = {
        cell.position: {
            number: run(TRUE[cell.virtualization], number, disturbed=number == 0)
            for number in range(10)
        }
        for cell in cells
        if cell.virtualization in TRUE
    }
    return study(replace(record, cells=cells, real=real), runs)


@pytest.fixture(scope="module")
def pages(found, parse_page):
    return {language: parse_page(render(found, language=language)) for language in LANGUAGES}


def test_the_first_table_is_what_was_measured_on_this_machine(pages):
    page = pages["en"]
    first = page.all("table")[0]
    assert "Fixed-work slowdown" in page.section("measured")
    assert first.attributes["class"] == "measured"
    assert page.source.index('id="measured"') < page.source.index('id="reading"')
    assert '<section id="verdict">' not in page.source


def test_a_prediction_stands_beside_each_measurement_with_its_error(pages):
    text = pages["en"].section("measured")
    assert "qemu-tcg 4.00" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "hit" in text
    assert "miss" in text
    assert "2 of 3 predictions are within 25" in text
    assert "forks 70" in text


def test_disturbed_runs_are_counted_and_none_is_left_out(pages, found):
    text = pages["en"].section("measured")
    assert "disturbed runs 9 of 90" in text
    assert "2 of 20" in text
    assert found.complete == 90


def test_a_target_that_does_not_work_is_told_with_its_reason(pages):
    for page in pages.values():
        assert "qemu-kvm" in page.section("failures")
    assert REASON in pages["en"].section("failures")


def test_the_machine_is_described(pages):
    text = pages["en"].section("machine")
    for said in ("An imitation <b>", "1.2.3", "flaw: Mitigation: patience", "5.00 ms"):
        assert said.replace(" ", "") in text.replace(" ", "").replace("\N{NO-BREAK SPACE}", ""), (
            said
        )


@pytest.mark.parametrize("word", ["full-system", "firmware", "POWER", "Virtual I/O", "simulat"])
def test_nothing_is_said_of_what_only_a_model_has(pages, word):
    page = pages["en"]
    text = page.text
    end = text.index("The campaign file as it was read")
    assert word.lower() not in text[:end].lower()


def test_both_languages_show_the_same_numbers(pages):
    numbers = {
        language: [element.text for element in page.all("b")] for language, page in pages.items()
    }
    ratios = {
        language: [text for text in told if text.replace(".", "").isdigit()]
        for language, told in numbers.items()
    }
    assert ratios["en"] == ratios["ja"]
    assert "的中" in pages["ja"].section("measured")


def test_without_a_prediction_there_is_a_dash(pages):
    assert "web capped" in pages["en"].section("measured")


def test_it_is_the_same_each_time(found):
    assert render(found) == render(found)
