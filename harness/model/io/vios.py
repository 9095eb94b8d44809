"""The Virtual I/O Server: a partition that serves others' disks and networks."""

import math
from collections.abc import Sequence

from mypy_extensions import i64

from harness.model.costs import Costs
from harness.model.cpu.burst import Burst, Work, work
from harness.model.cpu.entities import Partition
from harness.model.cpu.topology import OTHER_CHIP
from harness.model.ledger import Account, Cause
from harness.model.tally import Tally

_VIOS = int(Cause.VIOS)
_HYPERVISOR = int(Cause.HYPERVISOR)
_REFILL = int(Cause.REFILL)
_SWITCH = int(Cause.SWITCH)


class Vios:
    """A Virtual I/O Server.

    Attributes
    ----------
    operations, bytes
        Virtual SCSI operations and their bytes.
    added_ns
        Time that completed operations spent on their way besides the device's.
    standby, bridge_standby
        Another server that does its clients' disk operations, or bridges for them, while this one
        cannot; None while none has taken over.
    disks_lost, bridge_lost
        Whether its way to the disks, or its network adapter, is broken.
    held, held_frames
        Disk work and bridging that wait until a server can do them.
    bridged_bytes, bridging_ns
        Bytes that its Shared Ethernet Adapter has taken on, and the time that pieces took there,
        waiting included (all summed).
    bridged
        How often which size was bridged: by direction, traffic (``simplex``, ``duplex``,
        ``message``), size in bytes, number of packets and of interrupts.
    """

    def __init__(self, partition: Partition, interrupt_ns: int) -> None:
        self.partition = partition
        self._interrupt = work((_HYPERVISOR, interrupt_ns))
        self.operations: i64 = 0
        self.bytes: i64 = 0
        self.added_ns: i64 = 0
        self.bridged_bytes: i64 = 0
        self.bridging_ns: i64 = 0
        self.bridged: dict[tuple[str, str, int, float, float], Tally] = {}
        self.standby: Vios | None = None
        self.bridge_standby: Vios | None = None
        self.disks_lost = False
        self.bridge_lost = False
        self.held: list[Burst] = []
        self.held_frames: list[Burst] = []

    @property
    def serves_disks(self) -> bool:
        """Whether it can do disk operations itself."""
        return not (self.partition.down or self.disks_lost)

    @property
    def bridges(self) -> bool:
        """Whether it can bridge itself."""
        return not (self.partition.down or self.bridge_lost)

    def submit(self, burst: Burst, urgent: bool = False) -> None:
        """Have a burst executed: here, by the standby that has taken over, or later."""
        if self.serves_disks:
            self.partition.submit(burst, urgent)
        elif self.standby is not None and self.standby.serves_disks:
            self.standby.partition.submit(burst, urgent)
        else:
            self.held.append(burst)

    def bridge(self, burst: Burst, urgent: bool = False) -> None:
        """Do the same with a burst of the Shared Ethernet Adapter."""
        if self.bridges:
            self.partition.submit(burst, urgent)
        elif self.bridge_standby is not None and self.bridge_standby.bridges:
            self.bridge_standby.partition.submit(burst, urgent)
        else:
            self.held_frames.append(burst)

    def hold(self, lost: list[Burst]) -> None:
        """Keep what a crash has interrupted, to be done again."""
        self.held.extend(lost)

    def resume(self) -> None:
        """Do what has been held, as far as this server or its standby can."""
        held, self.held = self.held, []
        for burst in held:
            self.submit(burst)
        frames, self.held_frames = self.held_frames, []
        for burst in frames:
            self.bridge(burst)

    def interrupt(self, payer: Account) -> None:
        """Take a device's interrupt.

        The interrupt is presented on the core where the VIOS last ran. When that belongs to
        another partition now, it is a phantom interrupt there: the hypervisor has to step in.
        """
        vp = self.partition.vps[0]
        home = vp.last_processor
        if vp.processor is None and home is not None:
            other = home.vp
            if other is not None and other.partition is not self.partition:
                other.partition.take_phantom_interrupt(other, self._interrupt, payer)


class VirtualScsiService:
    """What a VIOS does for one virtual SCSI operation of some size.

    Attributes
    ----------
    before, after
        Work before the device's part and after it, on the path. The former by how far the client's
        core is, as :func:`harness.model.cpu.topology.distance` says.
    off_path_ns
        Work off the path.
    delay_ns
        Time on the path during which no processor works.
    lines, answer_lines
        Cache lines that the server fetches of what its client has written, and the client of what
        the server has.
    answer
        The latter, as work of the client's by distance.
    """

    def __init__(
        self,
        before: Sequence[Work],
        after: Work,
        off_path_ns: int,
        delay_ns: int,
        lines: int = 0,
        answer_lines: int = 0,
        answer: Sequence[Work] = (),
    ) -> None:
        self.before = list(before)
        self.after = after
        self.off_path_ns: i64 = off_path_ns
        self.delay_ns: i64 = delay_ns
        self.lines: i64 = lines
        self.answer_lines: i64 = answer_lines
        self.answer = list(answer)


