"""The systems of published measurements, modelled; each function returns the published measure.

Every function takes constants (the stated ones, or a draw of the uncertain ones). Calibration or
prediction uses it, never both for the same figure.
"""

from collections.abc import Callable, Mapping

from harness.catalog import Constants, Value
from harness.engine.clock import to_ns
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    PartitionConfiguration,
    SharedEthernetConfiguration,
    ViosConfiguration,
    VirtualEthernetConfiguration,
    Virtualization,
)
from harness.model.machine import Machine
from harness.model.partition import OUTSIDE, SimulatedPartition
from harness.validation.minimal_model import (
    NO_TICKS,
    OS,
    REFERENCE_HZ,
    build,
    busy_seconds,
    keep_busy,
    partition,
    repeat,
)

MIB = 2**20
DISK, ETHERNET = "ds4400-raid0-5", "ethernet-1gb"
XEON_HZ, PENTIUM_HZ = 2.4e9, 733e6
LINUX_2_4 = "rhel-as-3"
FULL_SYSTEM, DEDICATED = Virtualization.FULL_SYSTEM, Virtualization.DEDICATED
UNCAPPED, HOSTED = Virtualization.SHARED_UNCAPPED, Virtualization.HOSTED


_SPARE = ViosConfiguration("spare", DEDICATED, 1.0, 1)
"""Has the other core of a VIOS's chip and no clients, so that these are on another chip."""


def _machine(
    constants: Constants,
    app: PartitionConfiguration,
    *vios: ViosConfiguration,
    flavour: str | None = None,
    clock_hz: float = REFERENCE_HZ,
) -> Machine:
    cores = round(app.entitlement_cores + sum(each.entitlement_cores for each in vios))
    return build(constants, cores, app, vios=vios, flavour=flavour, clock_hz=clock_hz)


# Virtual SCSI: one thread of sequential reads, POWER5 at 1.65 GHz


def disk_machine(
    constants: Constants, backing: str | None, clock_hz: float = REFERENCE_HZ
) -> Machine:
    """Build a partition with IBM's array, attached directly or through a dedicated VIOS."""
    if backing is None:
        disks: tuple[DiskConfiguration, ...] = (DiskConfiguration(DISK),)
        app = PartitionConfiguration("app", OS, FULL_SYSTEM, 1.0, 1, disks=disks)
        return _machine(constants, app)
    disks = (DiskConfiguration(DISK, "vios1", backing),)
    app = PartitionConfiguration("app", OS, DEDICATED, 1.0, 1, disks=disks)
    vios = ViosConfiguration("vios1", DEDICATED, 1.0, 1)
    return _machine(constants, app, vios, _SPARE, clock_hz=clock_hz)


def read_bandwidth(constants: Constants, size_bytes: int, backing: str | None) -> float:
    """Bytes per second of one thread that reads block after block."""
    machine = disk_machine(constants, backing)
    app, times = machine.partitions["app"], 300
    seconds = repeat(machine, lambda done: app.transfer(0, size_bytes, None, False, done), times)
    return times * size_bytes / seconds


def read_time(constants: Constants, size_bytes: int, backing: str | None) -> float:
    """Seconds of single reads with pauses between them, in which work off the path is done."""
    machine = disk_machine(constants, backing)
    app, clock = machine.partitions["app"], machine.clock
    took: list[int] = []

    def one(done: Callable[[], None]) -> None:
        start_ns = clock.now_ns

        def finished() -> None:
            took.append(clock.now_ns - start_ns)
            clock.call_in(5_000_000, done)

        app.transfer(0, size_bytes, None, False, finished)

    # The first read finds cold caches.
    repeat(machine, one, 4)
    return took[-1] / 1e9


def vios_cycles(
    constants: Constants,
    size_bytes: int,
    backing: str,
    *,
    write: bool = False,
    clock_hz: float = REFERENCE_HZ,
) -> float:
    """Processor cycles of the VIOS for one operation: all busy time of its processors.

    The hypervisor's work on the VIOS's processors is in it, as in the use that a VIOS shows.
    """
    machine = disk_machine(constants, backing, clock_hz)
    app, times = machine.partitions["app"], 300
    repeat(machine, lambda done: app.transfer(0, size_bytes, None, write, done), times)
    machine.clock.run_until(machine.clock.now_ns + 1_000_000)
    return _vios_busy(machine) * clock_hz / times


# Shared Ethernet Adapter: streams to and from the outside, POWER5 at 1.65 GHz

STREAMS = 4
"""Streams at once in each direction; IBM does not publish their number."""


