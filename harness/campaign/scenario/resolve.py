"""From a scenario as it is written to one that can run: names, times and quantities checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import units
from harness.campaign.configure import Context, configure
from harness.campaign.hypervisor_limits import Infeasible
from harness.campaign.scenario.check_names import ScenarioNames
from harness.campaign.scenario_script import (
    DIMENSIONS,
    OUTCOMES,
    POOL,
    REQUESTS,
    RESULTS,
    Action,
    Expectation,
    Reading,
    Rule,
    Script,
    Step,
    dimension_of,
)
from harness.campaign.schema import limits
from harness.campaign.schema.campaign import IDLE, Campaign, Factors
from harness.campaign.schema.messages import shown, suggest, value_error
from harness.campaign.schema.scenario import Beside, Scenario
from harness.campaign.schema.scenario import Expectation as Written
from harness.catalog import Catalog
from harness.errors import UserError
from harness.model.config import SystemConfiguration

SAMPLES = 200
"""How many samples a timeline has unless it is told."""


def with_machine(campaign: Campaign, table: Scenario | Beside, file: str) -> Campaign:
    """Put a scenario's machine in the place of the matrix.

    Raises
    ------
    UserError
        If the scenario has no partitions and the file neither.
    """
    own = isinstance(table, Beside)
    partitions = table.partitions if own or table.partitions is not None else campaign.partitions
    vios = table.vios if own or table.vios is not None else campaign.vios
    if not own and [partition.name for partition in partitions or ()] == ["none"]:
        raise UserError(f"{file}: partitions: is missing (neither here nor for the whole file)")
    factors = Factors.model_construct(
        machine=[table.machine],
        os=None if table.os is None or not partitions else [table.os],
        virtualization=[table.virtualization],
        workload=None if table.workload is None or not partitions else [table.workload],
    )
    update = {"factors": factors, "partitions": partitions, "vios": vios, "claim": None}
    return campaign.model_copy(update=update)


def system_of(context: Context, table: Scenario | Beside) -> SystemConfiguration:
    """Configure the machine that a scenario (or one of its further machines) speaks of.

    Raises
    ------
    UserError
        If the machine cannot hold what it shall.
    """
    try:
        system = configure(context, table.machine, table.os, table.virtualization, table.workload)
    except Infeasible as problem:
        raise UserError(f"{context.file}: {problem}") from None
    system = replace(system, lan=table.lan, san=table.san)
    active = table.active_cores if isinstance(table, Scenario) else None
    if active is None:
        return system
    used = sum(each.entitlement_cores for each in system.partitions)
    used += sum(each.entitlement_cores for each in system.vios)
    if active > system.machine.cores or active < used:
        raise value_error(
            context.file,
            "active_cores",
            active,
            f"must be between the {used:g} cores that are entitled and the "
            f"{system.machine.cores} that are installed",
        )
    return replace(system, machine=replace(system.machine, active_cores=active))


def script(
    scenario: Scenario,
    contexts: Mapping[str, Context],
    systems: Mapping[str, SystemConfiguration],
    catalog: Catalog,
    file: str,
    base: Path,
) -> Script:
    """Resolve everything of a scenario but its own system.

    Parameters
    ----------
    scenario
        As it is written.
    contexts, systems
        By what the scenario calls its machines, its own first.
    catalog
        Where constants are.
    file
        What messages call the place of the scenario.
    base
        The folder that policy files are relative to.

    Raises
    ------
    UserError
        One line about the first thing that is wrong.
    """
    cast = ScenarioNames(scenario, systems, catalog, file, base)
    duration = scenario.duration
    sample = duration / SAMPLES if scenario.sample is None else scenario.sample
    if duration > sample * limits.SAMPLES.most:
        raise value_error(
            file,
            "sample",
            f"{sample:g} s",
            f"gives more than {limits.SAMPLES.most:,} samples in {duration:g} s",
        )
    if sample > duration:
        raise value_error(
            file, "sample", f"{sample:g} s", f"longer than the duration of {duration:g} s"
        )
    steps = tuple(_steps(scenario, cast, file))
    rules = tuple(_rules(scenario, cast, file))
    cast.check_sequence(steps)
    names = [step.action.name for step in steps] + [rule.action.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise value_error(file, "step.name", name, "is taken; choose another")
    return Script(
        name=scenario.name,
        title=scenario.title,
        element=scenario.element,
        machine=scenario.site,
        other_machines={name: system for name, system in systems.items() if name != scenario.site},
        limits=dict(_limits(contexts)),
        sample_seconds=sample,
        steps=steps,
        rules=rules,
        expectations=tuple(
            _expectation(number, written, scenario, cast, names, file)
            for number, written in enumerate(scenario.expect)
        ),
    )


def _limits(contexts: Mapping[str, Context]) -> Iterator[tuple[str, dict[str, float]]]:
    for context in contexts.values():
        for table in context.campaign.partitions:
            found = table.limits.model_dump(exclude_none=True)
            named = {
                f"{key}_bytes" if key.endswith("memory") else key: value
                for key, value in found.items()
            }
            for name in table.names:
                if named:
                    yield name, named


def _steps(scenario: Scenario, cast: ScenarioNames, file: str) -> Iterator[Step]:
    earlier = 0.0
    for number, written in enumerate(scenario.step):
        key = f"step.{number if written.name is None else written.name}"
        if written.at > scenario.duration:
            raise value_error(
                file,
                f"{key}.at",
                f"{written.at:g} s",
                f"is beyond the scenario's duration of {scenario.duration:g} s",
            )
        if written.at < earlier:
            raise value_error(
                file,
                f"{key}.at",
                f"{written.at:g} s",
                f"comes before the step above it, at {earlier:g} s; write steps in order of time",
            )
        earlier = written.at
        name = str(number) if written.name is None else written.name
        values = cast.action(f"{key}.{written.kind}", written.kind, written.action)
        yield Step(written.at, Action(name, written.kind, values))


def _rules(scenario: Scenario, cast: ScenarioNames, file: str) -> Iterator[Rule]:
    for number, written in enumerate(scenario.rule):
        name = f"rule-{number}" if written.name is None else written.name
        key = f"rule.{number if written.name is None else written.name}"
        when = written.when
        if when.metric in (*OUTCOMES, "bill"):
            raise value_error(
                file, f"{key}.when.metric", when.metric, "cannot be observed all the time"
            )
        dimension = DIMENSIONS[when.metric]
        of = cast.subjects(f"{key}.when.of", when.metric, when.of)
        values = cast.action(f"{key}.{written.kind}", written.kind, written.action)

        def bound(which: str, written_bound: Any, place: str = key, kind: Any = dimension) -> Any:
            if written_bound is None:
                return None
            return _quantity(file, f"{place}.when.{which}", written_bound, kind)

        yield Rule(
            metric=when.metric,
            of=of,
            above=bound("above", when.above),
            below=bound("below", when.below),
            lasting_seconds=when.duration,
            times=written.times,
            action=Action(name, written.kind, values),
        )


def _expectation(
    number: int,
    written: Written,
    scenario: Scenario,
    cast: ScenarioNames,
    actions: Sequence[str],
    file: str,
) -> Expectation:
    key = f"expect.{number}"
    _check_step(key, written, actions, file)
    reading = Reading(
        metric=written.metric,
        of=()
        if written.step is not None
        else cast.subjects(f"{key}.of", written.metric, written.of),
        group=cast.group(f"{key}.group", written.group),
        step=written.step,
        key=written.key,
        begin_seconds=_interval(f"{key}.between", written.between, scenario, file)[0],
        end_seconds=_interval(f"{key}.between", written.between, scenario, file)[1],
        statistic=written.statistic,
    )
    relative_to = None
    dimension = dimension_of(written.metric, written.key)
    to = written.difference_from if written.to is None else written.to
    if to is not None:
        place = f"{key}.{'minus' if written.to is None else 'to'}"
        metric = written.metric if to.metric is None else to.metric
        begin, end = reading.begin_seconds, reading.end_seconds
        if to.between is not None:
            begin, end = _interval(f"{place}.between", to.between, scenario, file)
        relative_to = Reading(
            metric=metric,
            of=reading.of if to.of is None else cast.subjects(f"{place}.of", metric, to.of),
            group=reading.group if to.group is None else cast.group(f"{place}.group", to.group),
            step=reading.step,
            key=reading.key,
            begin_seconds=begin,
            end_seconds=end,
            statistic=reading.statistic,
        )
        dimension = "ratio" if written.to is not None else dimension

    def kind(quantity: object) -> str | None:
        # A result's number may do without its unit: it is in SI units then.
        return None if written.metric == "result" and not isinstance(quantity, str) else dimension

    relation = next(
        name for name in ("equals", "at_least", "at_most") if getattr(written, name) is not None
    )
    place = f"{key}.{relation}"
    expected = getattr(written, relation)
    constant = cast.constant(place, expected) if _names_constant(expected) else None
    value: float | str | None = None
    if written.metric == "status":
        value = cast.status(place, expected)
    elif constant is None:
        value = _quantity(file, place, expected, kind(expected))
    if constant is None and "times" in written.model_fields_set:
        allowed = f"is a factor on a constant, but {relation} names none"
        raise value_error(file, f"{key}.times", written.times, allowed)
    tolerance, part = _tolerance(
        f"{key}.tolerance", written.tolerance, kind(written.tolerance), file
    )
    if tolerance and (relation != "equals" or written.metric == "status"):
        allowed = "changes nothing without a number that equals expects; leave it out"
        raise value_error(file, f"{key}.tolerance", written.tolerance, allowed)
    rests = [*written.rests_on, *([constant] if constant else [])]
    return Expectation(
        name=written.name,
        reading=reading,
        each=written.each,
        relative_to=relative_to,
        difference=written.difference_from is not None,
        relation=relation.replace("_", "-"),
        expected=value,
        constant=constant,
        times=written.times,
        tolerance=tolerance,
        relative_tolerance=part,
        reason=written.reason,
        source=written.source,
        assumed=cast.assumed(f"{key}.rests_on", rests),
    )


def _check_step(key: str, written: Written, actions: Sequence[str], file: str) -> None:
    if written.metric in OUTCOMES:
        if written.step is None:
            raise UserError(
                f"{file}: {key}.step: is missing (metric = '{written.metric}' is of a step)"
            )
        if written.step not in actions:
            raise value_error(
                file, f"{key}.step", written.step, suggest(written.step, actions, "step")
            )
        if (written.metric == "result") != (written.key is not None):
            raise UserError(
                f"{file}: {key}.key: goes with metric = 'result', and with nothing else"
            )
        if written.key is not None and written.key not in RESULTS:
            raise value_error(
                file, f"{key}.key", written.key, suggest(written.key, RESULTS, "result")
            )
        if written.reason is not None and written.metric != "status":
            raise UserError(f"{file}: {key}.reason: goes with metric = 'status'")
        in_vain = ["of", "each", "group", "between", "statistic"]
        _refuse(
            file, key, written, in_vain + ["to", "difference_from"] * (written.metric == "status")
        )
        return
    if (written.metric == "bill") != (written.key is not None):
        raise UserError(f"{file}: {key}.key: goes with 'result' and 'bill', which need it")
    for name in ("step", "reason"):
        if getattr(written, name) is not None:
            raise value_error(
                file,
                f"{key}.{name}",
                getattr(written, name),
                f"goes with metric = {', '.join(OUTCOMES)}, not with '{written.metric}'",
            )
    if written.group is not None and written.metric not in REQUESTS:
        raise value_error(file, f"{key}.group", written.group, f"'{written.metric}' has no groups")
    if written.metric in REQUESTS:
        _refuse(file, key, written, ["statistic"])
    if written.metric == "bill":
        _refuse(file, key, written, ["statistic", "between"])
    for name in ("to", "difference_from"):
        other = getattr(written, name)
        metric = None if other is None else other.metric or written.metric
        if metric in (*OUTCOMES, "bill") and metric != written.metric:
            allowed = f"cannot be put in relation to '{written.metric}'"
            raise value_error(file, f"{key}.{name}.metric", metric, allowed)
        if metric is not None and other.group is not None and metric not in REQUESTS:
            raise value_error(file, f"{key}.{name}.group", other.group, f"'{metric}' has no groups")


def _refuse(file: str, key: str, written: Written, keys: Sequence[str]) -> None:
    """Refuse keys that say nothing about what is looked at."""
    try:
        written.refuse(keys, f"with metric = '{written.metric}'")
    except ValueError as error:
        raise UserError(f"{file}: {key}: {error}") from None


def _interval(
    key: str, written: Sequence[float] | None, scenario: Scenario, file: str
) -> tuple[float, float]:
    if written is None:
        return 0.0, scenario.duration
    begin, end = written
    text = f"{begin:g} s to {end:g} s"
    if end <= begin:
        raise value_error(file, key, text, "must end after it begins")
    if end > scenario.duration:
        raise value_error(
            file, key, text, f"is beyond the scenario's duration of {scenario.duration:g} s"
        )
    return begin, end


def _names_constant(written: object) -> bool:
    return isinstance(written, str) and "." in written and written[:1].isalpha()


def _quantity(file: str, key: str, written: object, dimension: str | None) -> float:
    """Read a quantity of a dimension, or of any if there is none."""
    if isinstance(written, bool) or not isinstance(written, (str, int, float)):
        raise value_error(file, key, written, "must be a number, with its unit where it has one")
    try:
        if dimension is not None:
            return units.read(written, dimension)
        if not isinstance(written, str):
            return float(written)
        number, _, unit = written.strip().partition(" ")
        return units.to_si(float(number), unit.strip())[0]
    except ValueError as error:
        raise value_error(file, key, written, str(error)) from None


def _tolerance(key: str, written: object, dimension: str | None, file: str) -> tuple[float, bool]:
    if isinstance(written, str) and written.strip().endswith("%"):
        return _quantity(file, key, written, "ratio"), True
    if written == 0:
        return 0.0, False
    return _quantity(file, key, written, dimension), False


def workload_names(campaign: Campaign) -> list[str]:
    """List the workloads that a staged campaign names, without the idle one."""
    named = [*(campaign.factors.workload or ()), *(p.workload for p in campaign.partitions)]
    return sorted({name for name in named if name is not None and name != IDLE})


__all__ = ["POOL", "SAMPLES", "script", "shown", "system_of", "with_machine", "workload_names"]
