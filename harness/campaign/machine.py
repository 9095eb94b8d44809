"""The machine of a cell: the catalog's, with the changes of the campaign file."""

from dataclasses import replace
from math import isclose
from typing import Any

from harness.campaign.schema.campaign import Campaign, Machine
from harness.campaign.schema.messages import value_error
from harness.catalog import Catalog, Constants, SoldConfiguration
from harness.errors import UserError
from harness.model.config import MachineConfiguration

_KEYS = {
    "type": "model",
    "generation": "generation",
    "cores": "cores",
    "clock": "clock_hz",
    "memory": "memory_bytes",
}
"""Key of the campaign file -> field of the configuration."""


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
    table = campaign.machines.get(name, Machine())
    prefix = f"machines.{name}"
    written: dict[str, Any] = {
        field: getattr(table, key)
        for key, field in _KEYS.items()
        if getattr(table, key) is not None
    }
    if name in catalog.machines:
        machine = replace(_shipped(name, constants), **written)
    else:
        lacking = [key for key, field in _KEYS.items() if field not in written]
        if lacking:
            raise UserError(
                f"{file}: {prefix}.{lacking[0]}: is missing ('{name}' is no machine of the catalog "
                "that it could come from)"
            )
        machine = MachineConfiguration(name=name, **written)
    if table.hypothetical:
        return machine
    sold = [entry for known in catalog.machines for entry in catalog.sold(known)]
    generations = [
        entry.generation
        for entry in sold
        if entry.model == machine.model
        and machine.cores in entry.cores
        and isclose(entry.clock_hz, machine.clock_hz, rel_tol=1e-6)
    ]
    follows = table.generation is None and bool(written)
    if follows and generations and machine.generation not in generations:
        machine = replace(machine, generation=generations[0])
    if machine.generation not in generations:
        raise _not_sold(prefix, file, machine, sold)
    return machine


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


def _not_sold(
    prefix: str, file: str, machine: MachineConfiguration, sold: list[SoldConfiguration]
) -> UserError:
    alike = [entry for entry in sold if entry.model == machine.model]
    found = f"{machine.model} {machine.generation} {machine.cores} @ {machine.clock_hz / 1e9:g} GHz"
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
