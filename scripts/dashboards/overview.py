"""Overview: what each campaign found, and from where it comes."""

from grafana_foundation_sdk.builders.dashboard import CustomVariable, Dashboard, Row, TimePicker
from panels import (
    FACTORS,
    OUTCOMES,
    VIRTUALIZATIONS,
    Column,
    bars,
    board,
    figures,
    last,
    link,
    otherwise,
    query,
    rows,
    scenario_link,
    variable,
)

ANY = 'campaign!=""'
HERE = 'campaign="$campaign"'
MEASURED = f'{HERE},measure="$measure"'
MATRIX, SCENARIOS = f'{HERE},scenario=""', f'{HERE},scenario!=""'
NONE = {-1: ("none", "transparent")}
WORKLOAD = "campaign, machine, os, workload"
BEGIN = f"max by (campaign) ({last('vtax_campaign_begin_timestamp_seconds', HERE)}) * 1000"
END = f"max by (campaign) ({last('vtax_campaign_end_timestamp_seconds', HERE)}) * 1000"
AROUND = (f"{BEGIN} - 60e3", f"{END} + 60e3")
"""A minute more on each side: totals need both samples of a run within whole seconds."""
TO_MACHINE = link(
    "vtax-machine",
    begin="begins",
    end="ends",
    campaign="${campaign}",
    machine="[machine]",
    os="[os]",
    workload="[workload]",
)


def outcome(metric: str, matchers: str) -> str:
    """0 for refuted, 1 for inconclusive, 2 for confirmed."""
    inconclusive, confirmed = (
        f"sum without (outcome) ({last(metric, matchers, outcome=each)})"
        for each in ("inconclusive", "confirmed")
    )
    return f"{inconclusive} + 2 * {confirmed}"


def findings(name: str) -> str:
    """How many independent findings of each part have an outcome."""
    return f"max by (part) ({last('vtax_claim_findings', HERE, outcome=name)})"


def overhead(level: str, bound: str, measure: str = "$measure") -> str:
    """Overhead of the firmware's highest or the software's lowest, by machine, OS and workload."""
    extreme = "max" if level == "firmware" else "min"
    matchers = f'{HERE},level="{level}",measure="{measure}"'
    return f"{extreme} by ({WORKLOAD}) ({last(f'vtax_overhead{bound}_ratio', matchers)})"


def of_cell(metric: str, measure: str = "$measure") -> str:
    """Overhead of each cell, with the number of the cell."""
    value = last(metric, HERE, measure=measure)
    one = last("vtax_measured_seconds", MATRIX)
    return (
        f"max without (measure, level, instance, job) ({value})"
        f" * ignoring (cell) group_right () "
        f"(0 * max without (replication, instance, job) ({one}) + 1)"
    )


def ends(metric_labels: str) -> str:
    """Where the runs of a scenario end, in milliseconds."""
    length = " + ".join(
        f"max by (campaign, {metric_labels}) ({last(each, SCENARIOS)})"
        for each in ("vtax_warm_up_seconds", "vtax_measured_seconds")
    )
    return f"({length}) * 1000 + on (campaign) group_left () {BEGIN}"


def campaigns() -> object:
    """List the campaigns with a link to each."""

    def parts(name: str) -> str:
        found = last("vtax_claim_part", ANY, outcome=name)
        return f"sum by (campaign) ({found})"

    def time(name: str) -> str:
        return f"max by (campaign) ({last(f'vtax_campaign_{name}_timestamp_seconds', ANY)}) * 1000"

    met = last("vtax_expectation_met", ANY)
    return rows(
        "Campaigns",
        "All campaigns that this Prometheus holds. Parts: of the claim, by outcome. Checks: of the"
        " scenarios, each replication counted.",
        Column(
            "campaign",
            "campaign",
            link=link("vtax-overview", begin="begins", end="ends", campaign="[campaign]"),
        ),
        Column("begins", value=time("begin"), unit="dateTimeAsIso"),
        Column("ends", value=time("end"), unit="dateTimeAsIso"),
        Column(
            "runs",
            value=f"sum by (campaign) ({last('vtax_campaign_runs', ANY, state='complete')})",
        ),
        Column(
            "failed runs",
            value=f"sum by (campaign) ({last('vtax_campaign_runs', ANY, state='failed')})",
            wrong=True,
        ),
        Column("parts refuted", value=parts("refuted"), wrong=True),
        Column("inconclusive", value=parts("inconclusive")),
        Column("confirmed", value=parts("confirmed")),
        Column("checks missed", value=f"sum by (campaign) (1 - {met})", wrong=True),
        Column("checks met", value=f"sum by (campaign) ({met})"),
        sort=("campaign", False),
        height=5,
    )


