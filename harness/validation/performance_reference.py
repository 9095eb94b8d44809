"""IBM's Performance Capabilities Reference (IBM i 6.1, 2008): its systems, modelled.

The servers run IBM i; the model's run AIX 5.3. Where the reference does not state the machine, it
is taken as four cores of POWER6 at 4.2 GHz, of which partitions have two each.
"""

from dataclasses import replace

from harness.catalog import Constants
from harness.engine.clock import to_ns
from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    PartitionConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.machine import Machine
from harness.model.partition import OUTSIDE, SimulatedPartition
from harness.validation.mechanism import Mechanism
from harness.validation.minimal_model import build, catalog, partition
from harness.validation.prediction import Model, Prediction, not_modelled, stated
from harness.validation.published import DEDICATED, FULL_SYSTEM, MIB, vios_cycles
from harness.validation.row import FigureKind

P570_HZ, POWER6_HZ, OLD_HZ = 2.2e9, 4.2e9, 600e6
STREAMS = 4
"""Streams at once in each direction where the reference says "multiple sessions" or nothing."""

_UNKNOWN = "the machine is not stated: taken as POWER6 at 4.2 GHz"


def server_seconds(constants: Constants, size_bytes: int, *, write: bool) -> float:
    """Processor time of the virtual SCSI server for one operation, POWER5+ at 2.2 GHz.

    The reference's server keeps virtual disks in its own storage space: logical volumes are the
    nearest that the model has.
    """
    cycles = vios_cycles(constants, size_bytes, "logical-volume", write=write, clock_hz=P570_HZ)
    return cycles / P570_HZ


def _virtual(
    name: str, cores: float, mtu_bytes: int, *disks: DiskConfiguration
) -> PartitionConfiguration:
    ethernet = (VirtualEthernetConfiguration(mtu_bytes=mtu_bytes),)
    configuration = partition(name, cores, round(cores), DEDICATED)
    return replace(configuration, virtual_ethernet=ethernet, disks=disks)


def _rate(
    machine: Machine, app: SimulatedPartition, peer: str, streams: int, duplex: bool
) -> float:
    """Stream to a peer, and from it; return bytes per second, both directions together."""
    size, moved = 8 * MIB, 0
    verbs = [app.send, app.receive] if duplex else [app.send]

    def done() -> None:
        nonlocal moved
        moved += size

    for verb in verbs * streams:
        verb(size, peer, done)
    while moved < size * streams * len(verbs):
        machine.clock.run_until(round(machine.clock.peek()) + 1)
    return moved * 1e9 / machine.clock.now_ns


def adapter_rate(
    constants: Constants, device: str, mtu_bytes: int, streams: int, *, duplex: bool
) -> float:
    """Stream through an adapter that the partition owns; bytes per second."""
    wires = (EthernetConfiguration(device, mtu_bytes),)
    app = replace(partition("app", 4.0, 4, FULL_SYSTEM), ethernet=wires)
    machine = build(constants, 4, app, clock_hz=POWER6_HZ)
    return _rate(machine, machine.partitions["app"], OUTSIDE, streams, duplex)


def virtual_rate(
    constants: Constants,
    mtu_bytes: int,
    streams: int,
    *,
    duplex: bool,
    cores: int = 2,
    clock_hz: float = POWER6_HZ,
) -> float:
    """Stream between two partitions over virtual Ethernet; bytes per second."""
    apps = [_virtual(name, cores, mtu_bytes) for name in ("app", "peer")]
    machine = build(constants, 2 * cores, *apps, clock_hz=clock_hz)
    return _rate(machine, machine.partitions["app"], "peer", streams, duplex)


def request_efficiency(constants: Constants, threads: int) -> float:
    """Transactions per processor second over virtual Ethernet, relative to a Gigabit adapter.

    Request and response of 128 bytes. The partition that is measured answers clients: another
    partition, or one outside.
    """
    spent = []
    for virtual in (False, True):
        if virtual:
            apps = [_virtual(name, 2, 1500) for name in ("app", "peer")]
        else:
            wires = (EthernetConfiguration("ethernet-1gb"),)
            apps = [replace(partition("app", 2.0, 2, DEDICATED), ethernet=wires)]
        machine = build(constants, 2 * len(apps), *apps, clock_hz=POWER6_HZ)
        spent.append(_seconds_each(machine, threads))
    return spent[0] / spent[1]


def _seconds_each(machine: Machine, threads: int) -> float:
    """Processor time of the partition ``app`` for one request that it answers."""
    app, peer, done = machine.partitions["app"], machine.partitions.get("peer"), 0

    def again() -> None:
        nonlocal done
        done += 1
        if peer is None:
            app.serve(128, 128, 0.0, None, again)
        else:
            peer.exchange(128, 128, "app", again)

    for _ in range(threads):
        again()
    done = 0
    machine.clock.run_until(to_ns(0.2))
    return sum(machine.balance()[0]["app"].values()) / 1e9 / done


def transfer_rate(constants: Constants, sessions: int) -> float:
    """Send files from one disk over virtual Ethernet in some sessions; bytes per second.

    A session reads 32 KiB and sends them before it reads the next.
    """
    apps = (_virtual("app", 2, 8992, DiskConfiguration("internal-scsi")), _virtual("peer", 2, 8992))
    machine = build(constants, 4, *apps, clock_hz=POWER6_HZ)
    app, size, moved = machine.partitions["app"], 32768, 0

    def read() -> None:
        app.transfer(0, size, None, False, send)

    def send() -> None:
        app.send(size, "peer", sent)

    def sent() -> None:
        nonlocal moved
        moved += size
        read()

    for _ in range(sessions):
        read()
    machine.clock.run_until(to_ns(2.0))
    return moved / 2.0


