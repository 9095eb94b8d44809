"""Beginning, ending, refusing: what every operation goes through."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from modelling import NO_OVERHEAD, build, partition, server, system
from operating import SECOND, carried_out, site_with

from harness.engine.clock import Clock
from harness.model.machine import Machine
from harness.operations.operation import (
    Event,
    Limits,
    RefusedError,
    Site,
    Status,
    Steps,
    carry_out,
)


@dataclass
class Paint:
    """An operation of 2 s that can be refused at its beginning and at its end."""

    obstacles: list[str] = field(default_factory=list)
    painted: bool = False

    def describe(self) -> str:
        return "paint"

    def check(self, site: Site) -> None:
        if self.obstacles:
            raise RefusedError(self.obstacles[-1])

    def perform(self, site: Site) -> Steps:
        yield site.pause(2.0)
        self.check(site)
        self.painted = True


def test_what_is_done_takes_its_time_and_stands_on_the_timeline_twice():
    site, _ = site_with(system(partition(), cores=1))
    site.clock.run_until(SECOND)
    paint = Paint()
    assert carried_out(site, paint) == (Status.DONE, "")
    assert paint.painted
    assert site.timeline == [
        Event(1.0, "paint", Status.STARTED),
        Event(3.0, "paint", Status.DONE),
    ]


def test_what_is_refused_is_not_begun():
    site, _ = site_with(system(partition(), cores=1))
    paint = Paint(["there is no wall"])
    assert carried_out(site, paint) == (Status.REFUSED, "there is no wall")
    assert not paint.painted
    assert site.timeline == [Event(0.0, "paint", Status.REFUSED, "there is no wall")]


def test_what_becomes_impossible_meanwhile_fails():
    site, _ = site_with(system(partition(), cores=1))
    paint = Paint()
    site.clock.call_in(SECOND, lambda: paint.obstacles.append("the wall has fallen"))
    assert carried_out(site, paint) == (Status.FAILED, "the wall has fallen")
    assert not paint.painted
    assert [entry.status for entry in site.timeline] == [Status.STARTED, Status.FAILED]


def test_an_operation_can_wait_for_another_one():
    site, _ = site_with(system(partition(), cores=1))

    @dataclass
    class Twice:
        seen: list[object] = field(default_factory=list)

        def describe(self) -> str:
            return "twice"

        def check(self, site: Site) -> None:
            pass

        def perform(self, site: Site) -> Steps:
            self.seen.append((yield carry_out(site, Paint())))
            self.seen.append((yield carry_out(site, Paint(["no"]))))

    twice = Twice()
    carried_out(site, twice)
    assert twice.seen == [Status.DONE, Status.REFUSED]
    assert site.timeline[-1] == Event(2.0, "twice", Status.DONE)


def two_machines() -> Site:
    clock = Clock()

    def machine(name: str) -> Machine:
        configuration = system(partition(name), cores=2, vios=(server("vios1"),))
        return Machine(clock, configuration, build(configuration).costs.constants)

    machines = {"left": machine("app1"), "right": machine("app2")}
    return Site(clock, machines, machines["left"].costs.constants)


def test_a_partition_is_found_wherever_it_is():
    site = two_machines()
    assert site.machine_of("app2") is site.machines["right"]
    assert site.machine_of("app2", "right") is site.machines["right"]
    assert site.machine_of("vios1", "left") is site.machines["left"]


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda s: s.machine_of("app3"), "there is no partition app3"),
        (lambda s: s.machine_of("app2", "left"), "there is no partition app2 on left"),
        (lambda s: s.machine_of("app2", "top"), "there is no machine top"),
        (lambda s: s.machine_of("vios1"), "left and right both have a vios1: say which machine"),
    ],
)
def test_what_is_nowhere_or_in_two_places_is_refused(ask: Callable[[Site], Machine], reason: str):
    with pytest.raises(RefusedError, match=f"^{reason}$"):
        ask(two_machines())


def test_who_has_no_limits_is_not_limited():
    site, _ = site_with(
        system(partition(), cores=1), NO_OVERHEAD, limits={"app": Limits(maximum_cores=2)}
    )
    assert site.limits_of("app").maximum_cores == 2
    assert site.limits_of("other") == Limits()
