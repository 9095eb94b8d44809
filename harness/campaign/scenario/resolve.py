"""From a scenario as it is written to one that can run: names, times and quantities checked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.campaign.configure import Context, configure
from harness.campaign.hypervisor_limits import Infeasible
from harness.campaign.scenario.check_names import STATUSES, ScenarioNames
from harness.campaign.schema import limits
from harness.campaign.schema.campaign import Campaign, Factors
from harness.campaign.schema.messages import check_name, value_error
from harness.campaign.schema.metrics import (
    ACTION,
    CAUSES,
    MACHINE,
    METRICS,
    REQUESTS,
    RESULTS,
    dimension_of,
    names_of,
)
from harness.campaign.schema.scenario import (
    Condition,
    Expectation,
    OtherMachine,
    Reference,
    Rule,
    Scenario,
    Step,
)
from harness.campaign.script import Script
from harness.catalog import Catalog
from harness.errors import UserError
from harness.model.config import SystemConfiguration
from harness.units import read_quantity, to_si

SAMPLES = 200
"""How many samples a timeline has by default."""


def with_machine(campaign: Campaign, table: Scenario | OtherMachine, file: str) -> Campaign:
    """Return the campaign with a scenario's machine as its only cell.

    Raises
    ------
    UserError
        If neither the scenario nor the file has partitions.
    """
    own = isinstance(table, OtherMachine)
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


def system_of(context: Context, table: Scenario | OtherMachine) -> SystemConfiguration:
    """Configure the machine of a scenario, or one of its further machines.

    Raises
    ------
    UserError
        If the partitions do not fit into the machine.
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


