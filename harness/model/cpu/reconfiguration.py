"""Changes of a running partition: its virtual processors, crashes, suspension."""

from mypy_extensions import i64

from harness.model.cpu.burst import Burst
from harness.model.cpu.clock_tick import start_ticking
from harness.model.cpu.entities import Partition, VirtualProcessor, entitlement_share


def entitle(partition: Partition, entitlement_ns: i64) -> None:
    """Divide an entitlement per dispatch window among the virtual processors."""
    for place, vp in enumerate(partition.vps):
        vp.entitlement_ns = entitlement_share(entitlement_ns, len(partition.vps), place)


def add_vp(partition: Partition, entitlement_ns: int = 0) -> VirtualProcessor:
    """Bring one more virtual processor into service; its clock is yet to be started."""
    index = max((vp.index for vp in partition.vps), default=-1) + 1
    vp = VirtualProcessor(partition, index, entitlement_ns)
    assert partition.scheduler is not None
    partition.scheduler.adopt(vp)
    partition.vps.append(vp)
    _take_work(partition, vp)
    return vp


def remove_vp(partition: Partition, vp: VirtualProcessor | None = None) -> VirtualProcessor:
    """Take a virtual processor out of service; what it executes moves to another one.

    Without an argument the operating system chooses: a folded one, an idle one, or the last.
    """
    if vp is None:
        vp = (partition.folded or partition.idle or partition.vps)[-1]
    partition.vps.remove(vp)
    vp.gone = True
    _withdraw(partition, vp)
    return vp


def fold(partition: Partition) -> None:
    """Concentrate the work on one virtual processor less."""
    vp = partition.idle[0] if partition.idle else _unfolded(partition)[-1]
    _withdraw(partition, vp)
    partition.folded.append(vp)


def unfold(partition: Partition) -> None:
    """Spread the work over one virtual processor more."""
    _take_work(partition, partition.folded.pop())


def crash(partition: Partition) -> list[Burst]:
    """Stop dead: return the work that is lost, and take none until :func:`restart`."""
    assert partition.scheduler is not None
    partition.down = True
    partition.crashes += 1
    lost = []
    for vp in partition.vps:
        burst = partition.scheduler.withdraw(vp)
        if burst is not None:
            lost.append(burst)
    while partition.run_queue.waits():
        lost.append(partition.run_queue.popleft())
    partition.idle.clear()
    partition.folded.clear()
    return lost


def restart(partition: Partition) -> None:
    """Be up again, with nothing to do."""
    partition.down = False
    partition.idle = partition.vps[::-1]


def suspend(partition: Partition) -> int:
    """Stand still: keep all work, and what comes in, for :func:`resume`.

    Returns
    -------
    The number of virtual processors, which it has no more.
    """
    assert partition.scheduler is not None
    count = len(partition.vps)
    kept = []
    for vp in partition.vps:
        vp.gone = True
        burst = partition.scheduler.withdraw(vp)
        if burst is not None:
            kept.append(burst)
    while partition.run_queue.urgent.first is not None:
        kept.append(partition.run_queue.popleft())
    for burst in reversed(kept):
        partition.run_queue.put_back(burst)
    for places in (partition.vps, partition.idle, partition.folded):
        places.clear()
    return count


def resume(partition: Partition, virtual_processors: i64, entitlement_ns: i64) -> None:
    """Go on with so many virtual processors under the present scheduler."""
    for number in range(1, virtual_processors + 1):
        vp = add_vp(partition, entitlement_share(entitlement_ns, virtual_processors, number - 1))
        if partition.tick_period_ns:
            start_ticking(vp, partition.tick_period_ns * number // (virtual_processors + 1))
    if partition.down:
        partition.idle.clear()


def block(partition: Partition, turn: int) -> Burst | None:
    """Let a thread that runs wait for something: its virtual processor goes on without it.

    Parameters
    ----------
    turn
        Any number; different ones choose different threads where several run.

    Returns
    -------
    What the thread has not finished, to be submitted again; None if none runs.
    """
    running = [vp for vp in partition.vps if vp.processor is not None]
    if not running:
        return None
    vp = running[turn % len(running)]
    assert partition.scheduler is not None
    burst = partition.scheduler.withdraw(vp)
    _take_work(partition, vp)
    return burst


def _unfolded(partition: Partition) -> list[VirtualProcessor]:
    return [vp for vp in partition.vps if vp not in partition.folded]


def _withdraw(partition: Partition, vp: VirtualProcessor) -> None:
    """Have a virtual processor stop, and another one do its work."""
    assert partition.scheduler is not None
    burst = partition.scheduler.withdraw(vp)
    for places in (partition.idle, partition.folded):
        if vp in places:
            places.remove(vp)
    if burst is not None:
        resubmit(partition, burst)


def resubmit(partition: Partition, burst: Burst) -> None:
    """Let a thread that has lost its virtual processor go on."""
    if partition.idle:
        partition.wake_idle(burst)
    elif not partition.down:
        partition.run_queue.put_back(burst)


def _take_work(partition: Partition, vp: VirtualProcessor) -> None:
    """Let a virtual processor that has come into service do what waits, or idle."""
    if partition.run_queue.waits():
        vp.burst = partition.run_queue.popleft()
        assert partition.scheduler is not None
        partition.scheduler.wake(vp)
    else:
        partition.idle.append(vp)
