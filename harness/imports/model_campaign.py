"""A campaign that models the partitions of an import.

Settings (entitlement, virtual processors, weight, mode) are the measured ones. The load is set so
that the users ask for the measured processors (physc); what else the system did is not known. So
the processors consumed are given to the model, while dispatches and phantom interrupts are
predicted by it.
"""

import math
import os
import re
from pathlib import Path
from typing import Any

import tomli_w

from harness.catalog import Catalog, load_catalog
from harness.errors import UserError, suggest
from harness.files import write_bytes, writing
from harness.imports.results import UNSTATED, Import, Measured, run_result

DEMAND_SECONDS = 0.005
"""Processor time of a modelled transaction at 1.65 GHz, as of the catalog's commercial ones."""

_DEMAND_HERTZ = 1.65e9
_LEAST_RATE = 0.1
"""Fewest arrivals per second: a partition that does nothing asks for no more."""

_VALUES = {
    "physc_cores": ("physc_cores", False),
    "dispatches_per_second": ("dispatches_total", True),
    "phantom_interrupts_per_second": ("phantom_interrupts_total", True),
}
"""Key of the campaign file -> measure of a partition, and whether it is a count."""

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def write_campaign(found: Import, name: str, path: Path, machine: str, calls: Path | None) -> Path:
    """Write the campaign's file and return its path.

    Parameters
    ----------
    found
        The import.
    name
        Name of the import; the campaign's is that with ``-model``.
    path
        The file.
    machine
        Machine of the catalog; empty: the one of the type that the files state.
    calls
        Catalog file with the times of hypervisor calls, if there is one.

    Raises
    ------
    UserError
        If no partition states enough, the machine is not known, or the file cannot be written.
    """
    measured = {each.name: _values(found, each) for each in found.partitions.values()}
    partitions = [
        each
        for each in found.partitions.values()
        if each.virtualization != UNSTATED
        and {"entitlement_cores", "virtual_processors"} <= each.settings.keys()
        and "physc_cores" in measured[each.name]
    ]
    if not partitions:
        raise UserError(
            "--as-campaign: no partition states its type, mode, entitlement, virtual processors "
            "and processors consumed (physc); import 'lparstat -i' of it, too"
        )
    catalog = load_catalog()
    chosen = machine or _machine(partitions, catalog)
    if chosen not in catalog.machines:
        raise UserError(f"--machine {chosen}: {suggest(chosen, catalog.machines, 'machine')}")
    document = _document(found, partitions, measured, f"{name}-model", chosen, catalog)
    if calls is not None:
        document["campaign"]["catalog"] = [os.path.relpath(calls, path.parent)]
    left_out = [each.name for each in found.partitions.values() if each not in partitions]
    comments = [
        f"Partitions of an import ({name}) on a modelled machine.",
        "Arrivals ask for the processors that were consumed; that a transaction takes "
        f"{DEMAND_SECONDS * 1e3:g} ms and calls nothing is an assumption.",
        "[measured] stands beside the model's values in the report.",
    ]
    if left_out:
        comments.append(f"Left out, because they state too little: {', '.join(left_out)}.")
    text = "".join(f"# {line}\n" for line in comments) + "\n" + tomli_w.dumps(document)
    with writing(path):
        write_bytes(path, text.encode())
    return path


def _values(found: Import, partition: Measured) -> dict[str, float]:
    """Return means over all files of a partition, weighted by their length."""
    sums: dict[str, float] = {}
    weights: dict[str, float] = {}
    for recording in partition.recordings:
        measures = run_result(recording, partition, found.starts).measures()
        seconds = measures.measured_seconds
        for name, (measure, counted) in _VALUES.items():
            value = measures.partitions.get(partition.name, {}).get(measure)
            if value is None or (counted and not seconds):
                continue
            sums[name] = sums.get(name, 0.0) + (value if counted else value * (seconds or 1.0))
            weights[name] = weights.get(name, 0.0) + (seconds or 1.0)
    return {name: sums[name] / weights[name] for name in sums}


