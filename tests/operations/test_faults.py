"""What falls with what, for how long, and what it costs the others: nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from modelling import (
    BRIDGE,
    DEDICATED,
    DISK,
    ETHERNET,
    HOSTED,
    LAN,
    OUTSIDE,
    UNCAPPED,
    WIRE,
    build,
    driven,
    group,
    partition,
    server,
    system,
    total,
)
from operating import SECOND, carried_out

from harness.catalog import Value
from harness.model.config import DiskConfiguration, SystemConfiguration
from harness.model.machine import Machine
from harness.operations.faults import AdapterFailure, GuestPanic, HostPanic, ViosPanic
from harness.operations.operation import Operation, Site, Status, carry_out

SHORT: Mapping[str, Value] = {
    "operations.fault.partition_boot": 1.05,
    "operations.fault.vios_boot": 1.5,
    "operations.fault.host_boot": 0.7,
    "operations.fault.path_failover": 0.4,
    "operations.fault.network_failover": 0.2,
}
COMPUTE = group("workloads/cpu.py:IntegerCompute", 2, name="cpu", processor=0.001)
READ = group("workloads/disk.py:RandomTransfers", 2, name="disk", size=4096)
ASK = group(
    "workloads/network.py:RequestResponse", 4, name="net", think=0.005, request=64, response=64
)


@dataclass
class Run:
    """A loaded machine; what ended when, by partition and group."""

    site: Site
    machine: Machine
    ended: dict[tuple[str, str], list[tuple[float, bool]]]

    def until(self, seconds: float) -> None:
        self.site.clock.run_until(round(seconds * SECOND))

    def begin(self, operation: Operation) -> None:
        carry_out(self.site, operation)

    def count(self, name: str, kind: str, start: float, end: float, *, failed: bool = False) -> int:
        ended = self.ended.get((name, f"{name}/{kind}"), [])
        return sum(start <= at < end and bad is failed for at, bad in ended)

    def gap(self, name: str, kind: str) -> float:
        """The longest time without a transaction that ends well."""
        times = [at for at, failed in self.ended[name, f"{name}/{kind}"] if not failed]
        return max(after - before for before, after in pairwise(times))


@contextmanager
def running(configuration: SystemConfiguration) -> Iterator[Run]:
    machine = build(configuration, SHORT)
    site = Site(machine.clock, {"p5": machine}, machine.costs.constants)
    run = Run(site, machine, {})
    with driven(machine, 1) as crowd:
        site.fail_requests = crowd.fail

        def note(context: Mapping[str, object], exception: object, **_: object) -> None:
            labels = context["user"].labels  # type: ignore[attr-defined]
            entry = site.clock.now_ns / 1e9, exception is not None
            run.ended.setdefault(labels, []).append(entry)

        crowd.environment.events.request.add_listener(note)
        yield run
    assert total(machine) == len(machine.processors) * site.clock.now_ns


def pair(virtualization=UNCAPPED, flavour: str | None = None) -> SystemConfiguration:
    apps = [partition(name, 1.0, 1, virtualization, groups=(COMPUTE,)) for name in ("app1", "app2")]
    return system(*apps, cores=2, virtualization=virtualization, flavour=flavour)


# Operating systems


def test_a_guest_falls_alone_and_comes_back():
    with running(pair()) as run:
        run.until(1.0)
        run.begin(GuestPanic("app1"))
        run.until(3.0)
        # What was in hand fails; what was begun meanwhile is refused after a second of patience.
        assert run.count("app1", "cpu", 1.0, 1.001, failed=True) == 2
        assert run.count("app1", "cpu", 1.001, 2.5, failed=True) == 2
        assert run.count("app1", "cpu", 1.001, 2.0) == 0
        assert run.count("app1", "cpu", 2.01, 3.0) == 0
        run.until(4.0)
        assert run.count("app1", "cpu", 3.01, 4.0) > 800
        assert run.count("app2", "cpu", 0.0, 3.0, failed=True) == 0
        before, after = (run.count("app2", "cpu", at, at + 1) for at in (0.0, 1.0))
        assert after >= before
        assert [(e.seconds, e.status) for e in run.site.timeline] == [
            (1.0, Status.STARTED),
            (2.05, Status.DONE),
        ]


def test_all_guests_fall_with_their_host_and_boot_after_it():
    with running(pair(HOSTED, "vmware")) as run:
        run.until(1.0)
        run.begin(HostPanic("p5"))
        run.until(2.74)
        assert [run.machine.partitions[n].partition.down for n in ("app1", "app2")] == [True, True]
        run.until(2.76)
        assert [run.machine.partitions[n].partition.down for n in ("app1", "app2")] == [False] * 2
        run.until(5.0)
        for name in ("app1", "app2"):
            assert run.count(name, "cpu", 1.001, 2.75) == 0
            assert run.count(name, "cpu", 1.0, 1.001, failed=True) == 2
            assert run.count(name, "cpu", 4.0, 5.0) > 500


def test_a_guest_that_fell_before_its_host_does_not_boot_without_it():
    with running(pair(HOSTED, "uml")) as run:
        run.until(0.5)
        run.begin(GuestPanic("app1"))
        run.until(1.0)
        run.begin(HostPanic("p5"))
        run.until(1.6)
        assert run.machine.partitions["app1"].partition.down
        run.until(2.76)
        assert not run.machine.partitions["app1"].partition.down
        run.until(3.0)


# Virtual I/O Servers


def served(
    second: bool, *, sea: bool = False, virtualization=UNCAPPED, groups=(READ,)
) -> SystemConfiguration:
    """A client of vios1, and one with a processor and a disk of its own."""
    standby = "vios2" if second else None
    client = replace(
        partition(
            "app1",
            0.5,
            1,
            virtualization,
            groups=groups,
            virtual_ethernet=LAN if sea else (),
        ),
        disks=(DiskConfiguration(DISK, "vios1", standby=standby),),
    )
    other = partition("app2", 1, 1, DEDICATED, disks=1, groups=(COMPUTE, READ))
    bridge = BRIDGE if sea else None
    servers = [server("vios1", 0.5, 1, virtualization, shared_ethernet=bridge)]
    if second:
        servers.append(server("vios2", 0.5, 1, virtualization, shared_ethernet=bridge))
    return system(client, other, cores=4, vios=tuple(servers), virtualization=virtualization)


@pytest.mark.parametrize(("second", "outage"), [(False, 1.5), (True, 0.4)])
def test_clients_of_a_vios_wait_for_it_or_for_the_second_one(second, outage):
    with running(served(second)) as run:
        run.until(1.0)
        run.begin(ViosPanic("vios1"))
        run.until(4.0)
        assert run.gap("app1", "disk") == pytest.approx(outage, abs=0.05)
        assert run.count("app1", "disk", 0, 4, failed=True) == 0
        before = run.count("app1", "disk", 0.0, 1.0)
        assert run.count("app1", "disk", 3.0, 4.0) == pytest.approx(before, rel=0.2)
        # Whoever does not depend on it does not notice.
        assert run.gap("app2", "disk") < 0.1
        assert run.gap("app2", "cpu") < 0.01
        assert run.machine.vios["vios1"].standby is None
        assert not run.machine.vios["vios1"].held


def test_nothing_that_a_vios_had_in_hand_is_lost():
    """Two users: after the fault both go on, so both operations have come to their end."""
    with running(served(second=False)) as run:
        for moment in (0.5, 2.2, 4.1):
            run.until(moment)
            run.begin(ViosPanic("vios1"))
        run.until(6.0)
        path = run.machine.partitions["app1"].paths[0]
        in_hand = path.queue_depth - path.places
        assert in_hand <= 2
        assert path.operations - run.count("app1", "disk", 0, 7) == 2


def test_the_second_vios_bridges_too():
    with running(served(second=True, sea=True, groups=(ASK,))) as run:
        run.until(1.0)
        trunks = run.machine.network.trunks
        assert (trunks["vios1"].bytes > 0, trunks["vios2"].bytes) == (True, 0)
        run.begin(ViosPanic("vios1"))
        run.until(3.0)
        assert run.gap("app1", "net") == pytest.approx(0.2, abs=0.03)
        assert trunks["vios2"].bytes > 0
        carried = trunks["vios2"].bytes
        run.until(4.0)
        # vios1 is back.
        assert trunks["vios2"].bytes == carried
        assert run.count("app1", "net", 3.0, 4.0) > 100


def test_without_a_second_bridge_the_outside_is_away_until_the_vios_is_back():
    with running(served(second=False, sea=True, groups=(ASK,))) as run:
        run.until(1.0)
        run.begin(ViosPanic("vios1"))
        run.until(4.0)
        assert run.gap("app1", "net") == pytest.approx(1.5, abs=0.03)
        assert run.count("app1", "net", 0, 4, failed=True) == 0


def test_with_both_servers_down_clients_wait_for_the_first_that_is_back():
    with running(served(second=True)) as run:
        run.until(1.0)
        run.begin(ViosPanic("vios1"))
        run.until(1.8)
        run.begin(ViosPanic("vios2"))
        run.until(4.0)
        # vios2 serves from 1.4 to 1.8 s, vios1 again from 2.5 s.
        assert run.count("app1", "disk", 1.41, 1.8) > 0
        assert run.count("app1", "disk", 1.81, 2.5) == 0
        assert run.count("app1", "disk", 2.5, 3.3) > 0
        assert run.count("app1", "disk", 3.3, 4.0) > 0


# Adapters


def test_a_partitions_disk_adapter_stops_only_its_own_disks():
    with running(served(second=False)) as run:
        run.until(1.0)
        run.begin(AdapterFailure("app2", DISK, repair_seconds=0.8))
        run.until(3.0)
        assert run.gap("app2", "disk") == pytest.approx(0.8, abs=0.05)
        assert run.gap("app2", "cpu") < 0.01
        assert run.gap("app1", "disk") < 0.1


@pytest.mark.parametrize(("second", "outage"), [(False, 0.9), (True, 0.4)])
def test_a_vioss_disk_adapter_has_a_second_way_where_there_is_a_second_vios(second, outage):
    with running(served(second)) as run:
        run.until(1.0)
        run.begin(AdapterFailure("vios1", DISK, repair_seconds=0.9))
        run.until(3.0)
        assert run.gap("app1", "disk") == pytest.approx(outage, abs=0.05)


@pytest.mark.parametrize(("second", "outage"), [(False, 0.9), (True, 0.2)])
def test_a_vioss_network_adapter_has_a_second_way_where_there_is_a_second_vios(second, outage):
    with running(served(second, sea=True, groups=(ASK, READ))) as run:
        run.until(1.0)
        run.begin(AdapterFailure("vios1", ETHERNET, repair_seconds=0.9))
        run.until(3.0)
        assert run.gap("app1", "net") == pytest.approx(outage, abs=0.03)
        assert run.gap("app1", "disk") < 0.1


def test_an_adapter_without_repair_stays_broken():
    configuration = system(partition("app", 1, 1, DEDICATED, ethernet=WIRE), cores=1)
    machine = build(configuration, SHORT)
    site = Site(machine.clock, {"p5": machine}, machine.costs.constants)
    done: list[str] = []
    assert carried_out(site, AdapterFailure("app", ETHERNET))[0] is Status.DONE
    machine.partitions["app"].send(1000, OUTSIDE, lambda: done.append("sent"))
    site.clock.run_until(100 * SECOND)
    assert not done
    assert carried_out(site, AdapterFailure("app", ETHERNET)) == (
        Status.REFUSED,
        f"{ETHERNET} of app is broken already",
    )


def test_a_vios_that_boots_does_not_mend_its_adapter():
    with running(served(second=False, sea=True, groups=(ASK,))) as run:
        run.until(0.5)
        run.begin(AdapterFailure("vios1", ETHERNET, repair_seconds=3.0))
        run.until(1.0)
        run.begin(ViosPanic("vios1"))
        run.until(5.0)
        assert run.gap("app1", "net") == pytest.approx(3.0, abs=0.03)


def test_an_adapter_that_is_replaced_while_its_vios_is_down_does_not_take_over_too_early():
    with running(served(second=True, sea=True, groups=(ASK,))) as run:
        run.until(0.5)
        run.begin(AdapterFailure("vios1", ETHERNET, repair_seconds=1.0))
        run.until(1.0)
        run.begin(ViosPanic("vios1"))
        run.until(2.4)
        # vios2 has bridged since 0.7 s and goes on until vios1 is back at 2.5 s.
        assert run.gap("app1", "net") == pytest.approx(0.2, abs=0.03)
        assert run.count("app1", "net", 1.6, 2.4) > 100
        assert not run.machine.network.trunks["vios1"].opposite_active(True, SECOND // 2)
        run.until(3.0)
        assert run.machine.network.trunks["vios1"].opposite_active(True, SECOND // 2)


# Refused


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (GuestPanic("app3"), "there is no partition app3"),
        (GuestPanic("vios1"), "vios1 is a Virtual I/O Server, not a guest"),
        (ViosPanic("app1"), "app1 is no Virtual I/O Server"),
        (
            HostPanic("p5"),
            "p5 has no host operating system: its hypervisor is in the firmware",
        ),
        (HostPanic("p6"), "there is no machine p6"),
        (AdapterFailure("app1", DISK), f"app1 does not own an adapter {DISK}"),
        (AdapterFailure("vios1", "graphics"), "vios1 does not own an adapter graphics"),
    ],
)
def test_what_cannot_break_is_refused(operation, reason):
    with running(served(second=False)) as run:
        assert carried_out(run.site, operation) == (Status.REFUSED, reason)


def test_what_is_down_does_not_fall_again():
    with running(served(second=False)) as run:
        run.begin(GuestPanic("app1"))
        run.begin(ViosPanic("vios1"))
        run.until(0.5)
        assert carried_out(run.site, GuestPanic("app1"))[1] == "app1 is down already"
        assert carried_out(run.site, ViosPanic("vios1"))[1] == "vios1 is down already"
    with running(pair(HOSTED, "vmware")) as run:
        run.begin(HostPanic("p5"))
        run.until(0.5)
        assert carried_out(run.site, HostPanic("p5"))[1] == "the host of p5 is down already"
