"""Faults of operating systems, Virtual I/O Servers, hosts and adapters, and their recovery.

A fault begins at once and lasts until what it has broken works again. How long booting and
changing over take is not published for these machines: the catalog's times are assumed.
"""

from dataclasses import dataclass

from harness.model.cpu.reconfiguration import crash, restart
from harness.model.io.disk import Disk
from harness.model.io.vios import Vios
from harness.model.machine import Machine
from harness.operations.operation import Operation, RefusedError, Site, Steps


@dataclass(frozen=True, slots=True)
class GuestPanic(Operation):
    """The operating system of a partition stops, and boots again.

    All requests that it has in hand fail, and new ones are refused until it is up.
    """

    partition: str
    text = "panic of {self.partition}"

    def check(self, site: Site) -> None:
        """Refuse what is no running partition."""
        machine = site.machine_of(self.partition)
        if self.partition not in machine.partitions:
            raise RefusedError(f"{self.partition} is a Virtual I/O Server, not a guest")
        _check_up(machine, self.partition)

    def perform(self, site: Site) -> Steps:
        """Do it."""
        crashes = _crash(site, site.machine_of(self.partition), self.partition)
        yield site.pause(site.constants.number("operations.fault.partition_boot"))
        _restart(site.machine_of(self.partition), self.partition, crashes)


@dataclass(frozen=True, slots=True)
class HostPanic(Operation):
    """The operating system under a monitor stops, and all guests with it.

    The host boots first, then all guests at once.
    """

    machine: str
    text = "panic of the host of {self.machine}"

    def check(self, site: Site) -> None:
        """Refuse a machine whose hypervisor is in its firmware."""
        if not site.machine_named(self.machine).hosted:
            raise RefusedError(
                f"{self.machine} has no host operating system: its hypervisor is in the firmware"
            )
        if self.machine in site.hosts_down:
            raise RefusedError(f"the host of {self.machine} is down already")

    def perform(self, site: Site) -> Steps:
        """Do it."""
        machine = site.machines[self.machine]
        site.hosts_down.add(self.machine)
        crashes = {name: _crash(site, machine, name) for name in machine.partitions}
        yield site.pause(site.constants.number("operations.fault.host_boot"))
        site.hosts_down.remove(self.machine)
        yield site.pause(site.constants.number("operations.fault.partition_boot"))
        for name, number in crashes.items():
            _restart(machine, name, number)


@dataclass(frozen=True, slots=True)
class ViosPanic(Operation):
    """A Virtual I/O Server stops, and boots again.

    Its clients go on running and wait for their disks and for the outside: until a second server
    that their disks name, or that bridges the same virtual LANs, has taken over, or until it is
    back. Nothing that it had in hand is lost: clients send it again.
    """

    vios: str
    machine: str | None = None
    text = "panic of {self.vios}"

    def check(self, site: Site) -> None:
        """Refuse what is no running Virtual I/O Server."""
        machine = site.machine_of(self.vios, self.machine)
        if self.vios not in machine.vios:
            raise RefusedError(f"{self.vios} is no Virtual I/O Server")
        _check_up(machine, self.vios)

    def perform(self, site: Site) -> Steps:
        """Do it."""
        machine = site.machine_of(self.vios, self.machine)
        vios = machine.vios[self.vios]
        wire = machine.network.trunks.get(self.vios)
        vios.hold(crash(vios.partition))
        crashes = vios.partition.crashes
        if wire is not None:
            wire.broken = True
        site.clock.process(_fail_over_disks(site, machine, self.vios))
        site.clock.process(_fail_over_network(site, machine, self.vios))
        yield site.pause(site.constants.number("operations.fault.vios_boot"))
        if not vios.partition.down or vios.partition.crashes != crashes:
            return
        restart(vios.partition)
        if not vios.disks_lost:
            vios.standby = None
        if not vios.bridge_lost:
            vios.bridge_standby = None
            if wire is not None:
                wire.repair()
        for each in machine.vios.values():
            each.resume()