def claim() -> object:
    """List the parts of the claim."""
    return rows(
        "Claim",
        "Parts of the claim: refuted if one independent finding refutes it, confirmed if all"
        " confirm it. The three numbers count independent findings.",
        Column("part", "part"),
        Column(
            "outcome",
            value=otherwise(
                f"max by (part) ({outcome('vtax_claim_part', HERE)})",
                "part",
                "this campaign makes no claim",
                -1,
            ),
            words=OUTCOMES | NONE,
            width=130,
        ),
        Column("refuted", value=findings("refuted"), wrong=True, width=100),
        Column("inconclusive", value=findings("inconclusive"), width=110),
        Column("confirmed", value=findings("confirmed"), width=100),
        sort=("outcome", False),
        width=12,
        height=6,
    )


def verdicts() -> object:
    """List what the claim's parts come to in every environment, by every measure."""
    found = f"max without (instance, job) ({outcome('vtax_verdict', HERE)})"
    return rows(
        "Verdict by environment",
        "Outcome of each part of the claim in every environment and by every measure of it:"
        " refuted ones first, then inconclusive ones. A row opens the machine.",
        Column("part", "part", width=230, link=TO_MACHINE),
        Column(
            "outcome",
            value=otherwise(found, "part", "this campaign makes no claim", -1),
            words=OUTCOMES | NONE,
            width=130,
        ),
        Column("measure", "measure"),
        Column("workload", "workload"),
        Column("machine", "machine"),
        Column("os", "os"),
        Column(
            "begins",
            value=f"0 * ({found}) + on (campaign) group_left () ({AROUND[0]})",
            hidden=True,
        ),
        Column(
            "ends", value=f"0 * ({found}) + on (campaign) group_left () ({AROUND[1]})", hidden=True
        ),
        sort=("outcome", False),
        height=7,
        others="^load_",
    )


def workloads() -> object:
    """Firmware beside software, by machine, operating system and workload."""
    worst = f"min by ({WORKLOAD}) ({outcome('vtax_verdict', MEASURED)})"
    return rows(
        "Firmware beside software, by workload",
        "Highest overhead of the claim's firmware virtualizations and lowest of its software ones,"
        " each with the bounds of its interval; the outcome is the worst of the claim's parts. The"
        " share is that of the machine which the overhead takes. A row opens the machine.",
        Column(
            "workload",
            "workload",
            link=TO_MACHINE,
            width=230,
        ),
        Column("outcome", value=worst, words=OUTCOMES | NONE, width=110),
        Column("machine", "machine", width=80),
        Column("os", "os", width=90),
        Column(
            "firmware",
            value=otherwise(
                overhead("firmware", ""), "workload", "this campaign compares no levels"
            ),
            unit="percentunit",
            width=110,
        ),
        Column("firmware low", value=overhead("firmware", "_low"), unit="percentunit", width=110),
        Column("firmware high", value=overhead("firmware", "_high"), unit="percentunit", width=110),
        Column("software", value=overhead("software", ""), unit="percentunit", width=110),
        Column("software low", value=overhead("software", "_low"), unit="percentunit", width=110),
        Column("software high", value=overhead("software", "_high"), unit="percentunit", width=110),
        Column(
            "firmware share",
            value=overhead("firmware", "", "machine-share"),
            unit="percentunit",
            width=110,
        ),
        Column(
            "software share",
            value=overhead("software", "", "machine-share"),
            unit="percentunit",
            width=110,
        ),
        Column("begins", value=across(AROUND[0]), hidden=True),
        Column("ends", value=across(AROUND[1]), hidden=True),
        sort=("outcome", False),
        height=10,
    )


def across(time: str) -> str:
    """Give each row a time of the campaign."""
    return f"0 * {overhead('firmware', '')} + on (campaign) group_left () ({time})"


def cells() -> object:
    """Overhead of every cell."""

    def moment(time: str) -> str:
        return f"0 * ({of_cell('vtax_overhead_ratio')}) + on (campaign) group_left () ({time})"

    return rows(
        "Cells",
        "Overhead of every cell of the matrix with its interval, the highest first. A row opens"
        " the partitions of the cell.",
        Column(
            "virtualization",
            "virtualization",
            coloured=VIRTUALIZATIONS,
            link=link(
                "vtax-partition",
                begin="begins",
                end="ends",
                campaign="${campaign}",
                **{name: f"[{name}]" for name in (*FACTORS, "cell")},
            ),
            width=230,
        ),
        Column("workload", "workload", width=150),
        Column("machine", "machine", width=80),
        Column("os", "os", width=90),
        Column(
            "overhead",
            value=otherwise(
                of_cell("vtax_overhead_ratio"), "virtualization", "this campaign has no matrix"
            ),
            unit="percentunit",
        ),
        Column("low", value=of_cell("vtax_overhead_low_ratio"), unit="percentunit"),
        Column("high", value=of_cell("vtax_overhead_high_ratio"), unit="percentunit"),
        Column(
            "share of the machine",
            value=of_cell("vtax_overhead_ratio", "machine-share"),
            unit="percentunit",
        ),
        Column("cell", "cell", width=60),
        Column("begins", value=moment(AROUND[0]), hidden=True),
        Column("ends", value=moment(AROUND[1]), hidden=True),
        sort=("overhead", True),
        height=10,
        others="^load_",
    )


