"""Explanations add up: products are what the ledger booked, parts are the response time."""

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from harness.analysis.breakdown.accounts import WAITS
from harness.analysis.breakdown.breakdown import explain
from harness.analysis.breakdown.constants_used import DISPATCHING, used_constants
from harness.campaign.selectors import chosen_cell
from harness.cli.app import app
from harness.errors import UserError
from harness.metrics.measures import IDLE
from harness.model.ledger import CAUSE_LABELS

WAYS = ("shared-uncapped", "dedicated", "hosted-vmware")
WORK = ("office", "vscsi-random", "sea-stream", "sea-transactions", "vlan")


def cell(store, virtualization, workload):
    texts = [f"virtualization={virtualization}", f"workload={workload}"]
    return chosen_cell(store.campaign, texts, store.measured())


@pytest.mark.parametrize("workload", WORK)
@pytest.mark.parametrize("virtualization", WAYS)
def test_events_times_their_costs_are_what_was_booked(store, virtualization, workload):
    found = explain(store, cell(store, virtualization, workload))
    assert found.baseline is not None
    for account in found.accounts:
        assert account.cause in CAUSE_LABELS
        if account.cause == "user":
            assert not account.events
        else:
            # The edges of the measured time cut through events.
            assert abs(account.unexplained) <= 0.02 * found.seconds, account
            there = math.fsum(line.baseline_seconds for line in account.events)
            assert abs(account.baseline_seconds - there) <= 0.02 * found.baseline_seconds


@pytest.mark.parametrize("virtualization", ["full-system", *WAYS])
def test_contention_is_computing_beside_other_processors(store, virtualization):
    found = explain(store, cell(store, virtualization, "office"))
    (account,) = (each for each in found.accounts if each.cause == "contention")
    names = {name for line in account.events for name in line.constants}
    assert {"processor.contention.chip", "processor.contention.further"} <= names
    assert account.seconds > 0.01 * found.seconds
    assert abs(account.unexplained) <= 0.01 * account.seconds


def test_how_often_folding_looked_is_noted(store):
    found = cell(store, "shared-uncapped", "office")
    assert not any("folding" in note for note in explain(store, found).notes)
    system = found.parameters["nominal_system"]
    folding = [{**each, "folding": True} for each in system["partitions"]]
    parameters = {**found.parameters, "nominal_system": {**system, "partitions": folding}}
    (note,) = explain(store, replace(found, parameters=parameters)).notes
    assert "looked 0 times in a run of 0.5 s, so that it does not act" in note


@pytest.mark.parametrize("virtualization", WAYS)
def test_the_arithmetic_can_be_followed(store, virtualization):
    found = explain(store, cell(store, virtualization, "office"))
    for account in found.accounts:
        for line in account.events:
            assert line.count * line.each_seconds == pytest.approx(line.seconds)
            assert set(line.constants) <= {each.name for each in found.constants}
    assert found.seconds == pytest.approx(math.fsum(each.seconds for each in found.accounts))
    parts = math.fsum(each.seconds for each in found.waits)
    assert parts == pytest.approx(found.response_seconds)


@pytest.mark.parametrize("virtualization", ["full-system", *WAYS])
@pytest.mark.parametrize("workload", ["vscsi-random", "sea-transactions"])
def test_where_nothing_overlaps_the_response_time_is_work_and_waits(
    store, virtualization, workload
):
    found = explain(store, cell(store, virtualization, workload))
    (left,) = [each.seconds for each in found.waits if each.name == "left"]
    assert abs(left) <= 0.03 * found.response_seconds


@pytest.mark.parametrize("workload", ["vlan", "sea-stream", "vscsi-random"])
def test_what_passes_between_cores_is_a_term_of_its_own(store, workload):
    found = explain(store, cell(store, "dedicated", workload))
    (refill,) = [each for each in found.accounts if each.cause == "refill"]
    lines = [line for line in refill.events if line.event.startswith("cache line of another")]
    assert lines
    for line in lines:
        assert line.count > 0 == line.baseline_count
        assert line.constants[0].startswith("processor.transfer_latency.")


def test_accounts_are_those_of_the_runs(store):
    chosen = cell(store, "shared-uncapped", "vscsi-random")
    found = explain(store, chosen)
    shares = []
    for _, result in store.results({chosen.position}):
        samples = result.samples
        busy = math.fsum(
            value
            for name, labels, value in samples
            if name == "vtax_processor_seconds_total" and labels["cause"] != IDLE
        )
        ok = math.fsum(
            value
            for name, labels, value in samples
            if name == "vtax_transactions_total" and labels["outcome"] == "ok"
        )
        shares.append(busy / ok)
    assert found.seconds == pytest.approx(sum(shares) / len(shares))
    assert found.replications == (0, 1)


