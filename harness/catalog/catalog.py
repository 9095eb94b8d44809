"""All constants and the items (machines, operating systems, devices ...) that they describe."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.catalog.constant import Constant, is_numeric
from harness.catalog.constants import Constants
from harness.units import parse_quantity

VIRTUALIZATIONS: Mapping[str, str] = {
    "full-system": "One partition owns the whole machine: the baseline, for POWER5 has no bare"
    " metal.",
    "physical": "Electrically separate parts with whole cores, disks and adapters of their own.",
    "dedicated": "Logical partitions with whole cores of their own, virtual I/O through a VIOS.",
    "shared-capped": "Micro-partitions that never get more than their entitlement.",
    "shared-uncapped": "Micro-partitions that compete by weight for what the others leave.",
}
"""The ways of dividing a machine that need no monitor on a host, in one sentence each."""


@dataclass(frozen=True, slots=True)
class SoldConfiguration:
    """A type of machine with the numbers of cores that it was sold with at one clock."""

    model: str
    generation: str
    cores: tuple[int, ...]
    clock_hz: float


@dataclass(frozen=True, slots=True)
class ProfileGroup:
    """The users of one class in a workload profile."""

    name: str
    """Unique within the profile; the profile's own name where it has one group only."""
    user: str
    """``path/to/locustfile.py:UserClass``, relative to the project."""
    users: str
    """How many, as a campaign would write it: ``3 per core``."""
    think_time_seconds: float
    demand: Mapping[str, str]
    """For each parameter of the demand, the name of the constant that holds it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A workload that the catalog describes."""

    name: str
    title: str
    groups: tuple[ProfileGroup, ...]


@dataclass(frozen=True)
class Catalog:
    """Every constant, by name."""

    constants: Mapping[str, Constant]
    """Sorted by name."""

    @property
    def uncertain(self) -> tuple[str, ...]:
        """Names of the constants whose value is known as a range only, sorted."""
        return tuple(name for name, constant in self.constants.items() if constant.uncertain)

    def nominal(self) -> Constants:
        """Give every constant its stated value."""
        return self.draw({})

    def draw(self, u: Mapping[str, float]) -> Constants:
        """Draw the uncertain constants.

        Parameters
        ----------
        u
            For names of constants, the quantile (0 to 1) of their triangular distribution; those
            not named keep their stated value. One quantile moves a whole list.

        Raises
        ------
        KeyError
            When a name is no constant's.
        ValueError
            When a quantile lies outside 0 to 1.
        """
        values = {name: constant.value for name, constant in self.constants.items()}
        values |= {name: self.constants[name].draw(quantile) for name, quantile in u.items()}
        return Constants(values, {name: each.at for name, each in self.constants.items()})

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of the machines, such as ``p5-570``."""
        return self._items("machines")

    @property
    def operating_systems(self) -> tuple[str, ...]:
        """Names of the operating systems, such as ``aix-5.3``."""
        return self._items("os")

    @property
    def disks(self) -> tuple[str, ...]:
        """Names of the disks that can stand behind a partition."""
        return self._items("disks")

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the Ethernet adapters."""
        return self._items("ethernet")

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names of the hosted monitors, such as ``vmware``."""
        return self._items("hosted")

    @property
    def virtualizations(self) -> tuple[str, ...]:
        """Ways to divide a machine, the hosted ones as ``hosted-<flavour>``."""
        return (*VIRTUALIZATIONS, *(f"hosted-{flavour}" for flavour in self.flavours))

    @property
    def profiles(self) -> tuple[str, ...]:
        """Names of the workload profiles."""
        return self._items("profiles")

    def title(self, *path: str) -> str:
        """Give the title of an item: ``title("os", "aix-5.3")``."""
        return str(self.constants[".".join((*path, "title"))].value)

    def flavour(self, name: str) -> str:
        """Give the title of a hosted monitor, with the year of the software."""
        return f"{self.title('hosted', name)} ({self.constants[f'hosted.{name}.year'].published})"

    def published(self, name: str) -> str:
        """Give a constant as its source has it, with its unit: ``1.65 GHz``."""
        return self.constants[name].published

    def sold(self, machine: str) -> tuple[SoldConfiguration, ...]:
        """List the configurations in which a machine was sold.

        Raises
        ------
        KeyError
            When there is no such machine.
        """
        texts = self.constants[f"machines.{machine}.configurations"].value
        assert isinstance(texts, tuple)
        return tuple(parse_configuration(str(text)) for text in texts)

    def costs(self, level: str, *, together: bool = False) -> tuple[str, ...]:
        """Name the costs of a level of virtualization, sorted.

        Parameters
        ----------
        level
            ``firmware`` or ``software``.
        together
            Only those that scale the cost of the whole level: a common factor instead of the costs
            that it multiplies.
        """
        listed = self.constants.get(f"levels.{level}.together") if together else None
        listed = listed or self.constants[f"levels.{level}.costs"]
        patterns = listed.value if isinstance(listed.value, tuple) else ()
        return tuple(
            name
            for name, constant in self.constants.items()
            if any(fnmatchcase(name, str(pattern)) for pattern in patterns)
            and is_numeric(constant.value)
        )

    def profile(self, name: str) -> Profile:
        """Describe a workload profile: its groups of users, and where their demand is found.

        Raises
        ------
        KeyError
            When there is no such profile.
        """
        prefix = ("profiles", name)
        paths = [constant.path for constant in self._under(prefix)]
        title = self.title(*prefix)
        return Profile(
            name, title, tuple(self._group(path[:-1]) for path in paths if path[-1] == "user")
        )

    def _group(self, prefix: tuple[str, ...]) -> ProfileGroup:
        values = {constant.path[len(prefix) :]: constant for constant in self._under(prefix)}
        think_time = values[("think_time",)].value if ("think_time",) in values else 0.0
        return ProfileGroup(
            name=prefix[-1],
            user=str(values[("user",)].value),
            users=str(values[("users",)].value) if ("users",) in values else "1 per core",
            think_time_seconds=think_time if isinstance(think_time, float) else 0.0,
            demand={
                key[1]: constant.name
                for key, constant in values.items()
                if len(key) == 2 and key[0] == "demand"
            },
        )

    def _under(self, prefix: tuple[str, ...]) -> list[Constant]:
        length = len(prefix)
        return [c for c in self.constants.values() if c.path[:length] == prefix]

    def _items(self, collection: str) -> tuple[str, ...]:
        return items(self.constants, collection)


def items(constants: Mapping[str, Constant], collection: str) -> tuple[str, ...]:
    """Name the items of a collection: whatever has a title there."""
    names = {
        constant.path[1]
        for constant in constants.values()
        if constant.path[0] == collection and constant.path[2:] == ("title",)
    }
    return tuple(sorted(names))


_CONFIGURATION = re.compile(r"(\S+) (\S+) (\d+(?:,\d+)*) @ (.+)")


def parse_configuration(text: str) -> SoldConfiguration:
    """Read a configuration that was sold: ``9117-570 POWER5 2,4,8 @ 1.5 GHz``.

    Raises
    ------
    ValueError
        When the text does not read like that.
    """
    match = _CONFIGURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' does not read like '9117-570 POWER5 2,4,8 @ 1.5 GHz'")
    cores = tuple(int(number) for number in match[3].split(","))
    return SoldConfiguration(match[1], match[2], cores, parse_quantity(match[4], "frequency"))