def scenarios() -> object:
    """List the checks of every scenario."""
    labels = "scenario, machine, virtualization"
    met = last("vtax_expectation_met")
    end = ends(labels)
    return rows(
        "Scenarios",
        "Checks of every scenario, each replication counted; those with missed ones first. A row"
        " opens the scenario at its own time.",
        Column(
            "scenario",
            "scenario",
            link=scenario_link(),
        ),
        Column("machine", "machine"),
        Column("virtualization", "virtualization", coloured=VIRTUALIZATIONS),
        Column(
            "missed",
            value=otherwise(
                f"sum by (campaign, {labels}) (1 - {met})",
                "scenario",
                "this campaign has no scenarios",
            ),
            wrong=True,
        ),
        Column("met", value=f"sum by (campaign, {labels}) ({met})"),
        Column(
            "simulated time",
            value=f"max by (campaign, {labels}) ({last('vtax_measured_seconds', SCENARIOS)})",
            unit="s",
        ),
        Column("begins", value=f"0 * ({end}) + on (campaign) group_left () {BEGIN}", hidden=True),
        Column("ends", value=end, hidden=True),
        sort=("missed", True),
        height=8,
    )


def compared(extreme: str, title: str, description: str) -> object:
    """Bars of one environment's overhead of each virtualization, beside the margin."""
    value = last("vtax_overhead_ratio", MEASURED)
    sorted_values = f"sort_desc({extreme} by (virtualization) ({value}))"
    found = otherwise(sorted_values, "virtualization", "no matrix")
    margin = last("vtax_campaign_margin_ratio")
    return bars(
        title,
        description,
        query(found, "{{virtualization}}"),
        query(f"max({margin})", "margin"),
        unit="percentunit",
        width=12,
        colours=VIRTUALIZATIONS | {"margin": "#b0b7c0"},
    )


def overview() -> Dashboard:
    """Show what campaigns found."""
    met = last("vtax_expectation_met")
    listed = last("vtax_campaign_begin_timestamp_seconds", ANY)
    return (
        board(
            "vtax-overview",
            "Campaign overview",
            "What each campaign found. Nothing here depends on the time range.",
            "2007-04-02T00:00:00.000Z",
            "2007-04-02T00:05:00.000Z",
        )
        .timepicker(TimePicker().hidden(True))
        .with_variable(
            variable("campaign", "Campaign", f"query_result({listed})", '/campaign="([^"]+)"/')
        )
        .with_variable(
            CustomVariable("measure")
            .label("Measure")
            .values("processor-time,slowdown,machine-share,capacity")
        )
        .with_panel(campaigns())
        .with_row(Row("$campaign"))
        .with_panel(claim())
        .with_panel(
            figures(
                "Checks of scenarios",
                "Expectations of scenarios that were met and missed, each replication counted.",
                query(f"sum({met}) or vector(0)", "met"),
                query(f"count({met}) or vector(0)", "of"),
                width=6,
                height=6,
            )
        )
        .with_panel(
            figures(
                "Failed runs",
                "Runs without a result; the report lists the reasons.",
                query(f"sum({last('vtax_campaign_runs', HERE, state='failed')})", "failed"),
                wrong=True,
                width=3,
                height=6,
            )
        )
        .with_panel(
            figures(
                "Complete runs",
                "Runs with a result, of those that the campaign needs.",
                query(
                    f"sum({last('vtax_campaign_runs', HERE, state='complete')})"
                    f" / sum({last('vtax_campaign_runs_planned')})",
                    "complete",
                ),
                unit="percentunit",
                width=3,
                height=6,
            )
        )
        .with_panel(verdicts())
        .with_panel(workloads())
        .with_panel(
            compared(
                "max",
                "Highest overhead",
                "Highest overhead of each virtualization in any environment, beside the margin.",
            )
        )
        .with_panel(
            compared(
                "min",
                "Lowest overhead",
                "Lowest overhead of each virtualization in any environment, beside the margin.",
            )
        )
        .with_panel(scenarios())
        .with_panel(cells())
    )
