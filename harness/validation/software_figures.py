"""Published figures of software monitors that the model has no flavour of yet."""

from harness.validation.mechanism import Mechanism
from harness.validation.prediction import Prediction, not_modelled, stated
from harness.validation.row import FigureKind

_VENDOR = "published by the vendor"


def predictions() -> list[Prediction]:
    """Return the rows of figures that no flavour of a monitor can be compared with."""
    fault = "published.page_fault"
    overhead = stated("published.hosted_extended.least"), stated("published.hosted_extended.most")
    return [
        Prediction(
            "software monitor of 2006 (VMware), Pentium 4 3.8 GHz",
            "page fault over native",
            "ratio",
            f"{fault}.software",
            not_modelled,
            published=stated(f"{fault}.software") / stated(f"{fault}.native"),
            mechanisms=(Mechanism.SYSTEM_EVENT,),
            missing="no flavour of 2006: that of VMware Workstation 3.2 is of 2001 to 2003",
        ),
        Prediction(
            "SPECweb2005 on VMware ESX 3.5, one guest, network bound",
            "throughput over native",
            "ratio",
            "published.specweb.esx",
            not_modelled,
            mechanisms=(Mechanism.PACKET, Mechanism.INTERRUPT, Mechanism.WORLD_SWITCH),
            note=_VENDOR,
            missing="no flavour of ESX and no web workload",
        ),
        Prediction(
            "VMware ESX 3.0.1, mean of processor, memory and I/O programs",
            "slowdown",
            "ratio",
            "published.slowdown.esx",
            not_modelled,
            mechanisms=(Mechanism.SYSTEM_EVENT, Mechanism.WORLD_SWITCH),
            note=_VENDOR,
            missing="no flavour of ESX",
        ),
        Prediction(
            "Xen with optimized drivers (2006), guest receiving",
            "throughput below native",
            "ratio",
            "published.xen_receive.guest",
            not_modelled,
            mechanisms=(Mechanism.PACKET, Mechanism.COPY, Mechanism.WORLD_SWITCH),
            missing="no flavour of Xen with a driver domain",
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
