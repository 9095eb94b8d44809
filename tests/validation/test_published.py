"""Calibration gives back what it was set from; predictions are told as they are."""

import pytest

from harness.validation.calibrated_figures import PARTS, TOLERANCE
from harness.validation.minimal_model import REFERENCE_HZ, catalog
from harness.validation.moving_figures import GIB, removal_seconds, suspension_seconds
from harness.validation.performance_reference import (
    adapter_rate,
    request_efficiency,
    server_seconds,
    transfer_rate,
    virtual_rate,
)
from harness.validation.predicted_figures import predictions
from harness.validation.prediction import Prediction, not_modelled, row_of
from harness.validation.published import (
    DOMAINS,
    bridged,
    event_cycles,
    processor_bound,
    receive_loss,
    slicing_loss,
)
from harness.validation.row import FigureKind, Kind


@pytest.fixture(scope="module")
def calibrated():
    return [row for part in PARTS for row in part()]


def test_the_model_gives_back_what_sets_its_constants(calibrated):
    assert len(calibrated) > 30
    for row in calibrated:
        assert row.kind is Kind.CALIBRATION
        assert row.passed, row
        assert row.tolerance == TOLERANCE


def test_nothing_is_calibrated_and_predicted_at_once(calibrated):
    """By case, measure and figure."""
    predicted = {(p.case, p.measure) for p in predictions()}
    assert not predicted & {(row.case, row.measure) for row in calibrated}
    read = {p.constant for p in predictions()}
    assert not read & {name for name in read if name.startswith(("hosted.vmware.", "events."))}


def test_no_figure_that_is_predicted_is_read_by_the_model():
    """Changing the published figure changes nothing but what is expected."""
    nominal = catalog().nominal()
    for prediction in predictions():
        if "vscsi" not in prediction.constant and "pool" not in prediction.constant:
            continue
        value = nominal[prediction.constant]
        other = tuple(9 * each for each in value) if isinstance(value, tuple) else 9 * value
        changed = nominal.changed({prediction.constant: other})
        assert prediction.model(changed, {}) == prediction.model(nominal, {})


def test_every_prediction_names_a_figure_of_the_catalog_and_expects_it():
    names = [(p.case, p.measure) for p in predictions()]
    assert len(set(names)) == len(names) >= 30
    for prediction in predictions():
        assert prediction.constant in catalog().constants
        assert prediction.expected >= 0


def test_a_miss_is_told_as_it_is():
    exact = Prediction("c", "m", "s", "programs.kernel_build.native", lambda *_: 263.0)
    assert row_of(exact, 10).passed
    wrong = Prediction("c", "m", "s", "programs.kernel_build.native", lambda *_: 300.0)
    row = row_of(wrong, 10)
    assert not row.passed
    assert not row.must_hold
    assert row.error == pytest.approx(37 / 263)


def test_the_interval_holds_the_stated_value_and_what_the_draws_make():
    drawn = Prediction(
        "c", "m", "", "hypervisor.pool_cost_guidance", lambda c, _: c.number("hypervisor.vp_switch")
    )
    row = row_of(drawn, 10)
    assert row.low < row.value < row.high
    kept = Prediction(
        "c",
        "m",
        "",
        "hypervisor.pool_cost_guidance",
        lambda c, _: c.number("hypervisor.vp_switch"),
        fixed=("hypervisor.vp_switch",),
    )
    assert row_of(kept, 10).low == row_of(kept, 10).high == 5000.0


def test_time_slicing_loses_a_switch_and_a_refill_for_each_turn():
    constants = (
        catalog().nominal().changed({"processor.working_set": 0.0, "os.aix-5.3.tick_rate": 1e-6})
    )
    assert DOMAINS == 128
    loss = slicing_loss(constants, 0.005)
    assert loss == pytest.approx(3e-6 / 5e-3, rel=0.02)
    assert slicing_loss(constants, 0.050) == pytest.approx(loss / 10, rel=0.02)


