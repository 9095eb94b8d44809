"""Cell in real time: the same model, paced by the wall clock, driven by Locust's own runner.

In virtual runs (:mod:`harness.runs.run_cell`) users are greenlets of vtax; here Locust spawns and
stops them, and its page can change their number. The users' work and its costs are the same.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import gevent
from gevent.event import Event
from locust import User, task
from locust.env import Environment
from prometheus_client import CollectorRegistry

from harness.campaign.cell import RunSpec
from harness.campaign.plan import Plan
from harness.campaign.random_streams import stream_seed
from harness.engine.realtime_clock import RealtimeClock
from harness.errors import UserError
from harness.metrics.collector import MachineCollector, PacingCollector
from harness.metrics.observer import Observation
from harness.model.config import UserGroup
from harness.model.machine import Machine
from harness.model.partition import SimulatedPartition
from harness.users.partition import BlockingPartition, GeventWaiter
from harness.users.population import (
    START_WITHIN_SECONDS,
    UserPopulation,
    group_title,
    load_group,
    locust_on,
)
from workloads.user import PartitionUser

Wanted = Callable[[str], bool]
"""Whether a user class (``path/to/locustfile.py:UserClass``) gets users."""


class RealtimeSimulation(AbstractContextManager["RealtimeSimulation"]):
    """Cell whose simulated time passes while the context is open.

    Every group of closed users becomes a user class of the environment, whose weight is its number
    of users in the campaign; Locust decides the total number. A group with arrivals becomes a class
    with a single user: while it runs, transactions arrive at the campaign's rate.

    Parameters
    ----------
    spec
        The cell and its constants.
    environment
        Locust's environment. Its user classes are set, and its host, which its page shows, to the
        cell's title.
    speed
        Simulated seconds for each second of the wall clock.
    wanted
        Chooses among the user classes; the others get no users.
    campaign
        The name of the cell's campaign, a label of every metric.
    """

    def __init__(
        self,
        spec: RunSpec,
        environment: Environment,
        speed: float = 1.0,
        wanted: Wanted = lambda user: True,
        campaign: str = "",
    ) -> None:
        self.spec = spec
        self.campaign = campaign
        self.clock = RealtimeClock(speed)
        self.machine = Machine(self.clock, spec.system, spec.constants)
        self.observation = Observation(self.machine, environment)
        self._locust = locust_on(self.clock, self.clock.fail)
        self._greenlet = gevent.Greenlet(self._simulate)
        self.clock.hub = self._greenlet
        self._population = UserPopulation(self.clock, environment, spec.seed, spec.replication)
        self.users = 0
        classes: list[type[User]] = []
        for partition in spec.system.partitions:
            for group in partition.groups:
                if not wanted(group.user):
                    continue
                modelled = self.machine.partitions[partition.name]
                make = self._closed if group.arrivals_per_second is None else self._open
                made = make(modelled, group)
                if made is not None:
                    classes.append(made)
                    self.users += made.fixed_count or int(made.weight)
        if not classes:
            raise UserError(f"{spec.cell.title}: has no users to put on it")
        environment.user_classes = classes
        environment.host = environment.host or spec.cell.title

    def __enter__(self) -> "RealtimeSimulation":
        self._locust.__enter__()
        hub: Any = gevent.get_hub()
        if UserError not in hub.NOT_ERROR:  # it is printed in one line
            hub.NOT_ERROR = (*hub.NOT_ERROR, UserError)
        self._greenlet.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._greenlet.kill()
        self._locust.__exit__(None, None, None)

    def _simulate(self) -> None:
        try:
            self.clock.pace()
        finally:
            self._population.dismiss()

    def join(self, stop: Event) -> None:
        """Wait until ``stop`` is set, or until the simulation fails, and raise its error."""
        gevent.wait([self._greenlet, stop], count=1)
        if self._greenlet.dead:
            self._greenlet.get()

    def link_failure(self, callback: Callable[[BaseException], None]) -> None:
        """Call ``callback`` with the error if the simulation fails."""
        self._greenlet.link_exception(lambda failed: callback(failed.exception))

    @property
    def registry(self) -> CollectorRegistry:
        """Registry of the exposed metrics: the machine, the transactions, the clock's pace."""
        registry = CollectorRegistry()
        cell = self.spec.cell
        own = cell.environment.labels(virtualization=cell.virtualization)
        labels = {"campaign": self.campaign, **own}
        registry.register(PacingCollector(self.clock, labels))
        registry.register(MachineCollector(self.observation, labels))
        return registry

    def _closed(self, modelled: SimulatedPartition, group: UserGroup) -> type[PartitionUser] | None:
        if not group.users:
            return None
        base, demand = load_group(group, self.spec.base)
        name = group_title(modelled.name, group.name)
        partition = BlockingPartition(modelled, GeventWaiter(self.clock), group.disk)
        within = max(group.think_time_seconds, START_WITHIN_SECONDS)
        numbers = count()
        seed_parts = (self.spec.seed, self.spec.replication, name)

        def init(user: PartitionUser, environment: Environment) -> None:
            base.__init__(user, environment)
            stream = Random(stream_seed(*seed_parts, next(numbers)))
            user.bind(partition, demand, stream, group.think_time_seconds)
            user.labels = (partition.name, name)

        def on_start(user: PartitionUser) -> None:
            partition.wait(user.random.random() * within)
            base.on_start(user)

        made: type[PartitionUser] = _derived(
            base, name, __init__=init, on_start=on_start, weight=group.users
        )
        return made

    def _open(self, modelled: SimulatedPartition, group: UserGroup) -> type[User]:
        name = group_title(modelled.name, group.name)
        begun = False

        def on_start(_: User) -> None:
            nonlocal begun
            self.clock.sync()
            if begun:
                rate = group.arrivals_per_second or 0.0
                self._population.change_arrivals(modelled.name, name, rate)
            else:
                self._population.add_group(group, modelled, self.spec.base)
            begun = True
            self.clock.wake()

        def on_stop(_: User) -> None:
            self._population.change_arrivals(modelled.name, name, 0.0)

        made: type[User] = _derived(_Arrivals, name, on_start=on_start, on_stop=on_stop)
        return made