class VirtualScsiCosts:
    """What virtual SCSI operations cost a VIOS.

    Two published quantities hold at once: the time that an operation takes longer than on a local
    disk (with a VIOS on processors of its own and nothing else to do), and the processor cycles
    that the VIOS spends on a read, the hypervisor's signalling on its processors included. What the
    time leaves after signalling is the VIOS's work on the path; cycles beyond it are spent off the
    path; time beyond the cycles passes without a processor.

    Both contain what passes between the caches of the two partitions, which are taken to have been
    on different chips. What the server copies, if it does, comes on top: a write's data is fetched
    from the client's cache by the server, a read's from the server's by the client.

    Parameters
    ----------
    backing
        ``physical`` or ``logical-volume``.
    """

    def __init__(self, costs: Costs, backing: str) -> None:
        self.costs = costs
        self.backing = backing
        self._services: dict[tuple[int, bool], VirtualScsiService] = {}

    def for_size(self, size_bytes: int, write: bool) -> VirtualScsiService:
        """Return what an operation of a size takes."""
        service = self._services.get((size_bytes, write))
        if service is None:
            service = self._services[size_bytes, write] = self._derive(size_bytes, write)
        return service

    def _derive(self, size_bytes: int, write: bool) -> VirtualScsiService:
        costs = self.costs
        reference_hz = costs.number("processor.reference_clock")
        added_s = costs.constants.interpolate(
            f"vios.vscsi.added_latency.{self.backing}", size_bytes
        )
        cycles = costs.constants.interpolate(f"vios.vscsi.cycles.{self.backing}", size_bytes)
        call_cycles, interrupt_ns = (
            costs.number("hypervisor.call.queue_element"),
            interrupt_cost(costs),
        )
        command, answer, data = self._lines(size_bytes)
        transfers = costs.line_transfers()
        # The published times are those of the reference processor.
        transfer_s = transfers[OTHER_CHIP] * costs.clock_hz / reference_hz / 1e9
        signalling_s = 2 * (call_cycles / reference_hz + interrupt_ns / 1e9)
        path_s = max(0.0, added_s - signalling_s - (command + answer) * transfer_s)
        cycles -= (interrupt_ns / 1e9 + command * transfer_s) * reference_hz + call_cycles
        cycles = max(0.0, cycles)
        on_path_cycles = min(cycles, path_s * reference_hz)
        on_path_ns = costs.cycles(on_path_cycles)
        before_ns = on_path_ns // 2
        copied_bytes = data * costs.number("processor.l2_line")
        copy_ns = costs.cycles(copied_bytes * costs.number("network.virtual.copy_cycles_per_byte"))
        lines, answer_lines = (command + data, answer) if write else (command, answer + data)
        return VirtualScsiService(
            before=[
                work(
                    (_HYPERVISOR, interrupt_ns),
                    (_REFILL, round(lines * each_ns)),
                    (_SWITCH, copy_ns if write else 0),
                    (_VIOS, before_ns),
                )
                for each_ns in transfers
            ],
            after=work(
                (_VIOS, on_path_ns - before_ns),
                (_SWITCH, 0 if write else copy_ns),
                (_HYPERVISOR, costs.cycles(call_cycles)),
            ),
            off_path_ns=costs.cycles(cycles - on_path_cycles),
            delay_ns=round((path_s - on_path_cycles / reference_hz) * 1e9),
            lines=lines,
            answer_lines=answer_lines,
            answer=[work((_REFILL, round(answer_lines * each_ns))) for each_ns in transfers],
        )

    def _lines(self, size_bytes: int) -> tuple[int, int, int]:
        """Count cache lines of a command, of its answer, and of data that the server copies."""
        number = self.costs.number
        line_bytes, control = number("processor.l2_line"), number("vios.vscsi.control_lines")
        pages = math.ceil(size_bytes / number("processor.page"))
        descriptors = pages * number("vios.vscsi.descriptor") / line_bytes
        data = math.ceil(size_bytes * number("vios.vscsi.copied") / line_bytes)
        return round(control + descriptors), round(control), data


def interrupt_cost(costs: Costs) -> int:
    """Time to signal a virtual interrupt to a partition that has ceded: presenting and waking."""
    return costs.time("hypervisor.interrupt") + costs.time("hypervisor.wake")
