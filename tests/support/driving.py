"""Users driven on a simulated clock as a run drives them, isolated and watched."""

from locust.env import Environment
from modelling import FULL_SYSTEM, MS, NO_OVERHEAD, WIRE, build, partition, system

from harness.metrics.observer import Observation
from harness.model.config import UserGroup
from harness.users.population import UserPopulation, locust_on
from harness.users.real_time_guard import without_real_time
from harness.users.watchdog import Watchdog
from workloads.user import Demand, PartitionUser


def drive(
    cls: type[PartitionUser], *, users: int = 1, until_ns: int = 100 * MS, **arrivals: float
) -> Observation:
    """Let users work on a partition with a disk and an adapter, and return what was observed."""
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
