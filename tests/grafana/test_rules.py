"""Recording and alerting rules: promtool's tests, and a real server beside the analysis."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import program
from promql import EXPOSED, metrics

GRAFANA = Path(__file__).parents[2] / "grafana"
FILES = sorted((GRAFANA / "rules").glob("*.yml"))
TESTS = sorted((GRAFANA / "tests").glob("*.yml"))
RULES: list[dict[str, Any]] = [
    rule
    for path in FILES
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


def name(rule: dict[str, Any]) -> str:
    return rule.get("record") or rule["alert"]


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [program("promtool", "prometheus"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_accepts_every_file():
    assert promtool("check", "rules", *FILES).count("SUCCESS") == len(FILES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtools_unit_tests_pass(path):
    assert "SUCCESS" in promtool("test", "rules", path)


def test_every_file_of_rules_has_a_file_of_tests():
    assert [path.name for path in TESTS] == [path.name for path in FILES]


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_every_rule_has_a_unit_test(rule):
    tested = set()
    for path in TESTS:
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for check in case.get("promql_expr_test", ()):
                assert check["exp_samples"], check
                tested |= metrics(check["expr"])
            for check in case.get("alert_rule_test", ()):
                assert check["exp_alerts"], check
                tested.add(check["alertname"])
    assert name(rule) in tested


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_rule_asks_only_for_what_exists(rule):
    assert metrics(rule["expr"]) <= EXPOSED | RECORDED


@pytest.mark.parametrize("rule", [r for r in RULES if "record" in r], ids=name)
def test_a_recorded_name_is_level_metric_operation(rule):
    level, metric, operation = rule["record"].split(":")
    assert re.fullmatch("[a-z]+", level)
    assert re.fullmatch("vtax(_[a-z]+)+", metric)
    assert re.fullmatch("[a-z0-9_]+", operation)


@pytest.mark.parametrize("rule", [r for r in RULES if "alert" in r], ids=name)
def test_an_alert_says_what_is_the_matter(rule):
    assert rule["alert"].startswith("Vtax")
    assert rule["labels"]["severity"]
    assert "$labels.campaign" in rule["annotations"]["summary"]
    assert rule["annotations"]["description"].rstrip().endswith(".")


def test_no_name_is_recorded_twice():
    assert len({name(rule) for rule in RULES}) == len(RULES)


def test_rules_load_without_an_error(watched):
    groups = watched.prometheus.get("rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in loaded} == {name(rule) for rule in RULES}


def until(question):
    """Ask until there is an answer: rules are evaluated every second."""
    for _ in range(100):
        found = question()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("there is no answer after 20 s")


@pytest.mark.parametrize(
    ("record", "measure"),
    [
        ("virtualization:vtax_processor_time_overhead:ratio", "processor-time"),
        ("virtualization:vtax_slowdown_overhead:ratio", "slowdown"),
    ],
)
def test_recorded_overheads_are_those_of_the_analysis(record, measure, watched):
    found = until(lambda: watched.prometheus.query(f"last_over_time({record}[1h])"))
    recorded = {
        (s["metric"]["virtualization"], s["metric"]["load_partitions_app_weight"]): float(
            s["value"][1]
        )
        for s in found
        if s["metric"]["campaign"] == "present"
    }
    analysed = {
        (
            virtualization,
            dict(result.environment.load)["partitions.app.weight"],
        ): overhead.interval.estimate
        for result in watched.study.environments
        if result.measure == measure
        for virtualization, overhead in result.all.items()
    }
    assert len(analysed) == 4
    assert recorded == pytest.approx(analysed, rel=1e-9, abs=1e-12)


def test_alerts_fire_for_what_the_analysis_found_however_long_ago(watched):
    expected = {
        ("VtaxClaimRefuted", each.part.name)
        for each in watched.study.verdict.parts
        if str(each.outcome) == "refuted"
    } | {
        ("VtaxExpectationMissed", each.name)
        for each in watched.study.elements.scenarios
        if any(not row.passed for row in watched.study.elements.rows if row.scenario == each.name)
    }

    def firing():
        return {
            (
                alert["labels"]["alertname"],
                alert["labels"].get("part") or alert["labels"]["scenario"],
            )
            for alert in watched.prometheus.get("alerts")["alerts"]
            if alert["labels"]["campaign"] == "watched"
        }

    assert len(expected) == 2
    until(lambda: firing() >= expected)
    assert firing() == expected
