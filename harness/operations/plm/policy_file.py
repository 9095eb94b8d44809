"""Policy files of the Partition Load Manager.

IBM's format: stanzas ``name:`` with lines ``attribute = value`` below them, comments after ``#``.
``globals`` names the management console and may hold tunables for all; every other stanza has
``type = group`` or ``type = partition``. A tunable of a partition goes before its group's, and
that before the global one. Processors are in cores, memory in MB (2^20 bytes), ``ec_delta`` and
memory use in percent. The names of the attributes are recalled from IBM's documentation; what
they mean is in table 8-2 of the Redbook "WebSphere on AIX".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError, nearest
from harness.files import read_text

GLOBALS = "globals"
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Tunables:
    """When and how much the manager moves; None: the next stanza up, or else the default.

    A steal rate of pages (``mem_pgstl_high``) is accepted, but pages are not modelled: memory use
    alone decides.
    """

    cpu_intervals: int | None = None
    """Consecutive samples beyond a threshold before anything is done about processors."""
    cpu_load_high: float | None = None
    cpu_load_low: float | None = None
    cpu_free_unused: bool | None = None
    """Whether capacity that is not needed is given back at once (immediate release)."""
    ec_delta: float | None = None
    """Share of its entitlement that a partition gains or gives in one action."""
    ec_per_vp_min: float | None = None
    ec_per_vp_max: float | None = None
    """Entitlement per virtual processor between which these are added and removed (cores)."""
    mem_intervals: int | None = None
    mem_util_high: float | None = None
    mem_util_low: float | None = None
    mem_delta: int | None = None
    """Memory that moves in one action, in bytes."""
    mem_free_unused: bool | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a resource a partition may have; None: what the console's profile says.

    The guaranteed amount is what it has a right to when it needs it; what is beyond is divided by
    shares, and who has 0 shares gets nothing of it.
    """

    minimum: float | None = None
    guaranteed: float | None = None
    maximum: float | None = None
    shares: int = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A managed partition."""

    name: str
    line: int
    """Where its stanza begins."""
    processors: Share
    """In cores."""
    memory: Share
    """In bytes."""
    tunables: Tunables


@dataclass(frozen=True, slots=True)
class Group:
    """Partitions that exchange resources among themselves.

    A maximum of 0 leaves a resource alone; None sets no maximum for the group.
    """

    name: str
    dedicated: bool
    maximum_cores: float | None
    maximum_memory_bytes: int | None
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file."""

    name: str
    groups: tuple[Group, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        """All managed partitions."""
        return tuple(member for group in self.groups for member in group.members)


@dataclass(frozen=True, slots=True)
class _Attribute:
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class _Stanza:
    name: str
    line: int
    attributes: dict[str, _Attribute]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("a whole number from 1 on")
    return int(text)


def _shares(text: str) -> int:
    if not text.isdecimal() or int(text) > 255:
        raise ValueError("a whole number from 0 to 255")
    return int(text)


def _number(least: float, most: float, unit: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        plain = re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text)
        if not plain or not least <= float(text) <= most:
            limit = f"from {least:g} to {most:g}" if most < 1e6 else f"from {least:g} on"
            raise ValueError(f"a number {limit} ({unit})")
        return float(text)

    return read


def _memory(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a whole number (MB)")
    return int(text) * _MIB


def _percent(least: float) -> Callable[[str], float]:
    number = _number(least, 100, "%")
    return lambda text: number(text) / 100


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("yes or no")
    return text == "yes"


def _any(text: str) -> str:
    if not text:
        raise ValueError("a text")
    return text


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return read


_Readers = dict[str, Callable[[str], Any]]

_TUNABLES: _Readers = {
    "cpu_intervals": _count,
    "cpu_load_high": _number(0.1, 100, "load average per processor"),
    "cpu_load_low": _number(0, 100, "load average per processor"),
    "cpu_free_unused": _yes,
    "ec_delta": _percent(1),
    "ec_per_vp_min": _number(0.1, 1, "cores"),
    "ec_per_vp_max": _number(0.1, 1, "cores"),
    "mem_intervals": _count,
    "mem_util_high": _percent(1),
    "mem_util_low": _percent(0),
    "mem_delta": _memory,
    "mem_free_unused": _yes,
    "mem_pgstl_high": _number(0, 1e9, "pages/s"),
}
_GLOBALS: _Readers = {
    "hmc_host_name": _any,
    "hmc_user_name": _any,
    "hmc_cec_name": _any,
    "hmc_command_wait": _count,
    **_TUNABLES,
}
_CORES = _number(0, 1e6, "cores")
_GROUP: _Readers = {
    "type": _one_of("group"),
    "cpu_type": _one_of("shared", "dedicated"),
    "cpu_maximum": _CORES,
    "mem_maximum": _memory,
    **_TUNABLES,
}
_PARTITION: _Readers = {
    "type": _one_of("partition"),
    "group": _any,
    "cpu_minimum": _CORES,
    "cpu_guaranteed": _CORES,
    "cpu_maximum": _CORES,
    "cpu_shares": _shares,
    "mem_minimum": _memory,
    "mem_guaranteed": _memory,
    "mem_maximum": _memory,
    "mem_shares": _shares,
    **_TUNABLES,
}


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises
    ------
    UserError
        If it cannot be read or has a mistake: one line with file, line and what would be right.
    """
    return parse_policy(read_text(path), str(path))


def parse_policy(text: str, name: str) -> Policy:
    """Read a policy from text; ``name`` stands in error messages for the file."""
    return _Reader(name).policy(text)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file

    def error(self, line: int, text: str) -> UserError:
        return UserError(f"{self.file}:{line}: {text}")

    def policy(self, text: str) -> Policy:
        stanzas = self.stanzas(text)
        top = stanzas.pop(GLOBALS, None)
        common = self.values(top, _GLOBALS) if top is not None else {}
        groups: dict[str, dict[str, Any]] = {}
        partitions: list[_Stanza] = []
        for stanza in stanzas.values():
            kind = stanza.attributes.get("type")
            if kind is None:
                raise self.error(
                    stanza.line, f"stanza {stanza.name!r} needs type = group or type = partition"
                )
            if kind.value == "group":
                groups[stanza.name] = {**common, **self.values(stanza, _GROUP)}
            elif kind.value == "partition":
                partitions.append(stanza)
            else:
                raise self.error(
                    kind.line, f"type = {kind.value!r}: allowed are group and partition"
                )
        members: dict[str, list[Member]] = {group: [] for group in groups}
        for stanza in partitions:
            group = self.group_of(stanza, groups)
            members[group].append(self.member(stanza, groups[group]))
        for group, found in members.items():
            if not found:
                raise self.error(stanzas[group].line, f"group {group!r} has no partition")
        if not groups:
            raise UserError(f"{self.file}: there is no group of partitions to manage")
        return Policy(
            Path(self.file).name,
            tuple(
                Group(
                    group,
                    values.get("cpu_type") == "dedicated",
                    values.get("cpu_maximum"),
                    values.get("mem_maximum"),
                    tuple(members[group]),
                )
                for group, values in groups.items()
            ),
        )

    def stanzas(self, text: str) -> dict[str, _Stanza]:
        """Split the file into stanzas."""
        found: dict[str, _Stanza] = {}
        current: _Stanza | None = None
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.partition("#")[0].strip()
            if not line:
                continue
            if "=" not in line:
                if not line.endswith(":") or not line[:-1].strip():
                    raise self.error(
                        number, f"{line!r} is neither 'stanza:' nor 'attribute = value'"
                    )
                name = line[:-1].strip()
                if name in found:
                    raise self.error(
                        number, f"stanza {name!r} is there already, in line {found[name].line}"
                    )
                current = found[name] = _Stanza(name, number, {})
                continue
            key, _, value = (part.strip() for part in line.partition("="))
            if current is None:
                raise self.error(number, f"{key!r} stands before the first stanza, 'globals:'")
            if key in current.attributes:
                first = current.attributes[key].line
                raise self.error(number, f"{key!r} is there already, in line {first}")
            current.attributes[key] = _Attribute(value, number)
        return found

    def values(self, stanza: _Stanza, readers: _Readers) -> dict[str, Any]:
        """Read the values of a stanza of a kind."""
        values: dict[str, Any] = {}
        for key, attribute in stanza.attributes.items():
            if key not in readers:
                hint = nearest(key, readers) or f"; it has {', '.join(readers)}"
                raise self.error(
                    attribute.line, f"stanza {stanza.name!r} has no attribute {key!r}{hint}"
                )
            try:
                values[key] = readers[key](attribute.value)
            except ValueError as error:
                raise self.error(
                    attribute.line, f"{key} = {attribute.value!r}: needs {error}"
                ) from error
        return values

    def group_of(self, stanza: _Stanza, groups: dict[str, dict[str, Any]]) -> str:
        attribute = stanza.attributes.get("group")
        if attribute is None:
            raise self.error(stanza.line, f"partition {stanza.name!r} needs group = its group")
        if attribute.value not in groups:
            hint = nearest(attribute.value, groups)
            raise self.error(attribute.line, f"there is no group {attribute.value!r}{hint}")
        return attribute.value

    def member(self, stanza: _Stanza, group: dict[str, Any]) -> Member:
        own = self.values(stanza, _PARTITION)
        tunables = {key: group[key] for key in _TUNABLES if key in group}
        tunables |= {key: own[key] for key in _TUNABLES if key in own}
        for low, high in (
            ("cpu_minimum", "cpu_guaranteed"),
            ("cpu_guaranteed", "cpu_maximum"),
            ("cpu_minimum", "cpu_maximum"),
            ("mem_minimum", "mem_guaranteed"),
            ("mem_guaranteed", "mem_maximum"),
            ("mem_minimum", "mem_maximum"),
        ):
            self.ordered(stanza, own, low, high, strictly=False)
        self.ordered(stanza, tunables, "cpu_load_low", "cpu_load_high", strictly=True)
        self.ordered(stanza, tunables, "ec_per_vp_min", "ec_per_vp_max", strictly=False)
        self.ordered(stanza, tunables, "mem_util_low", "mem_util_high", strictly=True)
        self.in_steps(stanza, own, dedicated=group.get("cpu_type") == "dedicated")
        tunables.pop("mem_pgstl_high", None)
        return Member(
            stanza.name,
            stanza.line,
            _share(own, "cpu"),
            _share(own, "mem"),
            Tunables(**tunables),
        )

    def ordered(
        self, stanza: _Stanza, values: dict[str, Any], low: str, high: str, *, strictly: bool
    ) -> None:
        if low not in values or high not in values:
            return
        less, more = values[low], values[high]
        if less > more or (strictly and less == more):
            places = [
                stanza.attributes[key].line for key in (low, high) if key in stanza.attributes
            ]
            relation = "less than" if strictly else "at most"
            raise self.error(
                max(places, default=stanza.line),
                f"partition {stanza.name!r}: {low} must be {relation} {high}",
            )

    def in_steps(self, stanza: _Stanza, values: dict[str, Any], *, dedicated: bool) -> None:
        step = 1.0 if dedicated else 0.01
        for key in ("cpu_minimum", "cpu_guaranteed", "cpu_maximum"):
            if key in values:
                steps = values[key] / step
                if abs(steps - round(steps)) > 1e-6:
                    text = stanza.attributes[key]
                    what = "whole cores" if dedicated else "steps of 0.01 cores"
                    raise self.error(text.line, f"{key} = {text.value!r}: needs {what}")


def _share(values: dict[str, Any], kind: str) -> Share:
    return Share(
        values.get(f"{kind}_minimum"),
        values.get(f"{kind}_guaranteed"),
        values.get(f"{kind}_maximum"),
        values.get(f"{kind}_shares", 1),
    )
