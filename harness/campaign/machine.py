"""The machine of a cell: the catalog's, with what the campaign file says of it."""

from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.messages import value_error
from harness.catalog import Catalog, Constants, SoldConfiguration
from harness.errors import UserError
from harness.model.config import MachineConfiguration


def resolve_machine(
    name: str, campaign: Campaign, catalog: Catalog, constants: Constants, file: str
) -> MachineConfiguration:
    """Put together the catalog's machine and the campaign's table of that name.

    Raises
    ------
    UserError
        If something is missing, or the machine was never sold like that and is not marked as
        hypothetical.
    """
    table = campaign.machines.get(name)
    prefix = f"machines.{name}"
    shipped = name in catalog.machines
    if table is None:
        return _shipped(name, constants)
    if not shipped:
        lacking = [
            key
            for key in ("type", "generation", "cores", "clock", "memory")
            if getattr(table, key) is None
        ]
        if lacking:
            raise UserError(
                f"{file}: {prefix}.{lacking[0]}: is missing ('{name}' is no machine of the "
                "catalog that it could come from)"
            )
    base = _shipped(name, constants) if shipped else None
    model = table.type or (base.model if base else "")
    cores = table.cores or (base.cores if base else 0)
    clock = table.clock or (base.clock_hz if base else 0.0)
    generation = table.generation or (base.generation if base else "")
    if not table.hypothetical:
        machines = catalog.machines
        sold = [entry for machine in machines for entry in catalog.sold(machine)]
        fitting = [
            entry
            for entry in sold
            if entry.model == model and cores in entry.cores and _same(entry.clock_hz, clock)
        ]
        generations = [entry.generation for entry in fitting]
        if table.generation is None and generation not in generations and generations:
            generation = generations[0]
        if generation not in generations:
            raise _not_sold(prefix, file, model, generation, cores, clock, sold)
    return MachineConfiguration(
        name=name,
        model=model,
        generation=generation,
        cores=cores,
        clock_hz=clock,
        memory_bytes=table.memory or (base.memory_bytes if base else 0),
    )


def _shipped(name: str, constants: Constants) -> MachineConfiguration:
    prefix = f"machines.{name}"
    return MachineConfiguration(
        name=name,
        model=constants.text(f"{prefix}.model"),
        generation=constants.text(f"{prefix}.generation"),
        cores=int(constants.number(f"{prefix}.cores")),
        clock_hz=constants.number(f"{prefix}.clock"),
        memory_bytes=int(constants.number(f"{prefix}.memory")),
    )


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 1e-6 * one


def _not_sold(
    prefix: str,
    file: str,
    model: str,
    generation: str,
    cores: int,
    clock: float,
    sold: list[SoldConfiguration],
) -> UserError:
    alike = [entry for entry in sold if entry.model == model]
    found = f"{model} {generation} {cores} @ {clock / 1e9:g} GHz"
    if alike:
        allowed = "sold were " + "; ".join(
            f"{entry.generation} {','.join(map(str, entry.cores))} @ {entry.clock_hz / 1e9:g} GHz"
            for entry in alike
        )
    else:
        allowed = "known types are " + ", ".join(sorted({entry.model for entry in sold}))
    return value_error(
        file, prefix, found, f"was never sold; {allowed}; or write hypothetical = true"
    )
