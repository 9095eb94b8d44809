"""What it costs to fetch again what others have driven out of caches and translation buffers."""

from dataclasses import dataclass

from harness.model.costs import Costs
from harness.model.cpu.burst import Part
from harness.model.cpu.cache_refill import CacheCosts
from harness.model.ledger import Cause

_REFILL, _WORLD_SWITCH = int(Cause.REFILL), int(Cause.WORLD_SWITCH)


def cache_costs(costs: Costs) -> CacheCosts:
    """Return the caches of a machine's chips, and what it takes to fetch a line again."""
    number, line_bytes = costs.number, costs.number("processor.l2_line")
    ns_per_cycle = 1e9 / costs.clock_hz
    # Misses of caches overlap; those of the TLB do not.
    tlb_ns = number("processor.tlb_miss") * line_bytes / number("processor.page") * ns_per_cycle

    def fetch_ns(level: str) -> float:
        latency = number(f"processor.{level}_latency") / number("processor.refill_overlap")
        return latency * ns_per_cycle + tlb_ns

    return CacheCosts(
        lines=round(number("processor.l2_size") / line_bytes),
        l3_lines=round(number("processor.l3_size") / line_bytes),
        l3_ns_per_line=fetch_ns("l3"),
        memory_ns_per_line=fetch_ns("memory"),
        touch_ns_per_line=number("processor.l2_latency") * ns_per_cycle,
    )


@dataclass(frozen=True, slots=True)
class Displacement:
    """What an interruption drives out of the caches of the work that it interrupts.

    Attributes
    ----------
    lines, memory_lines
        Lines of the second-level cache that the work fetches again, and how many of them come
        from memory.
    tlb_entries
        Entries of the TLB that are lost with a change of address space.
    ns
        What fetching all of them again takes.
    """

    lines: int
    memory_lines: int
    tlb_entries: float
    ns: int


def displacement(costs: Costs, footprint: str, tlb_entries: str | None = None) -> Displacement:
    """Return what code of a footprint displaces of the work that it interrupts.

    The rule is that of least-recently-used replacement, as after a turn of another virtual
    processor: what the work, the code and the work on the other cores of the chip use together,
    beyond the size of the cache, is lost, but no more than the code uses. The third level takes
    what the second one loses.

    Parameters
    ----------
    footprint, tlb_entries
        Constants that hold the bytes that the code uses, and the TLB entries that are lost.
    """
    cache, number = cache_costs(costs), costs.number
    line_bytes = number("processor.l2_line")
    own = min(cache.lines, round(number("processor.working_set") / line_bytes))
    code = round(number(footprint) / line_bytes)
    beyond = own * round(number("processor.l2_cores")) + code - cache.lines
    lines = max(0, min(beyond, code, own))
    memory_lines = max(0, min(beyond - cache.l3_lines, lines))
    entries = 0.0
    if tlb_entries is not None:
        entries = min(number(tlb_entries), own * line_bytes / number("processor.page"))
    cycles = entries * number("processor.tlb_miss")
    ns = (lines - memory_lines) * cache.l3_ns_per_line + memory_lines * cache.memory_ns_per_line
    return Displacement(lines, memory_lines, entries, round(ns) + costs.cycles(cycles))


def tick_displacement(costs: Costs) -> Displacement:
    """Return what a clock tick of an operating system displaces."""
    return displacement(costs, "processor.tick_footprint")


def world_switch_displacement(costs: Costs) -> Displacement:
    """Return what a switch to the host's world and back displaces of a guest's work."""
    prefix = f"hosted.{costs.flavour}"
    return displacement(costs, f"{prefix}.footprint", f"{prefix}.tlb_entries")


def world_switches(costs: Costs, times: float) -> tuple[Part, Part]:
    """Return so many world switches, and what the guest fetches again after them."""
    refill_ns = round(times * world_switch_displacement(costs).ns)
    return (_WORLD_SWITCH, costs.hosted("world_switch", times)), (_REFILL, refill_ns)