def predictions() -> list[Prediction]:
    """Return the predictions of the reference's figures."""
    return [*_storage(), *_adapters(), *_virtual_ethernet(), *_requests(), *_files(), *_threads()]


def _storage() -> list[Prediction]:
    def at(size: int, write: bool) -> Model:
        return lambda constants, _: server_seconds(constants, size, write=write)

    note = "the server is IBM i 5.4 and not a VIOS"
    rows = []
    for verb in ("read", "write"):
        name = f"published.vscsi_server.{verb}"
        points, _ = _table(name)
        rows += [
            Prediction(
                "virtual SCSI server, IBM i 5.4 for AIX, POWER5+ 2.2 GHz",
                f"server's processor time per {verb}, {size // 1024} KiB",
                "s",
                name,
                at(size, verb == "write"),
                index,
                mechanisms=(Mechanism.BLOCK, Mechanism.COPY, Mechanism.HYPERVISOR_CALL),
                note=note,
            )
            for index, size in enumerate(points)
        ]
    return rows


def _table(name: str) -> tuple[list[int], tuple[float, ...]]:
    points, values = catalog().nominal().table(name)
    return [round(point) for point in points], values


def _adapters() -> list[Prediction]:
    def at(device: str, mtu: int, streams: int, duplex: bool) -> Model:
        return lambda constants, _: adapter_rate(constants, device, mtu, streams, duplex=duplex)

    rows = []
    for device, title, streams in (("1gb", "1 Gb/s", 1), ("10gb", "10 Gb/s", STREAMS)):
        for direction in ("simplex", "duplex"):
            name = f"published.ethernet.{device}.{direction}"
            points, _ = _table(name)
            rows += [
                Prediction(
                    f"Ethernet adapter of a partition, {title}, {direction}",
                    f"throughput, MTU {mtu}",
                    "B/s",
                    name,
                    at(f"ethernet-{device}", mtu, streams, direction == "duplex"),
                    index,
                    mechanisms=(Mechanism.ADAPTER, Mechanism.PACKET, Mechanism.COPY),
                    note=_UNKNOWN,
                )
                for index, mtu in enumerate(points)
            ]
    return rows


def _virtual_ethernet() -> list[Prediction]:
    def at(duplex: bool) -> Model:
        return lambda constants, _: virtual_rate(constants, 8992, STREAMS, duplex=duplex)

    mechanisms = (Mechanism.PACKET, Mechanism.COPY, Mechanism.HYPERVISOR_CALL)
    low, high = (stated(f"published.virtual_lan.{end}") for end in ("least", "most"))
    return [
        *(
            Prediction(
                f"virtual Ethernet between two partitions, {direction}",
                "throughput, MTU 8992",
                "B/s",
                f"published.ethernet.virtual.{direction}",
                at(direction == "duplex"),
                mechanisms=mechanisms,
                note=_UNKNOWN,
            )
            for direction in ("simplex", "duplex")
        ),
        Prediction(
            "virtual Ethernet between two partitions, processors of 600 MHz",
            "throughput, MTU 1500",
            "B/s",
            "published.virtual_lan.least",
            lambda constants, _: virtual_rate(
                constants, 1500, 1, duplex=False, cores=1, clock_hz=OLD_HZ
            ),
            published=(low + high) / 2,
            mechanisms=mechanisms,
            figure=FigureKind.BAND,
            band=(low, high),
            note="the MTU is not stated",
        ),
    ]


def _requests() -> list[Prediction]:
    def at(threads: int) -> Model:
        return lambda constants, _: request_efficiency(constants, threads)

    name = "published.request_response"
    points, gigabit = _table(f"{name}.gigabit")
    _, virtual = _table(f"{name}.virtual")
    return [
        Prediction(
            "request and response of 128 bytes, virtual over physical Gigabit Ethernet",
            f"transactions per processor second, {threads} threads",
            "",
            f"{name}.virtual",
            at(threads),
            published=virtual[index] / gigabit[index],
            mechanisms=(Mechanism.PACKET, Mechanism.INTERRUPT, Mechanism.HYPERVISOR_CALL),
            note=_UNKNOWN,
        )
        for index, threads in enumerate(points)
    ]


def _files() -> list[Prediction]:
    def at(sessions: int) -> Model:
        return lambda constants, _: transfer_rate(constants, sessions) / transfer_rate(constants, 1)

    rows = []
    for disks, title in (("one_disk", "one disk"), ("fifteen_disks", "15 disks")):
        name = f"published.file_transfer.{disks}"
        points, rates = _table(name)
        rows += [
            Prediction(
                f"file transfer over virtual Ethernet, {title}",
                f"throughput of {sessions} sessions over that of one",
                "",
                name,
                at(sessions) if disks == "one_disk" else not_modelled,
                published=rates[index] / rates[0],
                mechanisms=(Mechanism.DISK, Mechanism.BLOCK, Mechanism.COPY),
                missing="" if disks == "one_disk" else "the catalog has no array of 15 disks",
            )
            for index, sessions in enumerate(points)
            if index
        ]
    return rows


def _threads() -> list[Prediction]:
    low, high = (stated(f"published.multithreading.{end}") for end in ("least", "most"))
    return [
        Prediction(
            "two hardware threads on one core, commercial load",
            "throughput gained over one thread",
            "",
            "published.multithreading.least",
            not_modelled,
            published=(low + high) / 2,
            mechanisms=(Mechanism.MULTITHREADING,),
            figure=FigureKind.BAND,
            band=(low, high),
            note="older hardware (hardware multithreading)",
            missing="the model's cores have one thread",
        )
    ]
