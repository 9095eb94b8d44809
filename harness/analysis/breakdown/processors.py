"""Costs of dispatching, clock ticks, caches and operating-system events in a run."""

from collections.abc import Iterator

from harness.analysis.breakdown.run import REFILL, SIGNAL, CostItem, Run
from harness.model.caches import tick_displacement
from harness.model.machine import machine_contention

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
    shared = [
        each["name"]
        for each in (*run.system["partitions"], *run.system["vios"])
        if each["virtualization"] in SHARED
    ]
    dispatches, resumptions = (
        sum(run.counts.of(name, partition=each) for each in shared)
        for name in ("partition_dispatches", "partition_resumed_dispatches")
    )
    for text, count, name in (
        (
            "virtual processor put on a core in place of another",
            dispatches - resumptions,
            "hypervisor.vp_switch",
        ),
        ("virtual processor back on its core", resumptions, "hypervisor.vp_resume"),
    ):
        yield run.item("hypervisor", text, count, costs.work(name), name)
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
    interrupting, switches = run.counts.of("host_interrupting_ticks"), "host_tick_world_switches"
    yield run.item(
        "world_switch",
        "host's clock tick that interrupts a guest",
        interrupting,
        run.hosted("world_switch", run.costs.number(f"hosted.{run.flavour}.{switches}")),
        *run.names("world_switch", switches),
    )


def idle_tick_seconds(run: Run) -> float:
    """Processor time of clock ticks that found their virtual processor idle."""
    return sum(
        run.counts.of("partition_idle_tick_seconds", partition=each["name"])
        for each in run.system["partitions"]
    )


def caches(run: Run) -> Iterator[CostItem]:
    """Count cache lines, and TLB entries with them, that others had driven out."""
    number, hz = run.costs.number, run.costs.clock_hz
    lines = run.counts.of("partition_refilled_lines")
    from_memory = run.counts.of("partition_memory_lines")
    overlap = number("processor.refill_overlap")
    for text, count, name in (
        ("cache line fetched again from the third level", lines - from_memory, "l3_latency"),
        ("cache line fetched again from memory", from_memory, "memory_latency"),
    ):
        each_ns = number(f"processor.{name}") / overlap / hz * 1e9
        yield run.item(
            "refill", text, count, each_ns, f"processor.{name}", "processor.refill_overlap"
        )
    _, chip_ns, remote_ns = run.costs.line_transfers()
    for text, name, each_ns in (
        ("cache line of another partition's, from the same chip", "chip", chip_ns),
        ("cache line of another partition's, from another chip", "remote", remote_ns),
    ):
        count = run.counts.of(f"partition_{name}_lines")
        constants = (f"processor.transfer_latency.{name}", "processor.refill_overlap")
        yield run.item("refill", text, count, each_ns, *constants)
    yield run.item(
        "refill",
        "TLB entry fetched again",
        lines * number("processor.l2_line") / number("processor.page"),
        number("processor.tlb_miss") / hz * 1e9,
        "processor.tlb_miss",
    )


def displaced(run: Run) -> Iterator[CostItem]:
    """Count ticks and world switches after which the work that they interrupt fetches again."""
    guests = run.counts.of("partition_interrupting_ticks")
    hosts = run.counts.of("host_interrupting_ticks")
    event, name = "what a clock tick displaced, fetched again", "processor.tick_footprint"
    each_ns = tick_displacement(run.costs).ns
    yield run.item("refill", event, guests + hosts, each_ns, name, *REFILL)
    if run.flavour is None:
        return
    times = run.costs.number(f"hosted.{run.flavour}.host_tick_world_switches")
    yield run.world_switch_refill(guests + hosts * times, "host_tick_world_switches")


def user_mode(run: Run) -> Iterator[CostItem]:
    """Count seconds in user mode, which a monitor that translates code makes longer."""
    if run.flavour is None:
        return
    seconds = run.counts.of("processor_seconds", cause="user")
    each_ns = run.costs.monitor_per_user * 1e9
    event = "second in user mode, translated by the monitor"
    yield run.item("emulation", event, seconds, each_ns, *run.names("translation"))


def contention(run: Run) -> Iterator[CostItem]:
    """Count computing by the processors that ran beside it (seconds times their number)."""
    slower = machine_contention(run.costs.constants)
    name = "processor.contention"
    chip, further = (f"{name}.chip",), (f"{name}.further", f"{name}.locks")
    for what, event, each_ns, constants in (
        ("chip", "the other core of its chip", slower.chip_ns, chip),
        ("image", "another processor of its system", slower.image_ns, further),
        ("machine", "another processor of the machine", slower.machine_ns, further),
    ):
        count = run.counts.of(f"partition_beside_{what}_seconds")
        yield run.item("contention", f"second beside {event}", count, float(each_ns), *constants)


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
