"""Machine and partitions of one cell, as tables and bars."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.table import Panel as Table
from panels import (
    CAUSE_COLOURS,
    CELL,
    ENVIRONMENT,
    FACTORS,
    VIRTUALIZATIONS,
    Column,
    bars,
    board,
    drill_down,
    figures,
    increase,
    mean,
    otherwise,
    per_second,
    query,
    ratio,
    rows,
    shown,
)

NAMES = ("campaign", *FACTORS, "cell")
SPAN = ("2007-04-02T00:00:00.000Z", "2007-04-04T00:00:00.000Z")
"""Longer than any run: everything here is a total of the time range."""
IDLE, BUSY = ',cause="idle"', ',cause!="idle"'
VIRTUALIZING = ',cause=~"hypervisor|refill|vios|switch|copy|emulation|world_switch|host"'


def of_machine(matchers: str, causes: str) -> str:
    """Share of the machine's processors that causes took."""
    run = "virtualization, cell, replication"
    return (
        f"sum by ({run}, cause) ({increase('vtax_processor_seconds_total', matchers + causes)})"
        f" / on ({run}) group_left ()"
        f" ({increase('vtax_simulated_seconds_total', matchers)}"
        f" * on ({run}) {shown('vtax_processors', matchers)})"
    )


def by_virtualization(expression: str) -> str:
    """Mean of each virtualization of the environment, the highest first."""
    return f"sort_desc({mean('virtualization', expression)})"


def per_line(label: str, metric: str) -> str:
    """Rate of a counter by a label, mean of replications."""
    return mean(
        label, f"sum by ({label}, virtualization, cell, replication) ({per_second(metric)})"
    )


def machine() -> Dashboard:
    """Show the machine of a cell."""
    ok = f'{CELL},outcome="ok"'
    failed = f'{CELL},outcome="failed"'
    run = "virtualization, cell, replication"
    beside = "vtax_partition_beside"
    busy = f"sum by ({run}) ({of_machine(ENVIRONMENT, BUSY)})"
    taken = f"sum by ({run}) ({of_machine(ENVIRONMENT, VIRTUALIZING)})"
    made = board(
        "vtax-machine",
        "Hypervisor and machine",
        "Where the processor time of one cell's machine goes, beside the other ways to divide it.",
        *SPAN,
    )
    for each in drill_down("vtax_simulated_seconds_total", NAMES):
        made.with_variable(each)
    return (
        made.with_row(Row("The machine"))
        .with_panel(
            figures(
                "Processors",
                "Processors (cores) of the machine, and of its shared pool (psize).",
                query(f"max({shown('vtax_processors')})", "machine"),
                query(f"max({shown('vtax_pool_processors')})", "shared pool"),
                width=8,
            )
        )
        .with_panel(
            figures(
                "Utilisation",
                "Share of all processors that was not idle.",
                query(f"1 - avg({of_machine(CELL, IDLE)})", "busy"),
                unit="percentunit",
            )
        )
        .with_panel(
            figures(
                "Transactions",
                "Transactions that succeeded, per second of simulated time.",
                query(f"avg(sum by ({run}) ({per_second('vtax_transactions_total', ok)}))", "ok"),
                unit="ops",
            )
        )
        .with_panel(
            figures(
                "Failed transactions",
                "Transactions that failed, all replications together.",
                query(f"sum({increase('vtax_transactions_total', failed)}) or vector(0)", "failed"),
                wrong=True,
            )
        )
        .with_panel(
            figures(
                "Mean response time",
                "Mean response time of transactions that succeeded, from their intended start.",
                query(
                    f"sum({shown('vtax_response_seconds_sum')})"
                    f" / sum({shown('vtax_response_seconds_count')})",
                    "mean",
                ),
                unit="s",
            )
        )
        .with_row(Row("Where the time goes"))
        .with_panel(
            bars(
                "Processor time by cause",
                "Share of all processors of the machine that each cause took; with the idle time"
                " they sum to 100 %. Causes that took nothing are left out.",
                query(f"sort_desc({mean('cause', of_machine(CELL, ''))} > 0)", "{{cause}}"),
                unit="percentunit",
                width=8,
                height=10,
                most=1,
                colours=CAUSE_COLOURS,
            )
        )
        .with_panel(
            bars(
                "Virtualization's processor time, beside the others",
                "Share of all processors that went to what an undivided machine would not do:"
                " hypervisor, refilled caches, VIOS, virtual switch, copies, emulation, world"
                " switches, host. All ways to divide the machine, mean of all loads.",
                query(by_virtualization(taken), "{{virtualization}}"),
                unit="percentunit",
                width=8,
                height=10,
                colours=VIRTUALIZATIONS,
            )
        )
        .with_panel(
            bars(
                "Utilisation, beside the others",
                "Share of all processors that was not idle, of all ways to divide the machine,"
                " mean of all loads.",
                query(by_virtualization(busy), "{{virtualization}}"),
                unit="percentunit",
                width=8,
                height=10,
                most=1,
                colours=VIRTUALIZATIONS,
            )
        )
        .with_row(Row("Contention and caches"))
        .with_panel(
            rows(
                "Processors beside each partition, and cache lines",
                "How many further processors ran on average while the partition computed: on the"
                " same chip, of the same operating system, of the machine. And cache lines that it"
                " fetched, per second of simulated time: again after others had driven them out,"
                " and of these from memory; of another partition's data from another core of the"
                " chip, and from another chip.",
                Column("partition", "partition"),
                *(
                    Column(
                        title,
                        value=ratio(
                            "partition",
                            f"{beside}_{name}_seconds_total",
                            "vtax_partition_dispatched_seconds_total",
                        ),
                    )
                    for title, name in (
                        ("beside, chip", "chip"),
                        ("beside, image", "image"),
                        ("beside, machine", "machine"),
                    )
                ),
                *(
                    Column(
                        f"lines {name}",
                        value=per_line("partition", f"vtax_partition_{name}_lines_total"),
                        unit="ops",
                    )
                    for name in ("refilled", "memory", "chip", "remote")
                ),
                sort=("partition", False),
            )
        )
        .with_row(Row("Devices"))
        .with_panel(disks())
        .with_panel(wires())
    )