def resolve(
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
    names = ScenarioNames(scenario, systems, catalog, file, base)
    duration = scenario.duration
    sample = duration / SAMPLES if scenario.sample is None else scenario.sample
    if duration > sample * limits.SAMPLES.most:
        allowed = f"gives more than {limits.SAMPLES.most:,} samples in {duration:g} s"
        raise value_error(file, "sample", f"{sample:g} s", allowed)
    if sample > duration:
        allowed = f"longer than the duration of {duration:g} s"
        raise value_error(file, "sample", f"{sample:g} s", allowed)
    steps = _steps(scenario, names)
    rules = [_rule(number, rule, names) for number, rule in enumerate(scenario.rule)]
    names.check_sequence(steps)
    actions = [str(step.name) for step in steps] + [str(rule.name) for rule in rules]
    for name in actions:
        if actions.count(name) > 1:
            raise value_error(file, "step.name", name, "is taken; choose another")
    resolved = {
        "sample": sample,
        "step": steps,
        "rule": rules,
        "expect": [
            _expectation(f"expect.{number}", written, scenario, names, actions)
            for number, written in enumerate(scenario.expect)
        ],
    }
    return Script.model_construct(
        **(dict(scenario) | resolved),
        other_machines={name: system for name, system in systems.items() if name != scenario.site},
        limits=_limits(contexts),
        policies=names.policies,
    )


def _limits(contexts: Mapping[str, Context]) -> dict[str, dict[str, float]]:
    limits = {}
    for context in contexts.values():
        for table in context.campaign.partitions:
            written = table.limits.model_dump(exclude_none=True)
            named = {
                f"{key}_bytes" if key.endswith("memory") else key: value
                for key, value in written.items()
            }
            if named:
                limits.update(dict.fromkeys(table.names, named))
    return limits


def _steps(scenario: Scenario, names: ScenarioNames) -> list[Step]:
    steps: list[Step] = []
    earlier = 0.0
    for number, written in enumerate(scenario.step):
        name = str(number) if written.name is None else written.name
        key = f"step.{name}"
        if written.at > scenario.duration:
            allowed = f"is beyond the scenario's duration of {scenario.duration:g} s"
            raise value_error(names.file, f"{key}.at", f"{written.at:g} s", allowed)
        if written.at < earlier:
            allowed = (
                f"comes before the step above it, at {earlier:g} s; write steps in order of time"
            )
            raise value_error(names.file, f"{key}.at", f"{written.at:g} s", allowed)
        earlier = written.at
        action = names.action(f"{key}.{written.kind}", written.kind, written.action)
        steps.append(written.model_copy(update={"name": name, written.kind: action}))
    return steps


def _rule(number: int, written: Rule, names: ScenarioNames) -> Rule:
    name = f"rule-{number}" if written.name is None else written.name
    key = f"rule.{number if written.name is None else written.name}"
    when: Condition = written.when
    if METRICS[when.metric].of == ACTION or when.metric == "bill":
        allowed = "cannot be observed all the time"
        raise value_error(names.file, f"{key}.when.metric", when.metric, allowed)
    update: dict[str, object] = {"of": names.subjects(f"{key}.when.of", when.metric, when.of)}
    action = names.action(f"{key}.{written.kind}", written.kind, written.action)
    for bound in ("above", "below"):
        value = getattr(when, bound)
        if value is not None:
            dimension = METRICS[when.metric].dimension
            update[bound] = _quantity(names.file, f"{key}.when.{bound}", value, dimension)
    when = when.model_copy(update=update)
    return written.model_copy(update={"name": name, "when": when, written.kind: action})


def _expectation(
    key: str,
    written: Expectation,
    scenario: Scenario,
    names: ScenarioNames,
    actions: Sequence[str],
) -> Expectation:
    file, metric = names.file, written.metric
    _check_step(key, written, actions, file)
    update: dict[str, object] = {
        "of": [] if written.step else names.subjects(f"{key}.of", metric, written.of),
        "between": _interval(f"{key}.between", written.between, scenario, file),
    }
    names.check_group(f"{key}.group", written.group)
    dimension = dimension_of(metric, written.key)
    for name in ("to", "difference_from"):
        other = getattr(written, name)
        if other is not None:
            update[name] = _reference(f"{key}.{name}", metric, other, scenario, names)
    if written.to is not None:
        dimension = "ratio"

    def kind(quantity: object) -> str | None:
        # A result's number may do without its unit: it is in SI units then.
        return None if metric == "result" and not isinstance(quantity, str) else dimension

    relation, expected = written.relation, written.expected
    place = f"{key}.{relation}"
    rests_on = list(written.rests_on)
    if _names_constant(expected):
        names.check_number(place, expected)
        rests_on.append(expected)
    if metric == "status":
        names.check(place, str(expected), STATUSES, "status")
    elif not _names_constant(expected):
        update[relation] = _quantity(file, place, expected, kind(expected))
    if not _names_constant(expected) and "times" in written.model_fields_set:
        allowed = f"is a factor on a constant, but {relation} names none"
        raise value_error(file, f"{key}.times", written.times, allowed)
    tolerance = written.tolerance
    in_percent = isinstance(tolerance, str) and tolerance.strip().endswith("%")
    if in_percent or tolerance != 0:
        quantity = "ratio" if in_percent else kind(tolerance)
        value = _quantity(file, f"{key}.tolerance", tolerance, quantity)
        if value and (relation != "equals" or metric == "status"):
            allowed = "has no effect without a number that equals expects; leave it out"
            raise value_error(file, f"{key}.tolerance", tolerance, allowed)
        update["tolerance"] = tolerance if in_percent else value
    update["rests_on"] = names.assumed(f"{key}.rests_on", rests_on)
    return written.model_copy(update=update)


def _reference(
    key: str, metric: str, written: Reference, scenario: Scenario, names: ScenarioNames
) -> Reference:
    update: dict[str, object] = {}
    second = written.metric or metric
    another_kind = (METRICS[second].of == MACHINE) != (METRICS[metric].of == MACHINE)
    if written.of is not None or another_kind:
        update["of"] = names.subjects(f"{key}.of", second, written.of)
    if written.between is not None:
        update["between"] = _interval(f"{key}.between", written.between, scenario, names.file)
    names.check_group(f"{key}.group", written.group)
    return written.model_copy(update=update)


def _check_step(key: str, written: Expectation, actions: Sequence[str], file: str) -> None:
    """Check that an expectation has the keys that its metric needs, and no others."""
    metric, of = written.metric, METRICS[written.metric].of
    if written.over_runs is not None:
        _refuse(file, key, written, ["over_runs"] * (metric == "status"))
        if written.each:
            raise UserError(f"{file}: {key}: has each and over_runs; leave one of them out")
    if of == ACTION:
        if written.step is None:
            raise UserError(f"{file}: {key}.step: is missing (metric = '{metric}' is of a step)")
        check_name(file, f"{key}.step", written.step, actions, "step")
        if (metric == "result") != (written.key is not None):
            raise UserError(f"{file}: {key}.key: goes with metric = 'result' only, which needs it")
        if written.key is not None:
            check_name(file, f"{key}.key", written.key, RESULTS, "result")
        if written.reason is not None and metric != "status":
            raise UserError(f"{file}: {key}.reason: goes with metric = 'status'")
        unused = ["of", "each", "group", "between", "statistic"]
        _refuse(file, key, written, unused + ["to", "difference_from"] * (metric == "status"))
        return
    if metric == "processor-time":
        if written.key is not None:
            check_name(file, f"{key}.key", written.key, CAUSES, "cause")
        _refuse(file, key, written, ["statistic"])
    elif (metric == "bill") != (written.key is not None):
        raise UserError(
            f"{file}: {key}.key: goes with 'result' and 'bill', which need it, and 'processor-time'"
        )
    for name in ("step", "reason"):
        if getattr(written, name) is not None:
            known = ", ".join(names_of(ACTION))
            allowed = f"goes with metric = {known}, not with '{metric}'"
            raise value_error(file, f"{key}.{name}", getattr(written, name), allowed)
    if written.group is not None and of != REQUESTS:
        raise value_error(file, f"{key}.group", written.group, f"'{metric}' has no groups")
    if of == REQUESTS:
        _refuse(file, key, written, ["statistic"])
    if metric == "bill":
        _refuse(file, key, written, ["statistic", "between"])
    for name in ("to", "difference_from"):
        other = getattr(written, name)
        if other is None:
            continue
        second = other.metric or metric
        if (METRICS[second].of == ACTION or second == "bill") and second != metric:
            allowed = f"cannot be put in relation to '{metric}'"
            raise value_error(file, f"{key}.{name}.metric", second, allowed)
        if other.key is not None:
            if second != "processor-time":
                allowed = f"goes with metric = 'processor-time', not with '{second}'"
                raise value_error(file, f"{key}.{name}.key", other.key, allowed)
            check_name(file, f"{key}.{name}.key", other.key, CAUSES, "cause")
        if other.group is not None and METRICS[second].of != REQUESTS:
            raise value_error(file, f"{key}.{name}.group", other.group, f"'{second}' has no groups")


def _refuse(file: str, key: str, written: Expectation, keys: Sequence[str]) -> None:
    """Refuse keys that the metric does not use."""
    try:
        written.refuse(keys, f"with metric = '{written.metric}'")
    except ValueError as error:
        raise UserError(f"{file}: {key}: {error}") from None


def _interval(
    key: str, written: Sequence[float] | None, scenario: Scenario, file: str
) -> list[float]:
    if written is None:
        return [0.0, scenario.duration]
    begin, end = written
    text = f"{begin:g} s to {end:g} s"
    if end <= begin:
        raise value_error(file, key, text, "must end after it begins")
    if end > scenario.duration:
        allowed = f"is beyond the scenario's duration of {scenario.duration:g} s"
        raise value_error(file, key, text, allowed)
    return [begin, end]


def _names_constant(written: object) -> bool:
    return isinstance(written, str) and "." in written and written[:1].isalpha()


def _quantity(file: str, key: str, written: object, dimension: str | None) -> float:
    """Read a quantity of a dimension, or of any if there is none."""
    if isinstance(written, bool) or not isinstance(written, (str, int, float)):
        raise value_error(file, key, written, "must be a number, with its unit where it has one")
    try:
        if dimension is not None:
            return read_quantity(written, dimension)
        if not isinstance(written, str):
            return float(written)
        number, _, unit = written.strip().partition(" ")
        return to_si(float(number), unit.strip())[0]
    except ValueError as error:
        raise value_error(file, key, written, str(error)) from None
