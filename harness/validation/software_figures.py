"""Published figures of the software level of 2005 to 2007, and what no flavour can express."""

from harness.catalog import Constants
from harness.validation import published
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import catalog
from harness.validation.prediction import Prediction, not_modelled, stated
from harness.validation.row import FigureKind

_VENDOR = "published by the vendor"


def page_fault_cycles() -> tuple[float, float]:
    """Return the cycles that a software monitor of 2006 adds to a page fault: published, model's.

    A fault writes an entry of a page table, whose shadow the monitor keeps.
    """
    fault, entry = "published.page_fault", "published.page_table_entry"
    added = sum(stated(f"{each}.software") - stated(f"{each}.native") for each in (fault, entry))
    return added, published.event_cycles(catalog().nominal(), "esx-3", "page_faults")


def _slowdown(constants: Constants, _: dict[str, float]) -> float:
    """Return what a computing guest of ESX 3 takes longer than natively."""
    guest, native = (published.processor_bound(constants, each) for each in ("esx-3", None))
    return guest / native - 1


def predictions() -> list[Prediction]:
    """Return the predictions."""
    overhead = stated("published.hosted_extended.least"), stated("published.hosted_extended.most")
    return [
        Prediction(
            "SPECweb2005 on VMware ESX 3.5, one guest, network bound",
            "throughput over native",
            "ratio",
            "published.specweb.esx",
            not_modelled,
            mechanisms=(Mechanism.PACKET, Mechanism.INTERRUPT, Mechanism.WORLD_SWITCH),
            note=_VENDOR,
            missing="no web workload",
        ),
        Prediction(
            "VMware ESX 3.0.1, mean of processor, memory and I/O programs",
            "slowdown",
            "ratio",
            "published.slowdown.esx",
            lambda constants, _: (
                published.processor_bound(constants, "esx-3")
                / published.processor_bound(constants, None)
                - 1
            ),
            mechanisms=(
                Mechanism.SYSTEM_EVENT,
                Mechanism.INTERRUPT,
                Mechanism.WORLD_SWITCH,
                Mechanism.TRANSLATION,
            ),
            note=f"{_VENDOR}; the profile integer stands for the programs, and has no I/O",
        ),
        Prediction(
            "software monitor of 2006 (VMware), SPEC INT2000",
            "slowdown",
            "ratio",
            "programs.binary_translation.spec_int",
            _slowdown,
            mechanisms=(
                Mechanism.SYSTEM_EVENT,
                Mechanism.INTERRUPT,
                Mechanism.WORLD_SWITCH,
                Mechanism.TRANSLATION,
            ),
            figure=FigureKind.BAND,
            band=(0.0, 0.09),
            note="the programs lose 0 to 9 %, 4 % on average; the source is recalled",
        ),
        Prediction(
            "Xen with optimized drivers (2006), guest receiving",
            "throughput below native",
            "ratio",
            "published.xen_receive.guest",
            lambda constants, _: published.receive_loss(constants, "xen-3"),
            mechanisms=(Mechanism.PACKET, Mechanism.COPY, Mechanism.WORLD_SWITCH),
            note="one processor does all, and no wire limits it; native stack of the catalog",
        ),
        Prediction(
            "monitor on a host that was extended for it (King et al.), system-call programs",
            "overhead",
            "ratio",
            "published.hosted_extended.least",
            not_modelled,
            published=sum(overhead) / 2,
            mechanisms=(Mechanism.SYSTEM_EVENT, Mechanism.WORLD_SWITCH),
            figure=FigureKind.BAND,
            band=overhead,
            missing="no flavour with an extended host: User-Mode Linux is that before",
        ),
    ]
