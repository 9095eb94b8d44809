"""Users driven on a simulated clock, alone or as a run drives them: isolated and watched."""

from collections.abc import Mapping

from locust import task
from locust.env import Environment
from modelling import FULL_SYSTEM, MS, NO_OVERHEAD, WIRE, build, partition, system

from harness.catalog import Value
from harness.metrics.observer import Observation
from harness.model.config import UserGroup
from harness.model.machine import Machine
from harness.users.population import UserPopulation, locust_on
from harness.users.real_time_guard import without_real_time
from harness.users.watchdog import Watchdog
from workloads.user import Demand, PartitionUser, transaction


def drive(
    cls: type[PartitionUser], *, users: int = 1, until_ns: int = 100 * MS, **arrivals: float
) -> Observation:
    """Let users work as a run does, on a disk and an adapter too; return what was observed."""
    app = partition("app", 1, virtualization=FULL_SYSTEM, disks=1, ethernet=WIRE)
    machine = build(system(app, cores=1), NO_OVERHEAD, {"os.aix-5.3.timeslice": 1e4})
    environment = Environment(catch_exceptions=False)
    observation = Observation(machine, environment)
    clock = machine.clock
    population = UserPopulation(clock, environment, 1)
    with Watchdog(clock), locust_on(clock, clock.fail), without_real_time(clock):
        try:
            group = UserGroup("g", "", users, **arrivals)
            population.add(cls, Demand(), group, machine.partitions["app"])
            clock.run_until(until_ns)
            population.check_present()
        finally:
            population.dismiss()
    return observation


def one_core(*overrides: Mapping[str, Value]) -> Machine:
    """A machine with one processor and one partition, ``app``, where virtualization is free."""
    machine = system(partition("app", 1, virtualization=FULL_SYSTEM, disks=1), cores=1)
    return build(machine, NO_OVERHEAD, {"os.aix-5.3.timeslice": 1e4}, *overrides)


class Recorder:
    """Everything that Locust's request event says."""

    def __init__(self) -> None:
        self.environment = Environment(catch_exceptions=False)
        self.listening = True
        self.requests: list[tuple[str, float, BaseException | None]] = []
        self.environment.events.request.add_listener(self._on_request)

    def _on_request(self, name, response_time, exception, **_) -> None:
        if self.listening:
            self.requests.append((name, response_time, exception))


def drive_machine(
    machine: Machine,
    cls: type[PartitionUser],
    *,
    until_ns: int,
    users: int = 1,
    think: float = 0.0,
    arrivals: float | None = None,
    seed: int = 1,
) -> Recorder:
    """Let users work on the partition ``app`` of a machine, and return their requests."""
    recorder = Recorder()
    population = UserPopulation(machine.clock, recorder.environment, seed)
    with locust_on(machine.clock):
        app = machine.partitions["app"]
        group = UserGroup("g", "", users, arrivals, think)
        population.add(cls, Demand(), group, app)
        try:
            machine.clock.run_until(until_ns)
            recorder.listening = False
        finally:
            population.dismiss()
    return recorder


class Works(PartitionUser):
    """A user that computes for a millisecond at a time."""

    @task
    @transaction
    def work(self) -> None:
        self.partition.compute(0.001)
