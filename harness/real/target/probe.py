"""Which targets there are: found out by using them."""

from collections.abc import Iterable
from pathlib import Path

from harness.errors import UserError
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import RefusalError, TargetError
from harness.real.target.disk_image import Stage
from harness.real.target.target import TARGETS, Target, TargetLauncher


def named(text: str) -> tuple[str, ...]:
    """Read names of targets between commas.

    Raises
    ------
    UserError
        If there is no such target, or none is named.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in TARGETS:
            raise UserError(f"there is no target {name!r}; targets are {', '.join(TARGETS)}")
    if not names:
        raise UserError(f"no target is named; targets are {', '.join(TARGETS)}")
    return names


def probe(
    launcher: TargetLauncher, agent: Path, names: Iterable[str], staged: Stage | None = None
) -> tuple[list[Target], dict[str, str]]:
    """Start targets, one after the other, and see whether they answer.

    Parameters
    ----------
    launcher
        Where they are started.
    agent
        The agent's program.
    names
        Of the targets.
    staged
        The programs that they shall be able to run.

    Returns
    -------
    tuple
        The targets that are up, and the reason for each that is not.
    """
    up: list[Target] = []
    unavailable: dict[str, str] = {}
    for name in names:
        try:
            up.append(launcher.open(name, agent, staged))
        except (UnavailableError, RefusalError, TargetError) as reason:
            unavailable[name] = str(reason)
    return up, unavailable
