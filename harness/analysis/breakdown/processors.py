"""Costs of dispatching, clock ticks, caches and operating-system events in a run."""

from collections.abc import Iterator

from harness.analysis.breakdown.run import SIGNAL, CostItem, Run

SHARED = ("shared-capped", "shared-uncapped")
"""Ways to divide a machine on which the hypervisor switches virtual processors."""

VIOS_OS = "aix-5.3"
"""The Virtual I/O Server is an AIX partition."""

HOST_OS = "sles-9"
"""Operating system whose tick cost the host has."""


def dispatching(run: Run) -> Iterator[CostItem]:
    """Count turns of virtual processors, and interrupts that arrived where another one was."""
    costs = run.costs
    if run.flavour is not None:
        turns = run.counts.of("partition_dispatches")
        yield run.item(
            "host",
            "guest's thread put on a processor",
            turns,
            costs.work("hosted.host.context_switch"),
            "hosted.host.context_switch",
        )
        yield run.item(
            "world_switch",
            "guest's thread put on a processor",
            turns,
            run.hosted("world_switch"),
            *run.names("world_switch"),
        )
        return
    switches = sum(
        run.counts.of("partition_dispatches", partition=each["name"])
        for each in (*run.system["partitions"], *run.system["vios"])
        if each["virtualization"] in SHARED
    )
    switch_ns = costs.time("hypervisor.vp_switch")
    name = "hypervisor.vp_switch"
    yield run.item("hypervisor", "virtual processor put on a core", switches, switch_ns, name)
    yield run.item(
        "hypervisor",
        "interrupt for another partition's device (phantom)",
        run.counts.of("partition_phantom_interrupts"),
        run.signal_ns,
        *SIGNAL,
    )


def ticks(run: Run) -> Iterator[CostItem]:
    """Count clock ticks of partitions and of a host."""
    systems = {each["name"]: each["os"] for each in run.system["partitions"]}
    systems |= {each["name"]: VIOS_OS for each in run.system["vios"]}
    by_os: dict[str, float] = {}
    for partition, count in run.counts.by("partition_ticks", "partition").items():
        by_os[systems[partition]] = by_os.get(systems[partition], 0.0) + count
    for system, count in by_os.items():
        name = f"os.{system}.tick_cost"
        yield run.item("tick", f"clock tick of {system}", count, run.costs.work(name), name)
    if run.flavour is None:
        return
    count = sum(by_os.values())
    yield run.item(
        "world_switch",
        "guest's clock tick",
        count,
        run.hosted("world_switch"),
        *run.names("world_switch"),
    )
    yield run.item(
        "emulation",
        "guest's clock tick",
        count,
        run.hosted("interrupt_return"),
        *run.names("interrupt_return"),
    )
    name = f"os.{HOST_OS}.tick_cost"
    count = run.counts.of("host_ticks")
    yield run.item("host", "clock tick of the host", count, run.costs.work(name), name)


def idle_tick_seconds(run: Run) -> float:
    """Processor time of clock ticks that found their virtual processor idle."""
    costs, spent_ns = run.costs, 0.0
    for each in run.system["partitions"]:
        each_ns = float(costs.work(f"os.{each['os']}.tick_cost"))
        if run.flavour is not None:
            each_ns += 2 * run.hosted("world_switch") + run.hosted("interrupt_return")
            each_ns += costs.work("hosted.host.context_switch")
        elif each["virtualization"] in SHARED:
            each_ns += costs.time("hypervisor.vp_switch")
        spent_ns += each_ns * run.counts.of("partition_idle_ticks", partition=each["name"])
    return spent_ns / 1e9


def caches(run: Run) -> Iterator[CostItem]:
    """Count cache lines that others had driven out."""
    number = run.costs.number
    line_cycles = number("processor.l3_latency") / number("processor.refill_overlap")
    yield run.item(
        "refill",
        "cache line fetched again",
        run.counts.of("partition_refilled_lines"),
        line_cycles / run.costs.clock_hz * 1e9,
        "processor.l3_latency",
        "processor.refill_overlap",
    )


def os_events(run: Run) -> Iterator[CostItem]:
    """Count operating-system events, natively and on top what a hosted monitor adds to each."""
    hz, number = run.costs.clock_hz, run.costs.number
    for event, count in run.counts.by("os_events", "event").items():
        name = f"events.native.{event}"
        native = number(name)
        each_ns = native * number("native.transfer") / hz * 1e9
        yield run.item("os", _event(event), count, each_ns, name, "native.transfer")
        if run.flavour is not None:
            hosted = f"events.{run.flavour}.{event}"
            added = max(0.0, number(hosted) - native) * number("hosted.transfer")
            constants = (hosted, name, "hosted.transfer")
            yield run.item("emulation", _event(event), count, added / hz * 1e9, *constants)


def _event(name: str) -> str:
    return f"system event: {name.replace('_', ' ')}"
