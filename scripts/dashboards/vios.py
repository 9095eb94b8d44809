"""Virtual I/O Servers of one cell, as tables and bars."""

from cell import NAMES, SPAN, disks, per_line, wires
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from panels import (
    CELL,
    Column,
    bars,
    board,
    increase,
    mean,
    otherwise,
    per_second,
    query,
    ratio,
    rows,
    shown,
    variable,
)

IO = "vtax_vios_operations_total|vtax_sea_bytes_total"


def vios() -> Dashboard:
    """Show the Virtual I/O Servers of a cell."""
    made = board(
        "vtax-vios",
        "Virtual I/O Server",
        "What the Virtual I/O Servers of one cell did, and what their clients waited for.",
        *SPAN,
    )
    chosen = f'__name__=~"{IO}"'
    for name in NAMES:  # only what has I/O through a server is offered
        asked = f"count by ({name}) (last_over_time({{{chosen}}}[2d]) > 0)"
        regex = f'/{name}="([^"]*)"/'
        made.with_variable(variable(name, name.capitalize(), f"query_result({asked})", regex))
        chosen += f',{name}="${name}"'
    operations = "vtax_vios_operations_total"
    segments = "sum by (vios) (" + increase("vtax_bridge_segments_total") + ")"
    only = "label_replace(" + per_line("vios", operations) + ', "partition", "$1", "vios", "(.+)")'

    def of_server(expression: str) -> str:
        return f"{expression} and on (partition) ({only})"

    physc = mean("partition", per_second("vtax_partition_dispatched_seconds_total"))
    ent = mean("partition", shown("vtax_partition_entitlement_cores"))
    return (
        made.with_row(Row("Servers"))
        .with_panel(
            rows(
                "Virtual SCSI",
                "Operations that a server took on and their bytes, per second of simulated time;"
                " latency that it added to an operation: its work and the wait for it, without the"
                " device's own part.",
                Column("server", "vios"),
                Column("operations", value=per_line("vios", operations), unit="iops"),
                Column("data", value=per_line("vios", "vtax_vios_bytes_total"), unit="Bps"),
                Column(
                    "latency added",
                    value=ratio("vios", "vtax_vios_added_seconds_total", operations),
                    unit="s",
                ),
                sort=("server", False),
                width=12,
                height=6,
            )
        )
        .with_panel(
            rows(
                "Shared Ethernet",
                "Bytes that a Shared Ethernet Adapter bridged per second of simulated time, and the"
                " time that a piece of a stream, a request or a response took in it.",
                Column("server", "vios"),
                Column("data", value=per_line("vios", "vtax_sea_bytes_total"), unit="Bps"),
                Column(
                    "time in the adapter",
                    value=f"sum by (vios) ({increase('vtax_bridge_seconds_total')}) / {segments}",
                    unit="s",
                ),
                sort=("server", False),
                width=12,
                height=6,
            )
        )
        .with_panel(
            rows(
                "Processors of the servers",
                "Entitlement (ent), processors consumed (physc), their share of the entitlement"
                " (%entc), and the wait of a virtual processor for a processor, for each dispatch:"
                " latency for all clients.",
                Column("server", "partition"),
                Column("ent", value=of_server(ent)),
                Column("physc", value=of_server(physc)),
                Column("%entc", value=of_server(f"{physc} / ({ent} > 0)"), unit="percentunit"),
                Column(
                    "wait for a dispatch",
                    value=of_server(
                        ratio(
                            "partition",
                            "vtax_partition_dispatch_wait_seconds_total",
                            "vtax_partition_dispatches_total",
                        )
                    ),
                    unit="s",
                ),
                sort=("server", False),
                height=6,
            )
        )
        .with_row(Row("Clients"))
        .with_panel(
            bars(
                "Processor time on behalf of clients",
                "Processors spent on virtual SCSI and bridging, by the partition on whose behalf"
                " they were spent.",
                query(
                    "sort_desc("
                    + mean(
                        "partition",
                        per_second("vtax_processor_seconds_total", f'{CELL},cause="vios"'),
                    )
                    + ") > 0",
                    "{{partition}}",
                ),
                width=12,
            )
        )
        .with_panel(
            bars(
                "Clients' wait for their disk's queue",
                "Time that clients' block operations waited for a place in the queue of their disk,"
                " mean over all operations.",
                query(
                    otherwise(
                        "sort_desc("
                        + ratio(
                            "partition",
                            "vtax_block_queue_wait_seconds_total",
                            "vtax_block_operations_total",
                        )
                        + " >= 0)",
                        "partition",
                        "no block operations",
                    ),
                    "{{partition}}",
                ),
                unit="s",
                width=12,
            )
        )
        .with_row(Row("Devices"))
        .with_panel(disks())
        .with_panel(wires())
    )
