"""What a campaign leaves behind besides the families that are read off a machine: names and help.

Nearly all are gauges. They come from a run's result, a scenario's timeline, or the analysis.
"""

RECORDED: dict[str, str] = {
    # A run
    "vtax_measured_seconds": "Simulated time that the run's samples cover.",
    "vtax_warm_up_seconds": "Simulated time cut off at the run's beginning.",
    "vtax_warm_up_trustworthy": "1 if the end of the warm-up was found, 0 if it was guessed.",
    # A run on a real target
    "vtax_condition_others": "Share of the machine's processors that other programs took.",
    "vtax_condition_stolen": "Share that the machine's own hypervisor withheld.",
    "vtax_condition_load": "Load average of the last minute.",
    "vtax_condition_frequency_hertz": "Frequency of the processor.",
    "vtax_condition_temperature_celsius": "Temperature of the hottest zone.",
    "vtax_condition_disturbed": "1 if others took too much for an undisturbed measurement.",
    "vtax_target_inside_seconds": "Time of all work by the target's clock.",
    "vtax_target_outside_seconds": "The same by the machine's clock, the channel subtracted.",
    "vtax_target_channel_seconds": "What the channel and preparations took.",
    "vtax_machine_info": "Processor, kernels, QEMU and mitigations of the machine.",
    # A scenario's timeline
    "vtax_partition_physc_cores": "Physical processors consumed since the sample before (physc).",
    "vtax_partition_unfolded_virtual_processors": "Virtual processors that are not folded away.",
    "vtax_partition_weight": "Weight by which an uncapped partition gets spare capacity.",
    "vtax_partition_memory_bytes": "Memory of the partition.",
    "vtax_partition_adapters": "Physical adapters of the partition.",
    "vtax_partition_down": "1 while the partition is down.",
    "vtax_pool_size_processors": "Processors of the shared pool at that moment (psize).",
    "vtax_pool_available_processors": "Processors of the shared pool that nobody used (app).",
    "vtax_machine_power_watts": "Power that the machine drew since the sample before.",
    "vtax_requests_per_second": "Requests answered per simulated second since the sample before.",
    "vtax_requests_failed": "Requests that failed since the sample before.",
    "vtax_response_mean_seconds": "Mean response time since the sample before.",
    "vtax_response_p95_seconds": "95th percentile of the response time since the sample before.",
    "vtax_operation_event_timestamp_seconds": "When something became of an operation: Unix time.",
    "vtax_expectation_met": "1 if the scenario met the expectation, 0 if it missed it.",
    # The analysis
    "vtax_campaign_runs_planned": "Runs that the campaign needs, and those made beyond them.",
    "vtax_campaign_runs": "Runs by what became of them.",
    "vtax_campaign_margin_ratio": "Overhead that the campaign's claim holds small enough.",
    "vtax_overhead_ratio": "Overhead against the baseline: 0.05 is 5 % more.",
    "vtax_overhead_low_ratio": "Lower bound of the overhead's confidence interval.",
    "vtax_overhead_high_ratio": "Upper bound of the overhead's confidence interval.",
    "vtax_overhead_range_low_ratio": "Lower end of the overhead of one machine of that kind.",
    "vtax_overhead_range_high_ratio": "Upper end of the overhead of one machine of that kind.",
    "vtax_verdict": "1 for the outcome that the environment's verdict has, 0 for the others.",
}
"""Name -> what it means, in one sentence."""
