"""Generated machines with micro-partitions and closed users, on which invariants are tested."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.catalog import Constants
from harness.engine.clock import to_ns
from harness.model.config import Virtualization
from harness.model.machine import Machine
from harness.validation.minimal_model import build, partition

UNCAPPED, CAPPED = Virtualization.SHARED_UNCAPPED, Virtualization.SHARED_CAPPED
SECONDS = 0.2
"""How long a shape runs."""


@dataclass(frozen=True, slots=True)
class Member:
    """A micro-partition with closed users.

    Attributes
    ----------
    percent
        Entitlement in hundredths of a core.
    demand_us, think_us
        Of each user: processor time of a transaction, and the pause before the next.
    """

    percent: int
    vps: int
    capped: bool
    weight: int
    users: int
    demand_us: int
    think_us: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A machine with micro-partitions."""

    cores: int
    members: tuple[Member, ...]


@dataclass
class Outcome:
    """The result of running a shape."""

    machine: Machine
    done: dict[str, int]
    response_ns: dict[str, int]
    """Summed over the transactions that ended."""
    present_ns: dict[str, int]
    """Time integral of the number of transactions under way."""
    open_ns: dict[str, int]
    """Ages of those still under way, summed."""

    @property
    def user_ns(self) -> dict[str, int]:
        """Processor time in user mode, by partition."""
        accounts, _ = self.machine.balance()
        return {name: account["user"] for name, account in accounts.items()}


def generate(generator: np.random.Generator) -> Shape:
    """Make a shape whose entitlements fit."""
    cores = int(generator.integers(1, 5))
    left, members = 100 * cores, []
    for _ in range(int(generator.integers(1, 7))):
        percent = int(generator.integers(10, 101))
        if percent > left:
            break
        left -= percent
        vps = int(generator.integers(1, max(2, min(4, percent // 10) + 1)))
        members.append(
            Member(
                percent,
                vps,
                bool(generator.integers(2)),
                int(generator.choice([1, 64, 128, 255])),
                int(generator.integers(1, 9)),
                int(generator.choice([100, 700, 3000, 15000])),
                int(generator.choice([0, 500, 5000])),
            )
        )
    return Shape(cores, tuple(members))


def run(
    shape: Shape,
    constants: Constants,
    *,
    seconds: float = SECONDS,
    scale: int = 1,
    events: Mapping[str, float] | None = None,
    at_window: Callable[[Machine, int], object] | None = None,
) -> Outcome:
    """Run a shape; times of the load are multiplied by ``scale``.

    ``at_window`` is called at the end of each dispatch window with the machine and its number.
    """
    parts = [
        partition(
            f"p{index}",
            member.percent / 100,
            member.vps,
            CAPPED if member.capped else UNCAPPED,
            weight=member.weight,
        )
        for index, member in enumerate(shape.members)
    ]
    machine = build(constants, shape.cores, *parts)
    names = [part.name for part in parts]
    clock = machine.clock
    outcome = Outcome(machine, *(dict.fromkeys(names, 0) for _ in range(4)))
    under_way: dict[str, list[int]] = {name: [] for name in names}
    changed = dict.fromkeys(names, 0)

    def count(name: str) -> None:
        outcome.present_ns[name] += len(under_way[name]) * (clock.now_ns - changed[name])
        changed[name] = clock.now_ns

    def user(name: str, member: Member) -> None:
        def begin() -> None:
            count(name)
            start_ns = clock.now_ns
            under_way[name].append(start_ns)

            def done() -> None:
                count(name)
                under_way[name].remove(start_ns)
                outcome.done[name] += 1
                outcome.response_ns[name] += clock.now_ns - start_ns
                clock.call_in(member.think_us * 1000 * scale, begin)

            machine.partitions[name].compute(member.demand_us * scale / 1e6, events, done)

        clock.call_in(member.think_us * 1000 * scale, begin)

    for name, member in zip(names, shape.members, strict=True):
        for _ in range(member.users):
            user(name, member)
    end_ns = to_ns(seconds) * scale
    window_ns = to_ns(constants.number("hypervisor.window"))
    for number in range(1, end_ns // window_ns + 1):
        clock.run_until(number * window_ns)
        if at_window is not None:
            at_window(machine, number)
    clock.run_until(end_ns)
    for name in names:
        count(name)
        outcome.open_ns[name] = sum(end_ns - start for start in under_way[name])
    return outcome