def disks() -> Table:
    """List the disks of the cell."""
    count = "vtax_disk_operations_total"
    return rows(
        "Disks",
        "Operations and bytes per second of simulated time; spindles in use on average, for an"
        " array has several; time of an operation at the disk, and its wait for the adapter.",
        Column("disk", "disk"),
        Column(
            "operations",
            value=otherwise(per_line("disk", count), "disk", "no disk in this cell"),
            unit="iops",
        ),
        Column("data", value=per_line("disk", "vtax_disk_bytes_total"), unit="Bps"),
        Column("spindles in use", value=per_line("disk", "vtax_disk_busy_seconds_total")),
        Column(
            "response time",
            value=ratio("disk", "vtax_disk_response_seconds_total", count),
            unit="s",
        ),
        Column(
            "wait for adapter",
            value=ratio("disk", "vtax_disk_adapter_wait_seconds_total", count),
            unit="s",
        ),
        sort=("disk", False),
        width=14,
    )


def wires() -> Table:
    """List the wires of the cell."""
    return rows(
        "Wires",
        "Payload that an Ethernet adapter carried per second of simulated time, both directions"
        " together; share of the time in use, mean of both directions.",
        Column("adapter", "adapter"),
        Column(
            "data",
            value=otherwise(
                per_line("adapter", "vtax_wire_bytes_total"), "adapter", "no wire in this cell"
            ),
            unit="Bps",
        ),
        Column(
            "in use",
            value=f"{per_line('adapter', 'vtax_wire_busy_seconds_total')} / 2",
            unit="percentunit",
        ),
        sort=("adapter", False),
        width=10,
    )