@dataclass(frozen=True, slots=True)
class AdapterFailure(Operation):
    """An adapter breaks: of a partition's disk or network, or of a Virtual I/O Server.

    A client with a second path takes it; one without waits until the adapter is replaced. All disks
    of one kind that an owner has, or that a server's clients have there, fail with it.
    """

    owner: str
    device: str
    repair_seconds: float | None = None
    """When a new one works; None: never."""
    machine: str | None = None
    text = "failure of {self.device} of {self.owner}"

    def check(self, site: Site) -> None:
        """Refuse adapters that are not there, are not used or are broken."""
        machine = site.machine_of(self.owner, self.machine)
        if self.device not in machine.capacity.adapters[self.owner]:
            raise RefusedError(f"{self.owner} does not own an adapter {self.device}")
        broken = self._broken(machine)
        if broken is None:
            raise RefusedError(f"{self.owner} does not use its adapter {self.device}")
        if broken:
            raise RefusedError(f"{self.device} of {self.owner} is broken already")

    def perform(self, site: Site) -> Steps:
        """Do it."""
        machine = site.machine_of(self.owner, self.machine)
        yield site.pause(0.0)
        self._break(site, machine)
        if self.repair_seconds is not None:
            yield site.pause(self.repair_seconds)
            self._repair(machine)

    def _is_ethernet(self, machine: Machine) -> bool:
        return self.device in machine.capacity.ethernet_adapters(self.owner)

    def _broken(self, machine: Machine) -> bool | None:
        """Return whether it is broken; None if nothing depends on it."""
        if self.owner in machine.vios:
            vios = machine.vios[self.owner]
            if not self._is_ethernet(machine):
                return vios.disks_lost
            return vios.bridge_lost if self.owner in machine.network.trunks else None
        if self._is_ethernet(machine):
            wire = machine.network.own_wires.get(self.owner)
            return None if wire is None else wire.broken
        return any(disk.broken for disk in self._disks(machine))

    def _disks(self, machine: Machine) -> list[Disk]:
        configurations = machine.configurations[self.owner].disks
        paths = machine.partitions[self.owner].paths
        return [
            path.disk
            for path, disk in zip(paths, configurations, strict=True)
            if disk.vios is None and disk.device == self.device
        ]

    def _break(self, site: Site, machine: Machine) -> None:
        if self.owner in machine.vios:
            vios = machine.vios[self.owner]
            if self._is_ethernet(machine):
                vios.bridge_lost = True
                machine.network.trunks[self.owner].broken = True
                site.clock.process(_fail_over_network(site, machine, self.owner))
            else:
                vios.disks_lost = True
                site.clock.process(_fail_over_disks(site, machine, self.owner))
        elif self._is_ethernet(machine):
            machine.network.own_wires[self.owner].broken = True
        else:
            for disk in self._disks(machine):
                disk.broken = True

    def _repair(self, machine: Machine) -> None:
        if self.owner in machine.vios:
            vios = machine.vios[self.owner]
            if self._is_ethernet(machine):
                vios.bridge_lost = False
                if vios.bridges:
                    vios.bridge_standby = None
                    machine.network.trunks[self.owner].repair()
            else:
                vios.disks_lost = False
                if vios.serves_disks:
                    vios.standby = None
            vios.resume()
        elif self._is_ethernet(machine):
            machine.network.own_wires[self.owner].repair()
        else:
            for disk in self._disks(machine):
                disk.repair()


# What they have in common


def _check_up(machine: Machine, name: str) -> None:
    if machine.dispatched_partition(name).down:
        raise RefusedError(f"{name} is down already")
    if name in machine.capacity.moving:
        raise RefusedError(f"{name} is being migrated")


def _crash(site: Site, machine: Machine, name: str) -> int:
    """Let a partition crash; return the number of this crash."""
    machine.partitions[name].crash()
    site.fail_requests(name)
    return machine.partitions[name].partition.crashes


def _restart(machine: Machine, name: str, crashes: int) -> None:
    """Bring a partition up again, unless something else has brought it down meanwhile."""
    partition = machine.partitions[name].partition
    if partition.crashes == crashes:
        restart(partition)


def _fail_over_disks(site: Site, machine: Machine, name: str) -> Steps:
    """Let the second server that a server's disks name take over, if there is one."""
    vios = machine.vios[name]
    standbys = {
        disk.standby
        for configuration in machine.configurations.values()
        for disk in configuration.disks
        if disk.vios == name and disk.standby is not None
    }
    if not standbys:
        return
    yield site.pause(site.constants.number("operations.fault.path_failover"))
    if not vios.serves_disks:
        vios.standby = machine.vios[min(standbys)]
        vios.resume()


def _fail_over_network(site: Site, machine: Machine, name: str) -> Steps:
    """Let a second server that bridges the same virtual LANs take over, if there is one."""
    vios, standby = machine.vios[name], _second_bridge(machine, name)
    if standby is None:
        return
    yield site.pause(site.constants.number("operations.fault.network_failover"))
    if not vios.bridges:
        vios.bridge_standby = standby
        machine.network.trunks[name].give_over(machine.network.trunks[standby.partition.name])
        vios.resume()


def _second_bridge(machine: Machine, name: str) -> Vios | None:
    """Find another server whose Shared Ethernet Adapter bridges all virtual LANs of one's own."""
    vlans = {
        vios.name: set(vios.shared_ethernet.vlans)
        for vios in machine.configuration.vios
        if vios.shared_ethernet is not None
    }
    for other, bridged in vlans.items():
        if name in vlans and other != name and vlans[name] <= bridged:
            return machine.vios[other]
    return None