def test_computing_in_a_guest_loses_ticks_page_faults_and_caches():
    nominal = catalog().nominal()
    faultless = {"profiles.integer.demand.page_faults": 0.0}
    undisturbed = {
        "processor.tick_footprint": 0.0,
        "hosted.vmware.footprint": 0.0,
        "hosted.vmware.tlb_entries": 0.0,
    }

    def lost(*changes):
        made = nominal.changed({key: value for each in changes for key, value in each.items()})
        alone, guest = (processor_bound(made, each) for each in (None, "vmware"))
        return guest / alone

    ticks, faults, caches = lost(faultless, undisturbed), lost(undisturbed), lost(faultless)
    assert 1 < ticks < 1.01
    assert min(faults, caches) > ticks
    assert lost() > max(faults, caches)


def test_every_row_names_what_it_tests(calibrated):
    for row in calibrated:
        assert row.mechanisms, row
    for prediction in predictions():
        assert prediction.mechanisms, prediction
        assert (prediction.figure is FigureKind.BAND) == (prediction.band is not None)
        assert bool(prediction.missing) == (prediction.model is not_modelled)


def test_a_figure_that_is_not_modelled_is_a_row_without_a_value():
    (prediction, *_) = [each for each in predictions() if each.missing]
    row = row_of(prediction, 10)
    assert row.not_modelled == prediction.missing
    assert not row.missed
    assert not row.passed


def test_sizing_rules_are_bounds_and_bands():
    kinds = {each.constant: each.figure for each in predictions()}
    assert kinds["vios.sea.processors_per_gigabit"] is FigureKind.UPPER_BOUND
    assert kinds["hypervisor.pool_cost_guidance"] is FigureKind.BAND


def test_the_systems_of_the_reference_do_what_their_parts_do():
    nominal = catalog().nominal()
    cycles = nominal.interpolate("vios.vscsi.cycles.logical-volume", 4096)
    # The hypervisor's calls and clock ticks come on top.
    assert server_seconds(nominal, 4096, write=False) == pytest.approx(cycles / 2.2e9, rel=0.05)
    wire = 125e6 * 8952 / (8992 + 38)
    assert adapter_rate(nominal, "ethernet-1gb", 8992, 1, duplex=False) == pytest.approx(
        wire, rel=0.01
    )
    slow = virtual_rate(nominal, 8992, 4, duplex=False, clock_hz=1e9)
    fast = virtual_rate(nominal, 8992, 4, duplex=False, clock_hz=2e9)
    assert fast == pytest.approx(2 * slow, rel=0.03)
    assert 0.5 < request_efficiency(nominal, 1) < 1.0
    assert transfer_rate(nominal, 2) > transfer_rate(nominal, 1)


def test_changes_of_a_running_partition_take_what_the_constants_say():
    quick = {"operations.mobility.validation_time": 0.1, "operations.mobility.suspension": 0.5}
    nominal = catalog().nominal().changed(quick)
    rate = nominal.number("operations.dlpar.memory_removal_rate")
    fixed = nominal.number("operations.dlpar.memory_time")
    assert removal_seconds(nominal, GIB) == pytest.approx(fixed + GIB / rate, abs=0.02)
    assert suspension_seconds(nominal, GIB // 4) == pytest.approx(0.5, abs=0.05)


def test_a_receiving_guest_of_xen_loses_what_its_packets_cost():
    nominal = catalog().nominal()
    lost = receive_loss(nominal, "xen-3")
    assert 0.2 < lost < 0.9
    more = receive_loss(nominal.changed({"hosted.xen-3.receive": 40_000.0}), "xen-3")
    assert lost < more < 1
    assert receive_loss(nominal.changed({"hosted.transfer": 0.0}), "xen-3") < 0.05


@pytest.mark.parametrize("event", ["page_faults", "forks", "execs"])
def test_a_monitor_adds_the_published_difference_to_an_event(event):
    nominal = catalog().nominal()
    hosted, native = (nominal.number(f"events.{level}.{event}") for level in ("esx-3", "native"))
    assert event_cycles(nominal, "esx-3", event) == pytest.approx(hosted - native, rel=1e-3)


def test_a_vios_that_never_leaves_its_core_is_busy_all_the_time():
    """Bridging at three times the published cycles is more than one core can do."""
    nominal = catalog().nominal()
    name = "vios.sea.cycles_per_byte.threaded.simplex"
    rate, processors = bridged(nominal.multiplied([name], 3.0), 1500, threaded=True, duplex=False)
    assert processors == pytest.approx(1.0, abs=1e-6)
    (cycles, _) = nominal.table(name)[1]
    assert rate == pytest.approx(REFERENCE_HZ / (3 * cycles), rel=0.02)