def lparstat(title: str, matchers: str = "") -> Table:
    """Show the columns of lparstat by partition."""
    of = f"{CELL}{matchers}"
    dispatches = "vtax_partition_dispatches_total"

    def rate(metric: str) -> str:
        return mean("partition", per_second(metric, of))

    def gauge(metric: str) -> str:
        return mean("partition", shown(metric, of))

    physc = rate("vtax_partition_dispatched_seconds_total")
    ent = gauge("vtax_partition_entitlement_cores")
    return rows(
        title,
        "Entitlement (ent), virtual processors, processors consumed (physc), their share of the"
        " entitlement (%entc: beyond 100 % an uncapped partition uses spare capacity), virtual"
        " context switches (vcsw) and phantom interrupts (phint) per second of simulated time, and"
        " the wait of a virtual processor for a processor, for each dispatch.",
        Column("partition", "partition"),
        Column("ent", value=ent),
        Column("virtual processors", value=gauge("vtax_partition_virtual_processors")),
        Column("physc", value=physc),
        Column("%entc", value=f"{physc} / ({ent} > 0)", unit="percentunit"),
        Column("vcsw", value=rate(dispatches), unit="ops"),
        Column("phint", value=rate("vtax_partition_phantom_interrupts_total"), unit="ops"),
        Column(
            "wait for a dispatch",
            value=ratio("partition", "vtax_partition_dispatch_wait_seconds_total", dispatches, of),
            unit="s",
        ),
        sort=("partition", False),
    )


def quantile(share: float) -> str:
    """Quantile of the response time of each partition."""
    buckets = f"sum by (partition, le) ({shown('vtax_response_seconds_bucket')})"
    return f"sort_desc(histogram_quantile({share:g}, {buckets}))"


def partition() -> Dashboard:
    """Show the partitions of a cell."""
    made = board(
        "vtax-partition",
        "Partition",
        "What lparstat shows of the partitions of one cell, and what their users see.",
        *SPAN,
    )
    for each in drill_down("vtax_simulated_seconds_total", NAMES):
        made.with_variable(each)
    coarse = (
        "Read from the histogram's buckets, so it is as coarse as they are; the report has the"
        " finer figure."
    )
    kind = "partition, group, name"
    runs = f"{kind}, virtualization, cell, replication"

    def transactions(outcome: str) -> str:
        rate = per_second("vtax_transactions_total", f'{CELL},outcome="{outcome}"')
        return mean(kind, f"sum by ({runs}) ({rate})")

    blocks = "vtax_block_operations_total"
    made.with_row(Row("lparstat")).with_panel(lparstat("Partitions"))
    made.with_row(Row("What users see")).with_panel(
        rows(
            "Transactions",
            "Transactions that ended, by outcome, per second of simulated time, and the mean"
            " response time of those that succeeded, from their intended start.",
            Column("partition", "partition"),
            Column("users", "group"),
            Column("transaction", "name"),
            Column("ok", value=transactions("ok"), unit="ops"),
            Column("failed", value=transactions("failed"), unit="ops", wrong=True),
            Column(
                "mean response time",
                value=f"sum by ({kind}) ({shown('vtax_response_seconds_sum')})"
                f" / sum by ({kind}) ({shown('vtax_response_seconds_count')})",
                unit="s",
            ),
            sort=("partition", False),
        )
    )
    for share, title in ((0.5, "Median"), (0.95, "95th percentile"), (0.99, "99th percentile")):
        made.with_panel(
            bars(
                f"{title} of the response time",
                coarse,
                query(quantile(share), "{{partition}}"),
                unit="s",
            )
        )
    return made.with_row(Row("Waiting")).with_panel(
        rows(
            "Work and I/O",
            "Time that work waited in the operating system for a virtual processor, for each"
            " second of simulated time; block operations per second, and their wait for a place in"
            " the queue of their disk.",
            Column("partition", "partition"),
            Column(
                "work waiting",
                value=per_line("partition", "vtax_partition_queue_wait_seconds_total"),
            ),
            Column("block operations", value=per_line("partition", blocks), unit="iops"),
            Column(
                "wait for the disk's queue",
                value=ratio("partition", "vtax_block_queue_wait_seconds_total", blocks),
                unit="s",
            ),
            sort=("partition", False),
        )
    )
