"""Devices of a machine: disks, the ways to them, and the wires of Ethernet adapters."""

from harness.engine.clock import Clock, to_ns
from harness.model.caches import world_switches
from harness.model.config import DiskConfiguration, EthernetConfiguration
from harness.model.costs import Costs, fixed_and_per_unit
from harness.model.cpu.burst import Part, work
from harness.model.cpu.entities import Partition
from harness.model.io.block_path import BlockCosts, BlockPath, DirectPath, VirtualScsiPath
from harness.model.io.channels import Bus, HostAdapter
from harness.model.io.disk import Disk
from harness.model.io.vios import Vios, VirtualScsiCosts, interrupt_cost
from harness.model.ledger import Cause
from harness.model.net.link import Link

_OS, _HYPERVISOR, _HOST = int(Cause.OS), int(Cause.HYPERVISOR), int(Cause.HOST)
_EMULATION = int(Cause.EMULATION)


class DeviceFactory:
    """Makes devices at the costs of one machine, or those that a monitor there emulates."""

    def __init__(self, clock: Clock, costs: Costs, *, hosted: bool) -> None:
        self.clock = clock
        self.costs = costs
        self.hosted = hosted
        self._buses: dict[str, Bus] = {}
        self._adapters: dict[tuple[str, int], HostAdapter] = {}

    def _bus(self, name: str) -> Bus:
        """Return an I/O bus by name, which is made when it is first asked for."""
        if name not in self._buses:
            self._buses[name] = Bus(self.costs.number("io.bus_rate"))
        return self._buses[name]

    def host_adapter(self, configuration: DiskConfiguration) -> HostAdapter | None:
        """Return the host adapter of a disk, if it shares one."""
        if configuration.bus is None:
            return None
        place = (configuration.bus, configuration.adapter)
        if place not in self._adapters:
            self._adapters[place] = HostAdapter(self._bus(configuration.bus))
        return self._adapters[place]

    def block_path(
        self,
        partition: Partition,
        disk: Disk,
        configuration: DiskConfiguration,
        depth: int,
        vios: Vios | None,
    ) -> BlockPath:
        """Make the way from a partition to a disk, through a VIOS if there is one."""
        costs = self.costs
        depth = configuration.queue_depth or depth
        own_ns = costs.work("io.block_cost")
        submit, complete = ((_OS, own_ns // 2),), ((_OS, own_ns - own_ns // 2),)
        byte_ns = self._page_ns_per_byte()
        if self.hosted:
            return DirectPath(partition, disk, self._hosted_block_costs(submit, complete), depth)
        if vios is None:
            own = BlockCosts(work(*submit), work(*complete), os_ns_per_byte=byte_ns)
            return DirectPath(partition, disk, own, depth)
        call_ns, interrupt_ns = costs.work("hypervisor.call.queue_element"), interrupt_cost(costs)
        client = BlockCosts(
            work(*submit, (_HYPERVISOR, call_ns)),
            work((_HYPERVISOR, interrupt_ns), *complete),
            os_ns_per_byte=byte_ns,
        )
        service = VirtualScsiCosts(costs, configuration.backing)
        return VirtualScsiPath(
            partition,
            disk,
            client,
            depth,
            vios,
            service,
            deferred_ns=costs.time("vios.vscsi.deferred_work"),
        )

    def _hosted_block_costs(
        self, submit: tuple[Part, ...], complete: tuple[Part, ...]
    ) -> BlockCosts:
        """Add up an emulated disk: the driver's I/O instructions, and the host's own path.

        The monitor handles the I/O instructions that need no world switch by itself.
        """
        costs = self.costs
        flavour = f"hosted.{costs.flavour}"
        switches = costs.number(f"{flavour}.world_switches_per_disk_operation")
        instructions = costs.number(f"{flavour}.io_instructions_per_disk_operation")
        emulation_ns = costs.hosted("io_in_monitor", max(0.0, instructions - switches))
        switching = world_switches(costs, switches / 2)
        host_ns = costs.hosted("host_block_cost", 0.5)
        interrupt_ns = costs.hosted("interrupt_return")
        return BlockCosts(
            work(*submit, (_EMULATION, emulation_ns), *switching, (_HOST, host_ns)),
            work((_HOST, host_ns), *switching, (_EMULATION, interrupt_ns), *complete),
            os_ns_per_byte=self._page_ns_per_byte(),
            copy_ns_per_byte=costs.hosted("copy_cycles_per_byte", 1e6) / 1e6,
        )

    def _page_ns_per_byte(self) -> float:
        """Return what a block's pages cost its partition, for one byte of them."""
        number = self.costs.number
        cycles = number("io.page_cost") / number("processor.page")
        return cycles / self.costs.clock_hz * 1e9

    def disk(self, name: str, configuration: DiskConfiguration) -> Disk:
        """Make a disk of the catalog."""
        costs, device = self.costs, configuration.device
        prefix = f"disks.{device}"
        reference_hz = costs.number("processor.reference_clock")
        block_s = costs.number("io.block_cost") / reference_hz
        page_s = costs.number("io.page_cost") / reference_hz
        page_bytes = costs.number("processor.page")

        def block_ns(size_bytes: int) -> int:
            # The published rate is that of a program, whose own part in each block comes off.
            rate = costs.constants.interpolate(f"{prefix}.sequential_bandwidth", size_bytes)
            own_s = block_s + page_s * size_bytes / page_bytes
            return round(max(0.0, size_bytes / rate - own_s) * 1e9)

        cached = costs.constants.flag(f"{prefix}.write_cache")
        return Disk(
            self.clock,
            name,
            spindles=round(costs.number(f"{prefix}.spindles")),
            positioning_ns=costs.time(f"{prefix}.seek_time"),
            rotation_ns=costs.time(f"{prefix}.rotation_time"),
            block_ns=block_ns,
            link_ns_per_byte=1e9 / costs.number(f"{prefix}.link_bandwidth"),
            cache_ns=costs.time(f"{prefix}.cache_time") if cached else None,
            adapter=self.host_adapter(configuration),
        )

    def wire(self, name: str, adapter: EthernetConfiguration) -> Link:
        """Make a physical adapter's wire."""
        costs, device = self.costs, adapter.device
        prefix = f"ethernet.{device}"
        frame_bytes = round(costs.number(f"{prefix}.frame_overhead"))
        header_bytes = round(costs.number("network.tcp.header_bytes"))
        least_bytes = max(header_bytes, round(costs.number("network.minimum_packet")))
        byte_ns = packet_ns = 0.0
        if f"{prefix}.duplex_rate" in costs.constants:
            at, rates = costs.constants.table(f"{prefix}.duplex_rate")
            payloads = [mtu - header_bytes for mtu in at]
            byte_ns, packet_ns = fixed_and_per_unit(payloads, [1e9 / rate for rate in rates])
        return Link(
            self.clock,
            name,
            rate_bytes_per_second=costs.number(f"{prefix}.line_rate"),
            mtu_bytes=adapter.mtu_bytes,
            host_bus=None if adapter.bus is None else self._bus(adapter.bus),
            header_bytes=header_bytes,
            frame_bytes=frame_bytes,
            latency_ns=costs.time(f"{prefix}.latency"),
            acknowledgement_bytes=(least_bytes + frame_bytes)
            / costs.number("network.tcp.packets_per_acknowledgement"),
            bus_ns_per_byte=byte_ns,
            bus_ns_per_packet=packet_ns,
            interrupt_packets=round(self._of_adapter(device, "interrupt_packets", 1)),
            large_send_bytes=round(self._of_adapter(device, "large_send", 0.0)),
            interrupt_ns=to_ns(self._of_adapter(device, "interrupt_delay", 0.0)),
        )

    def _of_adapter(self, device: str, name: str, otherwise: float) -> float:
        """Look up a property of an adapter that a catalog need not give."""
        path = f"ethernet.{device}.{name}"
        return self.costs.number(path) if path in self.costs.constants else otherwise