def _machine(partitions: list[Measured], catalog: Catalog) -> str:
    """Return the machine of the catalog that was sold as the type that the files state."""
    stated = sorted({str(each.settings.get("machine", "")) for each in partitions} - {""})
    for name in catalog.machines:
        if any(each.model in text for each in catalog.sold(name) for text in stated):
            return name
    known = f"{', '.join(stated)} is in no catalog" if stated else "no file states the machine"
    raise UserError(
        f"--as-campaign: {known}; add --machine with one of {', '.join(catalog.machines)}"
    )


def _document(
    found: Import,
    partitions: list[Measured],
    measured: dict[str, dict[str, float]],
    name: str,
    machine: str,
    catalog: Catalog,
) -> dict[str, Any]:
    nominal = catalog.nominal()
    clocks = [each.settings.get("clock_hertz") for each in partitions]
    clock = next(
        (each for each in clocks if isinstance(each, float)),
        nominal.number(f"machines.{machine}.clock"),
    )
    pools = [each.settings.get("pool_processors") for each in partitions]
    needed = math.ceil(sum(_number(each, "entitlement_cores") for each in partitions))
    cores = max([needed, *(int(each) for each in pools if isinstance(each, float))])
    names = {each.name: _UNFIT.sub("-", each.name).strip("-_") or "p" for each in partitions}
    names = {key: value if value[0].isalpha() else f"p{value}" for key, value in names.items()}
    begins, ends = (
        [each for file in found.files if (each := file[key])] for key in ("first", "last")
    )
    when = f"{min(begins)} to {max(ends)}" if begins else "times not stated"
    formats = ", ".join(dict.fromkeys(file["format"] for file in found.files))
    return {
        "campaign": {
            "name": name[:64],
            "title": {"en": f"Model of {name.removesuffix('-model')}"},
            "duration": "10 s",
            "warm_up": "1 s",
            "replications": 5,
        },
        "factors": {
            "machine": [machine],
            "os": ["aix-5.3"],
            "virtualization": ["shared-uncapped"],
        },
        "machines": {
            machine: {"cores": cores, "clock": f"{clock / 1e9:g} GHz", "hypothetical": True}
        },
        "partitions": [_partition(each, names[each.name]) for each in partitions],
        "workloads": {
            names[each.name]: _workload(measured[each.name]["physc_cores"], clock)
            for each in partitions
        },
        "measured": {
            names[each.name]: {
                "source": f"{formats}: {when}",
                **{key: float(f"{value:.6g}") for key, value in measured[each.name].items()},
            }
            for each in partitions
        },
    }


def _number(partition: Measured, name: str) -> float:
    value = partition.settings[name]
    return value if isinstance(value, float) else 0.0


def _partition(partition: Measured, name: str) -> dict[str, Any]:
    entitlement = _number(partition, "entitlement_cores")
    if partition.virtualization == "dedicated":
        share: dict[str, Any] = {"cores": max(1, round(entitlement))}
    else:
        share = {
            "entitlement": round(entitlement, 2),
            "virtual_processors": int(_number(partition, "virtual_processors")),
        }
        weight = partition.settings.get("weight")
        if partition.virtualization == "shared-uncapped" and isinstance(weight, float):
            share["weight"] = int(weight)
    return {
        "name": name,
        "workload": name,
        "virtualization": partition.virtualization,
        **share,
    }


def _workload(physc: float, clock: float) -> dict[str, Any]:
    rate = max(_LEAST_RATE, physc / (DEMAND_SECONDS * _DEMAND_HERTZ / clock))
    return {
        "user": "workloads/cpu.py:IntegerCompute",
        "arrivals": f"{rate:.6g} /s",
        "demand": {"processor": f"{DEMAND_SECONDS * 1e3:g} ms", "variation": 1.0},
    }
