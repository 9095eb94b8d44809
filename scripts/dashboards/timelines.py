"""Scenarios and live machines: what happens in the course of time."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from panels import (
    CAUSE_COLOURS,
    FACTORS,
    Column,
    board,
    drill_down,
    figures,
    history,
    last,
    lines,
    query,
    rows,
    scenario_link,
)

RUN = 'campaign="$campaign",scenario="$scenario",replication="$replication"'
STATES = {0: ("missed", "red"), 1: ("met", "green")}
LIVE = ",".join(f'{name}="${name}"' for name in ("campaign", *FACTORS))
OPERATION = "vtax_operation_event_timestamp_seconds"


def annotation(name: str, status: str, colour: str) -> dict[str, object]:
    """Operations of a status, as annotations; the builder has no fields of this data source."""
    return {
        "name": name,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "expr": f'{OPERATION}{{{RUN},status=~"{status}"}} * 1000',
        "step": "1s",
        "useValueForTime": True,
        "titleFormat": "{{operation}}",
        "textFormat": "{{status}} {{reason}}",
        "tagKeys": "status",
    }


ANNOTATIONS = [
    annotation("Operations begun", "started", "blue"),
    annotation("Operations done", "done", "green"),
    annotation("Operations refused or failed", "refused|failed", "red"),
]


def scenario() -> Dashboard:
    """Show the timeline of a scenario."""
    met = last("vtax_expectation_met", RUN)
    length = (
        f"max by (campaign, scenario)"
        f" ({last('vtax_measured_seconds', RUN)} + {last('vtax_warm_up_seconds', RUN)})"
    )
    begin = f"max by (campaign) ({last('vtax_campaign_begin_timestamp_seconds')}) * 1000"
    made = board(
        "vtax-scenario",
        "Scenario timeline",
        "What a scenario's partitions did and what was done to them, in simulated time. Operations"
        " are annotations.",
        "2007-04-02T00:00:00.000Z",
        "2007-04-02T00:05:00.000Z",
    )
    known = "vtax_partition_weight"
    for each in drill_down(known, ("campaign", "scenario", "replication"), 'scenario!=""'):
        made.with_variable(each)
    made.with_row(Row("What was expected, and what was done")).with_panel(
        rows(
            "This scenario",
            "Checks of this replication. The link sets the time range to that of the scenario.",
            Column(
                "scenario",
                "scenario",
                link=scenario_link(replication="${replication}"),
            ),
            Column("missed", value=f"sum by (campaign, scenario) (1 - {met})", wrong=True),
            Column("met", value=f"sum by (campaign, scenario) ({met})"),
            Column("simulated time", value=length, unit="s"),
            Column(
                "begins",
                value=f"0 * {length} + on (campaign) group_left () {begin}",
                unit="dateTimeAsIso",
            ),
            Column(
                "ends",
                value=f"{length} * 1000 + on (campaign) group_left () {begin}",
                unit="dateTimeAsIso",
            ),
            sort=("scenario", False),
            height=4,
        )
    ).with_panel(
        rows(
            "Expectations",
            "What the scenario expects, missed ones first.",
            Column(
                "result",
                value=f"max by (number, expectation) ({met})",
                words=STATES,
                width=90,
            ),
            Column("expectation", "expectation"),
            sort=("result", False),
            width=12,
            height=9,
        )
    ).with_panel(
        rows(
            "Operations",
            "When something became of each operation: begun, done, refused with its reason, or"
            " failed.",
            Column(
                "time",
                value=f"max by (operation, status, reason) ({last(OPERATION, RUN)}) * 1000"
                ' or on () label_replace(max('
                + last("vtax_campaign_begin_timestamp_seconds")
                + ') * 1000, "operation", "this scenario has no operations", "", "")',
                unit="dateTimeAsIso",
                width=160,
            ),
            Column("operation", "operation"),
            Column(
                "status",
                "status",
                coloured={
                    "started": "blue", "done": "green", "refused": "red", "failed": "red"
                },
                width=90,
            ),
            Column("reason", "reason"),
            sort=("time", False),
            width=12,
            height=9,
        )
    )  # fmt: skip

    def line(title: str, text: str, metric: str, unit: str = "none", **options: object) -> None:
        label = "site" if metric.startswith(("vtax_pool", "vtax_machine")) else "partition"
        expression = f"last_over_time({metric}{{{RUN}}}[$__rate_interval])"
        if title.startswith("%entc"):
            entitled = (
                f"last_over_time(vtax_partition_entitlement_cores{{{RUN}}}[$__rate_interval])"
            )
            expression = f"{expression} / ({entitled} > 0)"
        asked = history(expression, f"{{{{{label}}}}}")
        made.with_panel(lines(title, text, asked, unit=unit, **options))  # type: ignore[arg-type]

    physc = "vtax_partition_physc_cores"
    made.with_row(Row("Processors"))
    line("physc: physical processors consumed", "Processors that each partition consumed since the"
         " sample before.", physc, width=12)  # fmt: skip
    line("%entc: consumed share of the entitlement", "Processors consumed, relative to the entitled"
         " capacity.", physc, "percentunit", width=12)  # fmt: skip
    for title, text, metric in (
        ("ent: entitlement", "Entitled capacity in processors.", "entitlement_cores"),
        ("Virtual processors", "Virtual processors of each partition.", "virtual_processors"),
        ("Virtual processors not folded", "Virtual processors that are not folded away.",
         "unfolded_virtual_processors"),
    ):  # fmt: skip
        line(title, text, f"vtax_partition_{metric}")
    made.with_row(Row("What users see"))
    for title, text, metric, unit in (
        ("Response time, 95th percentile", "95th percentile of the response time since the sample"
         " before.", "vtax_response_p95_seconds", "s"),
        ("Response time, mean", "Mean response time since the sample before.",
         "vtax_response_mean_seconds", "s"),
        ("Requests answered", "Requests answered, per second of simulated time.",
         "vtax_requests_per_second", "reqps"),
        ("Requests failed", "Requests that failed since the sample before.",
         "vtax_requests_failed", "none"),
    ):  # fmt: skip
        line(title, text, metric, unit, width=12)
    made.with_row(Row("Resources"))
    for title, text, metric, unit in (
        ("Memory", "Memory of each partition.", "memory_bytes", "bytes"),
        ("Adapters", "Physical adapters of each partition.", "adapters", "none"),
        ("Weight", "Weight by which an uncapped partition gets spare capacity.", "weight", "none"),
        ("Down", "1 while a partition is down.", "down", "none"),
    ):
        most = 1 if metric == "down" else None
        line(title, text, f"vtax_partition_{metric}", unit, width=6, most=most)
    made.with_row(Row("Machine"))
    for title, text, metric, unit in (
        ("psize: shared pool", "Processors of the shared pool.", "pool_size_processors", "none"),
        ("app: available in the pool", "Processors of the shared pool that no partition used.",
         "pool_available_processors", "none"),
        ("Power", "Power that the machine drew since the sample before.", "machine_power_watts",
         "watt"),
    ):  # fmt: skip
        line(title, text, f"vtax_{metric}", unit)
    return made


def live() -> Dashboard:
    """Show a machine that runs now."""
    made = board(
        "vtax-live",
        "Live machine",
        "A machine that `vtax watch` runs now: its pace, and what lparstat shows.",
        "now-15m",
        "now",
    ).refresh("5s")
    for each in drill_down("vtax_pacing_speed_ratio", ("campaign", *FACTORS)):
        made.with_variable(each)
    window = "[$__rate_interval]"
    simulated = f"rate(vtax_simulated_seconds_total{{{LIVE}}}{window})"

    def rate(metric: str, labels: str, matchers: str = "") -> str:
        counted = f"sum by ({labels}, instance) (rate({metric}{{{LIVE}{matchers}}}{window}))"
        return f"sum by ({labels}) ({counted} / on (instance) group_left () {simulated})"

    def per(labels: str, above: str, below: str) -> str:
        up, down = (
            f"sum by ({labels}) (rate({each}{{{LIVE}}}{window}))" for each in (above, below)
        )
        return f"{up} / ({down} > 0)"

    physc = rate("vtax_partition_dispatched_seconds_total", "partition")
    ent = f"max by (partition) (last_over_time(vtax_partition_entitlement_cores{{{LIVE}}}{window}))"
    causes = rate("vtax_processor_seconds_total", "cause")
    cores = f"last_over_time(vtax_processors{{{LIVE}}}{window})"
    some = f"increase(vtax_processor_seconds_total{{{LIVE}}}[$__range] @ end())"
    late = f"last_over_time(vtax_pacing_late_seconds{{{LIVE}}}{window})"
    buckets = f"sum by (partition, le) (rate(vtax_response_seconds_bucket{{{LIVE}}}{window}))"
    made.with_row(Row("Pace"))
    for title, text, asked, unit in (
        ("Pace asked for", "Simulated seconds for each second of the wall clock, as asked for.",
         f"max(last_over_time(vtax_pacing_speed_ratio{{{LIVE}}}[$__range]))", "none"),
        ("Latest so far", "The latest that the paced clock has been, in seconds of the wall clock.",
         f"max(last_over_time(vtax_pacing_worst_late_seconds{{{LIVE}}}[$__range]))", "s"),
    ):  # fmt: skip
        made.with_panel(figures(title, text, query(asked, title.lower()), unit=unit, height=7))
    for title, text, asked, unit in (
        ("Pace", "Simulated seconds for each second of the wall clock.", simulated, "none"),
        ("Late", "How late the paced clock runs, in seconds of the wall clock.", late, "s"),
    ):
        made.with_panel(
            lines(title, text, history(asked, title.lower()), unit=unit, height=7, step="5s")
        )
    made.with_row(Row("Processors")).with_panel(
        lines(
            "Processor time by cause",
            "Share of all processors of the machine that each cause took; with the idle time they"
            " sum to 100 %. Causes that took nothing are left out.",
            history(
                f"{causes} / scalar(max({cores})) and on (cause) (sum by (cause) ({some}) > 0)",
                "{{cause}}",
            ),
            unit="percentunit",
            width=24,
            most=1,
            stacked=True,
            colours=CAUSE_COLOURS,
            step="5s",
        )
    )
    for title, text, asked, unit, width in (
        ("physc: physical processors consumed", "Processors that each partition consumed, per"
         " second of simulated time.", physc, "none", 8),
        ("%entc: consumed share of the entitlement", "Processors consumed, relative to the entitled"
         " capacity.", f"{physc} / ({ent} > 0)", "percentunit", 8),
        ("vcsw: virtual context switches", "How often a virtual processor of the partition was"
         " dispatched, per second of simulated time.",
         rate("vtax_partition_dispatches_total", "partition"), "ops", 8),
        ("Dispatch wait per dispatch", "How long a virtual processor was ready without a processor,"
         " for each time it was dispatched.", per("partition",
         "vtax_partition_dispatch_wait_seconds_total", "vtax_partition_dispatches_total"), "s", 8),
        ("Transactions", "Transactions that succeeded, per second of simulated time.",
         rate("vtax_transactions_total", "partition", ',outcome="ok"'), "ops", 8),
        ("Response time, 95th percentile", "Read from the histogram's buckets, so it is as coarse"
         " as they are.", f"histogram_quantile(0.95, {buckets})", "s", 8),
    ):  # fmt: skip
        made.with_panel(
            lines(title, text, history(asked, "{{partition}}"), unit=unit, width=width, step="5s")
        )
    made.with_row(Row("I/O"))
    for title, text, asked, label, unit in (
        ("Virtual SCSI", "Operations that each Virtual I/O Server took on, per second of simulated"
         " time.", rate("vtax_vios_operations_total", "vios"), "vios", "iops"),
        ("Disk spindles in use", "Spindles of a disk in use, on average: an array has several.",
         rate("vtax_disk_busy_seconds_total", "disk"), "disk", "none"),
        ("Wire: utilisation", "Share of the time that a wire was in use, mean of both directions.",
         f"{rate('vtax_wire_busy_seconds_total', 'adapter')} / 2", "adapter", "percentunit"),
    ):  # fmt: skip
        most = 1 if unit == "percentunit" else None
        query_ = history(asked, f"{{{{{label}}}}}")
        made.with_panel(lines(title, text, query_, unit=unit, most=most, step="5s"))
    return made
