"""``lparstat -i``: the settings of a partition, a name and a value in each line."""

from collections.abc import Callable, Mapping

from harness.imports.recording import Fact, Recording
from harness.imports.text import first_number, size_bytes

NAME = "lparstat -i"

_NUMBERS = {
    "Entitled Capacity": "entitlement_cores",
    "Online Virtual CPUs": "virtual_processors",
    "Variable Capacity Weight": "weight",
    "Active CPUs in Pool": "pool_processors",
    "Active Physical CPUs in system": "machine_cores",
}
_KNOWN = ("Node Name", "Partition Name", "Type", "Mode", "Online Memory", *_NUMBERS)


def is_lparstat_i(text: str) -> bool:
    """Whether a text is output of ``lparstat -i``."""
    names = {line.partition(":")[0].strip() for line in text.splitlines()}
    return "Entitled Capacity" in names and bool(names & {"Type", "Mode", "Partition Name"})


def read_lparstat_i(text: str) -> list[Recording]:
    """Read the output of ``lparstat -i``."""
    recording = Recording(NAME)
    lines = text.splitlines()
    recording.lines = len(lines)
    for place, line in enumerate(lines, 1):
        if ":" in line:
            read_fact(recording, line)
        elif line.strip():
            recording.breaks(place, "is no name and value")
    return [recording]


def read_fact(recording: Recording, line: str) -> None:
    """Read one line of ``lparstat -i``."""
    name, _, value = (part.strip() for part in line.partition(":"))
    facts = recording.facts
    found = first_number(value)
    memory = size_bytes(value)
    if name == "Partition Name" or (name == "Node Name" and not recording.partition):
        recording.partition = value
    elif name == "Type":
        facts |= _type(value)
    elif name == "Mode":
        facts["mode"] = value.lower()
    elif name == "Online Memory" and memory is not None:
        facts["memory_bytes"] = memory
    elif name in _NUMBERS and found is not None:
        facts[_NUMBERS[name]] = found
    elif name not in _KNOWN:
        recording.unknown[f"setting {name}"] += 1


def _type(value: str) -> dict[str, Fact]:
    """Read a type such as ``Shared-SMT-4``."""
    kind, *rest = value.lower().split("-")
    facts: dict[str, Fact] = {"type": kind}
    if rest[:1] == ["smt"]:
        facts["threads"] = float(rest[1]) if rest[1:] and rest[1].isdigit() else 2.0
    return facts


def standard_facts(
    settings: Mapping[str, str], size: Callable[[str], float | None]
) -> dict[str, Fact]:
    """Return the facts in the line ``System configuration`` of lparstat.

    ``smt=On`` means two threads: later processors, with more, have the number there.
    """
    facts: dict[str, Fact] = {
        name: settings[name].lower() for name in ("type", "mode") if name in settings
    }
    smt = settings.get("smt", "")
    if smt:
        facts["threads"] = {"on": 2.0, "off": 1.0}.get(smt.lower()) or first_number(smt) or 1.0
    for name, fact in (
        ("lcpu", "logical_processors"),
        ("ent", "entitlement_cores"),
        ("psize", "pool_processors"),
        ("cpus", "pool_processors"),
    ):
        found = first_number(settings.get(name, ""))
        if found is not None:
            facts[fact] = found
    memory = size(settings.get("mem", ""))
    if memory is not None:
        facts["memory_bytes"] = memory
    return facts
