"""What a scenario records: every request, and samples of everything that changes."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from locust.env import Environment

from harness.campaign.schema.metrics import MACHINE, METRICS, PARTITION, names_of
from harness.catalog import Constants
from harness.engine.clock import Clock
from harness.model.cpu.entities import Partition
from harness.model.machine import Machine
from harness.operations.energy import EnergyMeter
from harness.results.run_result import Point

QUANTILE = 0.95

Spent = dict[str, dict[str, int]]
"""Partition or VIOS -> cause -> nanoseconds of processor time."""

_SAMPLED = {
    of: {name: METRICS[name].sample for name in names_of(of) if METRICS[name].sample}
    for of in (PARTITION, MACHINE)
}
"""For partitions and for machines: metric -> the name of its samples on the timeline."""


@dataclass(slots=True)
class Requests:
    """The requests of one group of users, in the order in which they ended."""

    ends_ns: "array[int]" = field(default_factory=lambda: array("q"))
    took_ns: "array[int]" = field(default_factory=lambda: array("q"))
    """Response times; -1 for a request that failed."""

    def between(self, begin_ns: int, end_ns: int) -> range:
        """Return the places of the requests that ended after one time and up to another."""
        return range(bisect_right(self.ends_ns, begin_ns), bisect_right(self.ends_ns, end_ns))


class Timeline:
    """A recorder of machines and their users.

    Parameters
    ----------
    machines
        By what the scenario calls them.
    labels
        What each VIOS is called -> its machine and its name there.
    """

    def __init__(
        self,
        clock: Clock,
        environment: Environment,
        machines: Mapping[str, Machine],
        partitions: Sequence[str],
        labels: Mapping[str, tuple[str, str]],
        constants: Constants,
    ) -> None:
        self.clock = clock
        self.machines = machines
        self.partitions = tuple(partitions)
        self.labels = labels
        self.names = (*partitions, *labels)
        self.times_ns: list[int] = [0]
        self.spent: list[Spent] = [{}]
        """Processor time of each partition and VIOS by cause, up to each of the times."""
        self.requests: dict[tuple[str, str], Requests] = {}
        self.samples: dict[tuple[str, str], array[float]] = {
            **{(metric, name): array("d") for metric in _SAMPLED[PARTITION] for name in self.names},
            **{(metric, name): array("d") for metric in _SAMPLED[MACHINE] for name in machines},
        }
        self._dispatched: dict[str, tuple[Partition, int]] = {
            name: (found[1], found[1].occupied_ns())
            for name in self.names
            if (found := self.find(name)) is not None
        }
        self._meters = {name: EnergyMeter(each, constants) for name, each in machines.items()}
        self._joules = dict.fromkeys(machines, 0.0)
        environment.events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]

    def find(self, name: str) -> tuple[Machine, Partition] | None:
        """Find a partition or a VIOS and its machine; None if it is on none."""
        if name in self.labels:
            machine, own = self.labels[name]
            return self.machines[machine], self.machines[machine].vios[own].partition
        for place in self.machines.values():
            if name in place.partitions:
                return place, place.partitions[name].partition
        return None

    def _on_request(
        self,
        response_time: float,
        exception: BaseException | None,
        context: dict[str, Any],
        **_: object,
    ) -> None:
        user = context.get("user")
        if user is None:
            return
        requests = self.requests.get(user.labels)
        if requests is None:
            requests = self.requests[user.labels] = Requests()
        requests.ends_ns.append(self.clock.now_ns)
        requests.took_ns.append(-1 if exception is not None else round(response_time * 1e6))

    def sample(self) -> None:
        """Take a sample of everything, for the time since the last one."""
        now_ns = self.clock.now_ns
        passed_ns = now_ns - self.times_ns[-1]
        if passed_ns <= 0:
            return
        self.times_ns.append(now_ns)
        self.spent.append(self._spent())
        used: dict[str, float] = dict.fromkeys(self.machines, 0.0)
        for name in self.names:
            found = self.find(name)
            values = dict.fromkeys(_SAMPLED[PARTITION], 0.0)
            if found is not None:
                machine, partition = found
                self._read(machine, partition, values)
                values["physc"] = self._used_ns(name, partition) / passed_ns
                if partition.scheduler is machine.pool:
                    place = next(key for key, each in self.machines.items() if each is machine)
                    used[place] += values["physc"]
            for metric, value in values.items():
                self.samples[metric, name].append(value)
        for place, machine in self.machines.items():
            size = len(machine.pool.processors) if machine.pool is not None else 0
            self.samples["pool", place].append(size)
            self.samples["pool-idle", place].append(max(0.0, size - used[place]))
            joules = self._meters[place].joules
            self.samples["power", place].append((joules - self._joules[place]) / passed_ns * 1e9)
            self._joules[place] = joules

    def _spent(self) -> Spent:
        """Read all accounts; those of a partition that has moved are added up."""
        spent: Spent = {}
        own = {place: name for name, place in self.labels.items()}
        for machine_name, machine in self.machines.items():
            for account, causes in machine.balance()[0].items():
                total = spent.setdefault(own.get((machine_name, account), account), {})
                for cause, ns in causes.items():
                    total[cause] = total.get(cause, 0) + ns
        return spent

    def _read(self, machine: Machine, partition: Partition, values: dict[str, float]) -> None:
        capacity, name = machine.capacity, partition.name
        values["entitlement"] = capacity.entitlement_cores.get(name, 0.0)
        values["virtual-processors"] = len(partition.vps)
        values["unfolded"] = len(partition.vps) - len(partition.folded)
        values["weight"] = capacity.weight.get(name, 0)
        values["memory"] = capacity.memory_bytes.get(name, 0)
        values["adapters"] = len(capacity.adapters.get(name, ()))
        values["down"] = float(partition.down)

    def _used_ns(self, name: str, partition: Partition) -> int:
        """Return the processor time since the last sample; it starts at 0 on another machine."""
        now_ns = partition.occupied_ns()
        before, then_ns = self._dispatched.get(name, (partition, 0))
        self._dispatched[name] = partition, now_ns
        return now_ns - then_ns if before is partition else now_ns

    def groups(self, partitions: Iterable[str], group: str | None) -> list[Requests]:
        """Return the requests of some partitions, of one group of users or of all."""
        wanted = set(partitions)
        return [
            requests
            for (partition, own), requests in sorted(self.requests.items())
            if partition in wanted and (group is None or own.rpartition("/")[2] == group)
        ]

    def points(self) -> list[Point]:
        """Return the timeline as a run's result keeps it."""
        points: list[Point] = []
        groups = {name: self.groups([name], None) for name in self.partitions}
        for index, end_ns in enumerate(self.times_ns[1:]):
            begin_ns, seconds = self.times_ns[index], end_ns / 1e9
            for name in self.names:
                labels = {"partition": name}
                for metric, sample in _SAMPLED[PARTITION].items():
                    points.append((seconds, sample, labels, self.samples[metric, name][index]))
            for name, own in groups.items():
                if own:
                    points.extend(
                        (seconds, sample, {"partition": name}, value)
                        for sample, value in _responses(own, begin_ns, end_ns)
                    )
            for place in self.machines:
                for metric, sample in _SAMPLED[MACHINE].items():
                    value = self.samples[metric, place][index]
                    points.append((seconds, sample, {"site": place}, value))
        return points


def _responses(
    groups: Sequence[Requests], begin_ns: int, end_ns: int
) -> Iterable[tuple[str, float]]:
    took = sorted(each.took_ns[i] for each in groups for i in each.between(begin_ns, end_ns))
    failed = bisect_right(took, -1)
    good = took[failed:]
    yield "vtax_requests_per_second", len(good) / (end_ns - begin_ns) * 1e9
    yield "vtax_requests_failed", float(failed)
    if good:
        yield "vtax_response_mean_seconds", sum(good) / len(good) / 1e9
        yield "vtax_response_p95_seconds", quantile(good, QUANTILE) / 1e9


def quantile(ordered: Sequence[int], q: float) -> int:
    """Return the value of rank ``ceil(q * count)`` of ascending values."""
    return ordered[max(0, -int(-q * len(ordered) // 1) - 1)]