class _Arrivals(User):
    """User that represents all transactions of a group with arrivals."""

    abstract = True
    fixed_count = 1

    @task
    def stay(self) -> None:
        """Wait until the user is stopped."""
        Event().wait()


def _derived(base: type[User], name: str, **members: object) -> Any:
    """Make a user class with the name that Locust shows."""
    make: Any = type(base)
    return make(name.replace("/", " "), (base,), {"__doc__": base.__doc__, **members})


def live_spec(plan: Plan, wanted: Wanted = lambda user: True) -> RunSpec:
    """Return the first cell of a plan that has users of a wanted class.

    Its constants are the catalog's values; nothing is drawn.

    Raises
    ------
    UserError
        If there is no such cell.
    """
    for entry in plan.matrix:
        cell = entry.cell
        if cell is None or entry.position not in plan.selected or cell.scenario is not None:
            continue
        if cell.nominal_system is None:
            raise UserError(
                f"{plan.file.name}: is measured on real targets, in real time as it is; "
                "'vtax run' does that"
            )
        groups = [group for part in cell.nominal_system.partitions for group in part.groups]
        if any(wanted(group.user) for group in groups):
            spec = plan.runs(0, 1, {entry.position})[0]
            return replace(spec, constants=entry.context.catalog.nominal(), constants_digest="")
    name = plan.file.name
    if all(entry.scenario for entry in plan.matrix):
        raise UserError(f"{name}: has scenarios only; in real time a cell of a matrix is watched")
    raise UserError(f"{name}: no cell among those chosen has users of the locustfile's classes")
