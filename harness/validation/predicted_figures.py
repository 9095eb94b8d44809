"""Published figures that set no constant, and the model's values of them.

The interval is the range over draws of all uncertain constants; the value is that of the stated
ones. A prediction within 10 % holds, any other is missed; of a band and of an upper bound, one
within it holds. No constant may be changed because of a row of this module and of those it lists.
"""

from harness.catalog import Constants
from harness.validation import (
    moving_figures,
    performance_reference,
    published,
    scaling_figures,
    software_figures,
)
from harness.validation.mechanism import Mechanism
from harness.validation.prediction import TOLERANCE, Model, Prediction, row_of, stated
from harness.validation.row import FigureKind, Row

ON_THE_PAPERS_MACHINE = ("hosted.transfer", "native.transfer")
"""Not drawn where the model is the machine that the cycles were measured on."""

SIZES = (4096, 8192, 32768, 65536, 131072)


def _disk() -> list[Prediction]:
    def at(size: int) -> Model:
        return lambda constants, _: published.read_bandwidth(constants, size, "physical")

    return [
        Prediction(
            "virtual SCSI, dedicated VIOS, physical backing",
            f"bandwidth of one thread, {size // 1024} KiB",
            "B/s",
            "vios.vscsi.bandwidth.virtual",
            at(size),
            index,
            mechanisms=(Mechanism.BLOCK, Mechanism.HYPERVISOR_CALL, Mechanism.DISK),
        )
        for index, size in enumerate(SIZES)
    ]


def _bridge() -> list[Prediction]:
    def stream(mtu: int, mode: str, direction: str, which: int) -> Model:
        flags = {"threaded": mode == "threaded", "duplex": direction == "duplex"}
        return lambda constants, _: published.bridged(constants, mtu, **flags)[which]

    mtus = tuple(enumerate((1500, 9000)))
    rows = [
        Prediction(
            f"Shared Ethernet Adapter, {mode}, {direction}",
            f"throughput, MTU {mtu}",
            "B/s",
            f"vios.sea.throughput.{mode}.{direction}",
            stream(mtu, mode, direction, 0),
            index,
            mechanisms=(Mechanism.ADAPTER, Mechanism.PACKET, Mechanism.COPY),
            note="one core, whose two hardware threads IBM's cycles are of together",
        )
        for mode in ("threaded", "non-threaded")
        for direction in ("simplex", "duplex")
        for index, mtu in mtus
    ]
    return rows + [
        Prediction(
            "Shared Ethernet Adapter, threaded, simplex",
            f"processors in use at line rate, MTU {mtu}",
            "cores",
            "vios.sea.processors_per_gigabit",
            stream(mtu, "threaded", "simplex", 1),
            index,
            mechanisms=(Mechanism.PACKET, Mechanism.COPY, Mechanism.HYPERVISOR_CALL),
            figure=FigureKind.UPPER_BOUND,
            note="IBM's rule is for sizing and may leave room",
        )
        for index, mtu in mtus
    ]


def _pool() -> list[Prediction]:
    prefix = "profiles.commercial.demand."
    # "Approximately", without load and machine: taken as half to twice as much.
    guidance = stated("hypervisor.pool_cost_guidance")

    def overhead(constants: Constants, _: dict[str, float]) -> float:
        demand = {
            name.removeprefix(prefix): constants.number(name)
            for name in constants
            if name.startswith(prefix)
        }
        processor = demand.pop("processor")
        demand.pop("variation")
        return published.pool_overhead(constants, demand, processor)

    return [
        Prediction(
            "shared pool, 8 uncapped micro-partitions on 4 cores at 70 %",
            "extra processor time",
            "",
            "hypervisor.pool_cost_guidance",
            overhead,
            mechanisms=(
                Mechanism.VP_SWITCH,
                Mechanism.CACHE_REFILL,
                Mechanism.HYPERVISOR_CALL,
                Mechanism.CONTENTION,
            ),
            figure=FigureKind.BAND,
            band=(guidance / 2, guidance * 2),
            note="IBM gives no load; the figure is of older hardware; eight small images meet "
            "fewer locks than one of four processors, and that is more than the switches cost",
        )
    ]


def _turns() -> list[Prediction]:
    case, name = "128 compute-bound partitions on one core", "hypervisor.other_slices"
    note = "a bound from another hypervisor (Xen) on another processor"
    mechanisms = (Mechanism.VP_SWITCH, Mechanism.CACHE_REFILL)
    return [
        Prediction(
            case,
            "lost at slices of 5 ms",
            "",
            name,
            lambda constants, _: published.slicing_loss(constants, 0.005),
            mechanisms=mechanisms,
            note=note,
        ),
        Prediction(
            case,
            "lost at slices of 50 ms",
            "",
            name,
            lambda constants, _: published.slicing_loss(constants, 0.050),
            published=0.0,
            mechanisms=mechanisms,
            tolerance=0.01,
            note=f"published: almost nothing, taken as at most 1 %; {note}",
        ),
    ]


