"""Published figures that set no constant, and the model's values of them.

The interval is the range over draws of all uncertain constants; the value is that of the stated
ones. A prediction within 10 % holds, any other is missed. No constant may be changed because of a
row of this module.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.catalog import Constants
from harness.statistics.latin_hypercube import latin_hypercube
from harness.validation import published
from harness.validation.minimal_model import catalog
from harness.validation.row import Kind, Row

TOLERANCE = 0.10
DRAWS, QUICK_DRAWS = 20, 10
SEED = 1

ON_THE_PAPERS_MACHINE = ("hosted.transfer", "native.transfer")
"""Not drawn where the model is the machine that the cycles were measured on."""

Model = Callable[[Constants, dict[str, float]], float]
"""Returns a figure from constants and from quantiles (0 to 1) of other uncertain quantities."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A published figure and the model of it.

    Attributes
    ----------
    constant, index
        The catalog's name of the figure, and its place if that is a table.
    published
        The figure where it is derived from several constants; else None.
    fixed
        Constants that are not drawn.
    tolerance
        Of the relative error, or of the absolute one where 0 is expected.
    """

    case: str
    measure: str
    unit: str
    constant: str
    model: Model
    index: int = 0
    published: float | None = None
    fixed: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    note: str = ""

    @property
    def expected(self) -> float:
        """The published figure."""
        if self.published is not None:
            return self.published
        value = catalog().nominal()[self.constant]
        if isinstance(value, tuple):
            value = value[self.index]
        assert isinstance(value, float)
        return value


def _stated(name: str) -> float:
    return catalog().nominal().number(name)


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
            note=""
            if direction == "simplex"
            else "the model's adapter knows no limit but its wire",
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
            note="IBM's rule is for sizing and may leave room",
        )
        for index, mtu in mtus
    ]


def _pool() -> list[Prediction]:
    prefix = "profiles.commercial.demand."

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
            note="IBM gives no load; the figure is of older hardware",
        )
    ]


def _turns() -> list[Prediction]:
    case, name = "128 compute-bound partitions on one core", "hypervisor.other_slices"
    note = "a bound from another hypervisor (Xen) on another processor"
    return [
        Prediction(
            case,
            "lost at slices of 5 ms",
            "",
            name,
            lambda constants, _: published.slicing_loss(constants, 0.005),
            note=note,
        ),
        Prediction(
            case,
            "lost at slices of 50 ms",
            "",
            name,
            lambda constants, _: published.slicing_loss(constants, 0.050),
            published=0.0,
            tolerance=0.01,
            note=f"published: almost nothing, taken as at most 1 %; {note}",
        ),
    ]


MIX_QUANTILES = tuple(f"mix.{name}" for name in published.BUILD_MIX)


def _programs() -> list[Prediction]:
    native = _stated("programs.kernel_build.native")
    spec = _stated("programs.spec_int.native")

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
    for flavour, title in (("vmware", "VMware Workstation 3.2"), ("uml", "User-Mode Linux")):
        case = f"{title} guest, Xeon 2.4 GHz"
        rows.append(
            Prediction(
                case,
                "Linux kernel build",
                "s",
                f"programs.kernel_build.{flavour}",
                build(flavour),
                fixed=ON_THE_PAPERS_MACHINE,
                note="mix of events: chosen, each twice or half; native time and OS share given",
            )
        )
        rows.append(
            Prediction(
                case,
                "SPEC INT2000, score lost",
                "",
                f"programs.spec_int.{flavour}",
                lost(flavour),
                published=1 - _stated(f"programs.spec_int.{flavour}") / spec,
                fixed=ON_THE_PAPERS_MACHINE,
                note="no constant says what a monitor takes from the processor's caches",
            )
        )
    return rows


def _network() -> list[Prediction]:
    def stream(flavour: str | None, sending: bool, which: int) -> Model:
        return lambda constants, _: published.ttcp(constants, flavour, sending=sending)[which]

    rows = []
    for flavour in (None, "vmware", "uml"):
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
                        published=published.XEON_HZ / _stated(name),
                        fixed=ON_THE_PAPERS_MACHINE,
                        note="derived: the guest's throughput is that of one processor kept busy",
                    )
                )
    return rows


def predictions() -> list[Prediction]:
    """Return all predictions."""
    return [*_disk(), *_bridge(), *_pool(), *_turns(), *_programs(), *_network()]


def rows_of(index: int, draws: int) -> list[Row]:
    """Return the row of one of the predictions."""
    return [row_of(predictions()[index], draws)]


def row_of(prediction: Prediction, draws: int) -> Row:
    """Predict one figure with the stated constants and with draws of the uncertain ones."""
    shipped = catalog()
    value = prediction.model(shipped.nominal(), {})
    names = [name for name in shipped.uncertain if name not in prediction.fixed]
    drawn = []
    for u in latin_hypercube([*names, *MIX_QUANTILES], draws, SEED):
        constants = shipped.draw({name: u[name] for name in names})
        drawn.append(prediction.model(constants, u))
    finite = [each for each in drawn if math.isfinite(each)]
    return Row(
        Kind.PREDICTION,
        prediction.case,
        prediction.measure,
        prediction.expected,
        prediction.unit,
        shipped.constants[prediction.constant].source,
        value,
        float(np.min([value, *finite])),
        float(np.max([value, *finite])),
        f"range over {draws} draws of the constants",
        prediction.tolerance,
        note=prediction.note,
    )
