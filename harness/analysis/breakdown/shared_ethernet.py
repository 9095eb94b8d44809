"""What Shared Ethernet Adapters cost a run."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.analysis.breakdown.networks import switch_copy_ns, switched
from harness.analysis.breakdown.run import SIGNAL, CostItem, Run
from harness.model.costs import fixed_and_per_unit
from harness.model.tally import DUPLEX, IN, MESSAGE, OUT, SIMPLEX


def bridges(run: Run) -> Iterator[CostItem]:
    """Count what each Shared Ethernet Adapter bridged."""
    for vios in run.system["vios"]:
        for direction in (OUT, IN):
            for traffic in (SIMPLEX, DUPLEX, MESSAGE):
                where = {"vios": vios["name"], "direction": direction, "traffic": traffic}
                passed = run.counts.of("bridge_segments", **where)
                if passed:
                    size = run.counts.of("bridge_bytes", **where) / passed
                    yield from _bridged(run, vios, direction, traffic, passed, size)


def _bridged(
    run: Run, vios: Mapping[str, Any], direction: str, traffic: str, passed: float, size: float
) -> Iterator[CostItem]:
    """Divide what bridging costs a VIOS's processors: signals, copies, and the rest."""
    event = "interrupt for a piece that is bridged"
    yield run.item("hypervisor", event, passed, run.signal_ns, *SIGNAL)
    copied_ns = 0.0
    if direction == IN:
        copied_ns = size * switch_copy_ns(run)
        yield switched(run, passed * size)
    spent_ns, constants = _bridge_ns(run, vios, traffic, size)
    own_ns = max(0.0, spent_ns - run.signal_ns - copied_ns)
    noun = "request or response" if traffic == MESSAGE else f"piece of a stream, {traffic},"
    yield run.item("vios", f"{noun} bridged", passed, own_ns, *constants, *SIGNAL)


def _bridge_ns(
    run: Run, vios: Mapping[str, Any], traffic: str, size: float
) -> tuple[float, tuple[str, ...]]:
    costs, shared = run.costs, vios["shared_ethernet"]
    mode = "threaded" if shared["threaded"] else "non-threaded"
    if traffic == MESSAGE:
        name = f"vios.sea.transaction_cycles.{mode}"
        return float(costs.cycles(costs.constants.interpolate(name, size) / 2)), (name,)
    name = f"vios.sea.cycles_per_byte.{mode}.{traffic}"
    at, cycles = costs.constants.table(name)
    header = costs.number("network.tcp.header_bytes")
    each, packet = fixed_and_per_unit([mtu - header for mtu in at], cycles)
    payload = shared["adapter"]["mtu_bytes"] - header
    return size * (each + packet / payload) / costs.clock_hz * 1e9, (name,)


def bridging_seconds(run: Run) -> float:
    """Processor time of all bridging, signals and copies included."""
    spent_ns = 0.0
    for vios in run.system["vios"]:
        for traffic in (SIMPLEX, DUPLEX, MESSAGE):
            where = {"vios": vios["name"], "traffic": traffic}
            passed = run.counts.of("bridge_segments", **where)
            if passed:
                size = run.counts.of("bridge_bytes", **where) / passed
                spent_ns += passed * _bridge_ns(run, vios, traffic, size)[0]
    return spent_ns / 1e9