def _programs() -> list[Prediction]:
    native = stated("programs.kernel_build.native")
    spec = stated("programs.spec_int.native")

    def build(flavour: str) -> Model:
        def seconds(constants: Constants, u: dict[str, float]) -> float:
            mix = {
                name: count * 4 ** (u.get(f"mix.{name}", 0.5) - 0.5)
                for name, count in published.BUILD_MIX.items()
            }
            return published.build_seconds(constants, flavour, native, mix)

        return seconds

    def lost(flavour: str) -> Model:
        def share(constants: Constants, _: dict[str, float]) -> float:
            alone = published.processor_bound(constants, None)
            return 1 - alone / published.processor_bound(constants, flavour)

        return share

    rows = []
    for flavour, name, title in (
        ("vmware", "vmware", "VMware Workstation 3.2"),
        ("uml", "uml", "User-Mode Linux"),
        ("xen-3", "xen", "Xen 1.0"),
    ):
        case = f"{title} guest, Xeon 2.4 GHz"
        rows.append(
            Prediction(
                case,
                "Linux kernel build",
                "s",
                f"programs.kernel_build.{name}",
                build(flavour),
                mechanisms=(Mechanism.SYSTEM_EVENT, Mechanism.WORLD_SWITCH),
                fixed=ON_THE_PAPERS_MACHINE,
                note="mix of events: chosen, each twice or half; native time and OS share given; "
                "the numbers of faults, forks and executions decide",
            )
        )
        rows.append(
            Prediction(
                case,
                "SPEC INT2000, score lost",
                "",
                f"programs.spec_int.{name}",
                lost(flavour),
                published=1 - stated(f"programs.spec_int.{name}") / spec,
                mechanisms=(Mechanism.INTERRUPT, Mechanism.CACHE_REFILL, Mechanism.WORLD_SWITCH),
                fixed=ON_THE_PAPERS_MACHINE,
                tolerance=0.01 if flavour == "xen-3" else TOLERANCE,
                note="page faults of the profile integer; caches of the paper's machine; "
                "no source counts a monitor's own timer interrupts",
            )
        )
    return rows


def _network() -> list[Prediction]:
    def stream(flavour: str | None, sending: bool, which: int) -> Model:
        return lambda constants, _: published.ttcp(constants, flavour, sending=sending)[which]

    rows = []
    for flavour in (None, "vmware", "uml"):
        mechanisms: tuple[Mechanism, ...] = (Mechanism.PACKET, Mechanism.COPY, Mechanism.ADAPTER)
        if flavour is not None:
            mechanisms = (Mechanism.WORLD_SWITCH, Mechanism.EMULATION, Mechanism.PACKET)
        for sending in (True, False):
            verb = "send" if sending else "receive"
            name = f"network.hosted.throughput.{flavour or 'native'}.{verb}"
            title = {None: "native Linux", "vmware": "VMware Workstation 3.2 guest"}.get(
                flavour, "User-Mode Linux guest"
            )
            case = f"ttcp, {title}, Xeon 2.4 GHz, Gigabit, MTU 1500"
            rows.append(
                Prediction(
                    case,
                    f"throughput, {verb}",
                    "B/s",
                    name,
                    stream(flavour, sending, 0),
                    mechanisms=mechanisms,
                    fixed=ON_THE_PAPERS_MACHINE,
                )
            )
            if flavour is not None:
                rows.append(
                    Prediction(
                        case,
                        f"processor use, {verb}",
                        "cycles/B",
                        name,
                        stream(flavour, sending, 1),
                        published=published.XEON_HZ / stated(name),
                        mechanisms=mechanisms,
                        fixed=ON_THE_PAPERS_MACHINE,
                        note="derived: the guest's throughput is that of one processor kept busy",
                    )
                )
    return rows


def predictions() -> list[Prediction]:
    """Return all predictions."""
    return [
        *_disk(),
        *_bridge(),
        *_pool(),
        *_turns(),
        *_programs(),
        *_network(),
        *performance_reference.predictions(),
        *moving_figures.predictions(),
        *scaling_figures.predictions(),
        *software_figures.predictions(),
    ]


def rows_of(index: int, draws: int) -> list[Row]:
    """Return the row of one of the predictions."""
    return [row_of(predictions()[index], draws)]
