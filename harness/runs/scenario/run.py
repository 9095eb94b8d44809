"""One run of a scenario: machines, users, actions, timeline and checks."""

import math
from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

import simpy
from locust.env import Environment

from harness.campaign.cell import RunSpec
from harness.campaign.isolation import isolated
from harness.campaign.scenario.check_names import vios_labels
from harness.campaign.schema.actions import Actions
from harness.campaign.schema.scenario import Expectation, Rule
from harness.campaign.script import Script
from harness.engine.clock import Clock, to_ns
from harness.metrics.mark import mark
from harness.metrics.observer import Observation
from harness.model.config import SystemConfiguration
from harness.model.machine import Machine
from harness.operations.operation import Limits, Site, Status, carry_out
from harness.results.run_result import OperationEvent, RunResult
from harness.runs.run_cell import result_since, run_cell
from harness.runs.scenario.actions import Users, operation_for, results_of
from harness.runs.scenario.checks import Outcome, Reader, check
from harness.runs.scenario.timeline import Timeline
from harness.users.population import UserPopulation, forward_requests, locust_on
from harness.users.real_time_guard import without_real_time
from harness.users.watchdog import Watchdog


def run(spec: RunSpec) -> RunResult:
    """Carry out one run, of a cell of the matrix or of a scenario."""
    return run_cell(spec) if spec.cell.scenario is None else run_scenario(spec)


@isolated
def run_scenario(spec: RunSpec) -> RunResult:
    """Carry out one run of a scenario on the simulated clock."""
    script = spec.cell.scenario
    assert script is not None
    clock = Clock()
    systems = {script.site: spec.system, **script.other_machines}
    machines = {name: Machine(clock, system, spec.constants) for name, system in systems.items()}
    environment = Environment(catch_exceptions=False)
    forward_requests(environment)
    observation = Observation(machines[script.site], environment)
    population = UserPopulation(clock, environment, spec.seed, spec.replication)
    partitions = [partition.name for system in systems.values() for partition in system.partitions]
    labels = dict(vios_labels(systems))
    timeline = Timeline(clock, environment, machines, partitions, labels, spec.constants)
    needs: dict[str, int] = {}

    usual = spec.constants.number("operations.plm.memory_needed")

    def memory_in_use(partition: str) -> int:
        owned = site.machine_of(partition).capacity.memory_bytes[partition]
        return min(owned, needs.get(partition, round(usual * owned)))

    site = Site(
        clock,
        machines,
        spec.constants,
        limits={name: Limits(**_limits(values)) for name, values in script.limits.items()},
        fail_requests=population.fail,
        memory_in_use=memory_in_use,
    )
    users = Users(population, spec.base, needs)
    runner = ScenarioRunner(script, site, users, timeline, _sizes(systems))
    starts = spec.starts.timestamp()
    with Watchdog(clock), locust_on(clock, clock.fail), without_real_time(clock, starts):
        try:
            for name, system in systems.items():
                for partition in system.partitions:
                    for group in partition.groups:
                        users.add(machines[name], partition.name, group)
            start = mark(observation)
            runner.perform(spec.cell.duration_seconds)
            result = result_since(observation, start, True)
        finally:
            population.dismiss()
    result.timeline = timeline.points()
    result.operations = [
        OperationEvent(event.seconds, event.operation, str(event.status), event.reason)
        for event in site.timeline
    ]
    result.checks = [
        check(expectation, runner.reader, spec.constants) for expectation in script.expect
    ]
    return result


class ScenarioRunner:
    """Carries out the steps and rules of a scenario."""

    def __init__(
        self,
        script: Script,
        site: Site,
        users: Users,
        timeline: Timeline,
        sizes: Mapping[tuple[str, str], float],
    ) -> None:
        self.script = script
        self.site = site
        self.users = users
        self.timeline = timeline
        self.outcomes: dict[str, Outcome] = {}
        self.reader = Reader(
            timeline,
            self.outcomes,
            sizes,
            lambda machine, kind: float(site.on_demand_of(machine).billed(kind)),
        )
        self._since_ns: dict[int, int | None] = {}
        self._acted: dict[int, int] = {}

    def perform(self, duration_seconds: float) -> None:
        """Run the simulation; a step comes after a sample of the same time."""
        clock = self.site.clock
        for step in self.script.step:
            clock.call_in(to_ns(step.at), partial(self._begin, step, str(step.name)))
        for time_ns in self._sample_times(to_ns(duration_seconds)):
            clock.run_until(time_ns)
            self.timeline.sample()
            for number, rule in enumerate(self.script.rule):
                self._consider(number, rule)

    def _sample_times(self, duration_ns: int) -> list[int]:
        """Take samples at equal distances, and where an expectation begins or ends."""
        every_ns = max(1, to_ns(self.script.sample or 0.0))
        times = {*range(every_ns, duration_ns, every_ns), duration_ns}
        for expectation in self.script.expect:
            for each in (expectation, expectation.reference):
                if each is not None:
                    times.update(map(to_ns, each.between or ()))
        return sorted(time for time in times if 0 < time <= duration_ns)

    # Actions

    def _begin(self, action: Actions, name: str) -> None:
        self.site.clock.process(self._carry_out(action, name))

    def _carry_out(self, action: Actions, name: str) -> Generator[simpy.Event, Any, None]:
        site = self.site
        operation = operation_for(action, self.users, self.timeline.labels)
        outcome = self.outcomes[name] = Outcome(site.clock.now_ns / 1e9)
        status = yield carry_out(site, operation)
        outcome.status = str(status)
        outcome.ended_seconds = site.clock.now_ns / 1e9
        text = operation.describe()
        if status is not Status.DONE:
            outcome.reason = next(
                event.reason for event in reversed(site.timeline) if event.operation == text
            )
        outcome.results = results_of(operation)

    # Rules

    def _consider(self, number: int, rule: Rule) -> None:
        """Act if what a rule waits for has held long enough."""
        if self._acted.get(number, 0) >= rule.times:
            return
        when, times = rule.when, self.timeline.times_ns
        between = [times[-2] / 1e9, times[-1] / 1e9]
        reading = Expectation.model_construct(
            name={}, source="", metric=when.metric, of=when.of, between=between, statistic="last"
        )
        value = self.reader.read(reading)
        above = -math.inf if when.above is None else float(when.above)
        below = math.inf if when.below is None else float(when.below)
        holds = isinstance(value, float | int) and above < value < below
        now_ns = self.site.clock.now_ns
        if not holds:
            self._since_ns[number] = None
            return
        # What a sample says holds for the whole time since the one before.
        since_ns = self._since_ns.get(number)
        if since_ns is None:
            since_ns = self._since_ns[number] = times[-2]
        if now_ns - since_ns >= to_ns(when.duration):
            acted = self._acted[number] = self._acted.get(number, 0) + 1
            self._since_ns[number] = None
            self._begin(rule, str(rule.name) if acted == 1 else f"{rule.name}-{acted}")


def _sizes(systems: Mapping[str, SystemConfiguration]) -> dict[tuple[str, str], float]:
    """Return the bytes of one transfer of each group of users that has a size."""
    return {
        (partition.name, group.name): float(size)
        for system in systems.values()
        for partition in system.partitions
        for group in partition.groups
        if isinstance(size := group.demand.get("size"), int | float)
    }


def _limits(values: Mapping[str, float]) -> dict[str, Any]:
    whole = ("memory_bytes", "virtual_processors")
    return {key: int(v) if key.endswith(whole) else v for key, v in values.items()}