def test_the_baseline_is_explained_beside_nothing(store):
    found = explain(store, cell(store, "full-system", "office"))
    assert found.baseline is None
    assert found.baseline_seconds is None
    assert not found.overheads
    assert all(each.difference is None for each in found.accounts)


def test_constants_say_what_was_drawn_within_their_range(store):
    found = explain(store, cell(store, "shared-uncapped", "vscsi-random"))
    known = {each["name"]: each for each in store.campaign.constants}
    assert {"hypervisor.vp_switch", "hypervisor.call.queue_element", "io.block_cost"} <= {
        each.name for each in found.constants
    }
    for each in found.constants:
        constant = known[each.name]
        assert each.status == constant["status"]
        if each.drawn is not None:
            low, high = each.drawn
            assert constant["low"] <= low <= high <= constant["high"]


def test_json_holds_all_of_it(store, results):
    options = ["--only", "virtualization=hosted-vmware, workload=vlan"]
    told = CliRunner().invoke(app, ["explain", str(results), *options, "--json"])
    assert told.exit_code == 0
    found = json.loads(told.stdout)
    expected = explain(store, cell(store, "hosted-vmware", "vlan")).to_json()
    assert found == json.loads(json.dumps(expected))
    assert {each["name"] for each in found["response_parts"]} <= WAITS.keys()


def test_the_text_shows_every_event_part_and_constant(store, results, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    found = explain(store, cell(store, "hosted-vmware", "vlan"))
    told = CliRunner().invoke(app, ["explain", str(results), "--only", found.cell.title])
    assert told.exit_code == 0
    assert found.monitor == "VMware Workstation 2.0-3.2 on a Linux host (2001)"
    assert f"monitor: {found.monitor}" in told.stdout
    assert explain(store, cell(store, "shared-uncapped", "vlan")).monitor == ""
    for account in found.accounts:
        assert account.cause in told.stdout
        for line in account.events:
            assert line.event in told.stdout
    for part in found.waits:
        assert WAITS[part.name] in told.stdout
    for constant in found.constants:
        assert constant.name in told.stdout
        assert constant.source in told.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "fits 23 cells with results"),
        (
            ["workload=sea-stream"],
            " | dedicated | hosted-vmware\n",
        ),
        (["virtualization=hosted-vmware"], "workload=office | vscsi-random"),
        (["virtualisation=hosted-vmware"], "did you mean 'virtualization'"),
        (["workload=vlam"], "did you mean 'vlan'"),
        (["shared-uncapped"], "write factor=value"),
        (["workload=vlan", "workload=sea-stream"], "vlan already"),
        (["virtualization=hosted-uml,workload=vlan"], "all 2 runs failed (error: it broke)"),
        (["virtualization=hosted-uml", "workload=sea-stream"], "no run was made"),
    ],
)
def test_what_cannot_be_explained_is_told_in_one_line(results, options, told):
    arguments = [word for option in options for word in ("--only", option)]
    found = CliRunner().invoke(app, ["explain", str(results), *arguments])
    assert found.exit_code == 2
    assert found.stderr.count("\n") == 1
    assert told in found.stderr


def test_scenarios_are_not_explained(tmp_path):
    from harness.campaign.plan import make_plan
    from harness.results.store import Store

    with Store.start(tmp_path, make_plan("dlpar").record()) as store:
        (scenario, *_) = store.campaign.cells
        with pytest.raises(UserError, match="timelines"):
            explain(store, scenario)
        with pytest.raises(UserError, match="only scenarios"):
            chosen_cell(store.campaign, [], store.measured())


def test_used_constants_are_those_that_a_virtualization_adds(store):
    used = used_constants(store)
    assert "full-system" not in used
    assert {"hypervisor.vp_switch", *DISPATCHING["shared"]} <= set(used["shared-uncapped"])
    assert "hypervisor.vp_switch" not in used["dedicated"]
    assert {"hosted.vmware.world_switch", "hosted.transfer"} <= set(used["hosted-vmware"])
    assert not any(name.startswith("hypervisor") for name in used["hosted-vmware"])
    for names in used.values():
        assert "io.block_cost" not in names  # the baseline pays it, too
        assert set(names) <= {each["name"] for each in store.campaign.constants}