def bridged(
    constants: Constants, mtu_bytes: int, *, threaded: bool, duplex: bool
) -> tuple[float, float]:
    """Stream through a Shared Ethernet Adapter of a VIOS with one core, as IBM measured it.

    IBM's core has two hardware threads, which its cycles and percentages are of together.

    Returns
    -------
    Bytes per second, both directions together, and processors that the VIOS keeps busy.
    """
    shared = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET, mtu_bytes), (1,), threaded)
    app = PartitionConfiguration(
        "app",
        OS,
        DEDICATED,
        4.0,
        4,
        virtual_ethernet=(VirtualEthernetConfiguration(mtu_bytes=mtu_bytes),),
    )
    vios = ViosConfiguration("vios1", DEDICATED, 1.0, 1, shared_ethernet=shared)
    machine = _machine(constants, app, vios, _SPARE)
    client, size = machine.partitions["app"], MIB // 8
    moved = 0

    def stream(verb: Callable[[int, str, Callable[[], None]], None]) -> None:
        def done() -> None:
            nonlocal moved
            moved += size
            again()

        def again() -> None:
            verb(size, OUTSIDE, done)

        again()

    for _ in range(STREAMS):
        stream(client.send)
        if duplex:
            stream(client.receive)
    seconds = 0.5
    machine.clock.run_until(100_000_000)
    before = moved, _vios_busy(machine)
    machine.clock.run_until(100_000_000 + to_ns(seconds))
    return (moved - before[0]) / seconds, (_vios_busy(machine) - before[1]) / seconds


def _vios_busy(machine: Machine) -> float:
    """Processor seconds that the VIOS has been dispatched for, its present turn included."""
    return machine.vios["vios1"].partition.occupied_ns() / 1e9


# Hosted monitors on the machines of their papers


def _hosted(
    constants: Constants, flavour: str | None, clock_hz: float, *, adapter: str | None = None
) -> Machine:
    wires = () if adapter is None else (EthernetConfiguration(adapter),)
    if clock_hz == XEON_HZ:
        constants = constants.changed(_xeon_caches(constants))
    way = FULL_SYSTEM if flavour is None else HOSTED
    app = PartitionConfiguration("app", LINUX_2_4, way, 1.0, 1, ethernet=wires)
    return _machine(constants, app, flavour=flavour, clock_hz=clock_hz)


def _xeon_caches(constants: Constants) -> dict[str, Value]:
    """Return the caches of the Xeon that the costs of events were measured on."""
    names = ("l2_size", "l2_line", "l3_size", "memory_latency")
    return {
        "processor.l2_cores": 1.0,
        **{f"processor.{name}": constants[f"published.machine.xeon.{name}"] for name in names},
    }


def ttcp(constants: Constants, flavour: str | None, *, sending: bool) -> tuple[float, float]:
    """Stream over Gigabit Ethernet at MTU 1500 on a 2.4 GHz Xeon.

    Returns
    -------
    Bytes per second, and processor cycles per byte of the whole machine.
    """
    machine = _hosted(constants, flavour, XEON_HZ, adapter=ETHERNET)
    app, size = machine.partitions["app"], 20_000_000
    verb = app.send if sending else app.receive
    seconds = repeat(machine, lambda done: verb(size, OUTSIDE, done), 1)
    return size / seconds, busy_seconds(machine) * XEON_HZ / size


def packet_seconds(constants: Constants) -> float:
    """Processor time of one full packet sent by a VMware guest at 733 MHz.

    The guest's own stack and copies are left out, and so are clock ticks.
    """
    machine = _hosted(constants.changed(NO_TICKS), "vmware", PENTIUM_HZ, adapter=ETHERNET)
    app, packets, payload = machine.partitions["app"], 0, 1460

    def again() -> None:
        nonlocal packets
        packets += 1
        app.send(payload, OUTSIDE, again)

    # So many streams that the guest, once on the processor, never leaves it.
    for _ in range(8):
        again()
    machine.clock.run_until(1_000_000_000)
    account = machine.balance()[0]["app"]
    causes = ("world_switch", "emulation", "host")
    return sum(account[cause] for cause in causes) / 1e9 / packets


