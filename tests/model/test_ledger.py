import pytest

from harness.model.ledger import CAUSE_LABELS, Cause, Ledger


def test_an_account_starts_empty_with_a_place_for_each_cause():
    account = Ledger().open("app1")
    assert list(account.ns) == [0] * len(Cause)
    assert sorted(Cause) == list(range(len(Cause)))


def test_an_account_is_opened_once():
    ledger = Ledger()
    ledger.open("app1")
    with pytest.raises(ValueError, match="'app1' is open"):
        ledger.open("app1")


def test_causes_have_the_names_that_reports_and_metrics_use():
    assert CAUSE_LABELS == (
        "user",
        "os",
        "tick",
        "hypervisor",
        "refill",
        "vios",
        "switch",
        "copy",
        "emulation",
        "world_switch",
        "host",
        "contention",
    )