def receive_loss(constants: Constants, flavour: str) -> float:
    """Return the share of native throughput that a receiving guest loses where no wire limits it.

    One processor of 2.4 GHz does all the work, that outside the guest too.
    """
    rates = []
    for each in (None, flavour):
        machine = _hosted(constants, each, XEON_HZ, adapter="ethernet-10gb")
        app, received = machine.partitions["app"], 0

        def again(app: SimulatedPartition = app) -> None:
            nonlocal received
            received += 1
            app.receive(MIB // 16, OUTSIDE, again)

        # Streams enough that the processor never waits.
        for _ in range(STREAMS):
            again()
        machine.clock.run_until(500_000_000)
        rates.append(received)
    return 1 - rates[1] / rates[0]


def event_cycles(constants: Constants, flavour: str, event: str) -> float:
    """Return the cycles that a monitor adds to an event."""
    machine = _hosted(constants.changed(NO_TICKS), flavour, XEON_HZ)
    app, times = machine.partitions["app"], 1000
    repeat(machine, lambda done: app.compute(0.0, {event: 1.0}, done), times)
    return machine.balance()[0]["app"]["emulation"] / 1e9 * XEON_HZ / times


BUILD_MIX: Mapping[str, float] = {
    "forks": 1,
    "execs": 4,
    "page_faults": 2500,
    "opens": 300,
    "stats": 600,
    "io_calls": 1000,
    "file_creates": 3,
    "file_deletes": 2,
    "file_pages": 160,
    "mmaps": 10,
    "context_switches": 20,
}
"""Events of one file compiled: a driver and three passes of a compiler, which read some hundred
headers. They begin in the memory of their parents (vfork), as GNU make and GCC do it; a subshell
of the makefile is forked. Preprocessed text and assembly, some 650 KB, pass through pipes or
files. The mix is not published, and each count may be twice or half as large. It was chosen before
the first result was seen, but for forks and pages, which had no events of their own then. These two
were chosen later, by one who knew that User-Mode Linux's build was predicted 61 % too slow, and who
estimated what numbers of pages do to it."""


def build_seconds(
    constants: Constants, flavour: str | None, native_seconds: float, mix: Mapping[str, float]
) -> float:
    """Time of a kernel build on a 2.4 GHz Xeon whose native time and share in the OS are known."""
    machine = _hosted(constants, flavour, XEON_HZ)
    app, parts = machine.partitions["app"], 200
    os_seconds = native_seconds * constants.number("programs.kernel_build.os_share")
    events_ns, _ = machine.costs.events(mix)
    times = os_seconds / (events_ns / 1e9)
    # Demands in user mode are times of the reference processor.
    user = (native_seconds - os_seconds) * XEON_HZ / constants.number("processor.reference_clock")
    events = {name: count * times / 100 / parts for name, count in mix.items()}
    # A hundredth of the build: it is the same from beginning to end.
    return 100 * repeat(machine, lambda done: app.compute(user / 100 / parts, events, done), parts)


def processor_bound(constants: Constants, flavour: str | None) -> float:
    """Seconds that two hundred units of work of the profile ``integer`` take."""
    machine = _hosted(constants, flavour, XEON_HZ)
    app, prefix = machine.partitions["app"], "profiles.integer.demand"
    seconds = constants.number(f"{prefix}.processor")
    events = {"page_faults": constants.number(f"{prefix}.page_faults")}
    return repeat(machine, lambda done: app.compute(seconds, events, done), 200)


# Sharing processors


def pool_overhead(constants: Constants, events: Mapping[str, float], demand: float) -> float:
    """Extra processor time per unit of work in a shared pool, against a full-system partition.

    Four cores at about 70 %: one partition, or eight uncapped ones with half a core and two virtual
    processors each; units come at even intervals to each of eight queues, which are phased apart.
    """
    spent = []
    for shared in (False, True):
        count = 8 if shared else 1
        apps = [
            partition(f"p{i}", 0.5, 2, UNCAPPED) if shared else partition("p", 4.0, 4, FULL_SYSTEM)
            for i in range(count)
        ]
        machine = build(constants, 4, *apps)
        modelled = list(machine.partitions.values())
        os_seconds = machine.costs.events(events)[0] / 1e9
        period_ns = to_ns(8 * (demand + os_seconds) / (0.7 * 4))
        done: list[list[int]] = []
        for source in range(8):
            app = modelled[source % count]
            done.append(_arrive(machine, app, period_ns * source // 8, period_ns, demand, events))
        machine.clock.run_until(4_000_000_000)
        spent.append(busy_seconds(machine) / sum(map(len, done)))
    return spent[1] / spent[0] - 1


def _arrive(
    machine: Machine,
    app: SimulatedPartition,
    first_ns: int,
    period_ns: int,
    demand: float,
    events: Mapping[str, float],
) -> list[int]:
    """Start units of work at even intervals; return the list of their ends, which grows."""
    ends: list[int] = []

    def start() -> None:
        app.compute(demand, events, lambda: ends.append(machine.clock.now_ns))
        machine.clock.call_in(period_ns, start)

    machine.clock.call_in(first_ns, start)
    return ends


DOMAINS = 128


def slicing_loss(constants: Constants, slice_seconds: float) -> float:
    """Throughput that 128 compute-bound partitions on one core lose to taking turns."""
    turns = constants.changed({"hypervisor.window": DOMAINS * slice_seconds})
    shares = []
    for count in (1, DOMAINS):
        apps = tuple(partition(f"d{i}", 1 / count, 1, UNCAPPED) for i in range(count))
        machine = build(turns, 1, *apps)
        for app in machine.partitions.values():
            keep_busy(app, 0.0101)
        seconds = 2 * DOMAINS * slice_seconds
        machine.clock.run_until(to_ns(seconds))
        accounts, _ = machine.balance()
        shares.append(sum(account["user"] for account in accounts.values()) / 1e9 / seconds)
    return 1 - shares[1] / shares[0]
