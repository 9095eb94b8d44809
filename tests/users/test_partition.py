"""A partition as its users see it: verbs that block, and errors."""

import pytest
from driving import drive_machine, one_core
from locust import task
from modelling import MS, NO_REFILL, NO_TICKS, OUTSIDE, WIRE, build, partition, system

from workloads.user import PartitionUser, transaction


def test_a_partition_that_fails_fails_the_transaction_not_the_user():
    class Unlucky(PartitionUser):
        count = 0

        @task
        @transaction
        def work(self) -> None:
            self.partition.compute(0.001)
            self.count += 1
            if self.count % 2:
                raise ConnectionResetError("the other side is gone")

    requests = drive_machine(one_core(), Unlucky, until_ns=100 * MS).requests
    assert len(requests) > 80
    assert [exception is not None for _, _, exception in requests[:4]] == [True, False] * 2
    assert isinstance(requests[0][2], ConnectionResetError)


def test_reading_a_disk_that_is_not_there_is_an_error_of_the_campaign_and_ends_the_run():
    class Reads(PartitionUser):
        @task
        @transaction
        def work(self) -> None:
            self.partition.read(4096)

    machine = build(system(partition("app", 1), cores=1))
    with pytest.raises(ValueError, match="app has 0 disks"):
        drive_machine(machine, Reads, until_ns=100 * MS)


def test_every_verb_blocks_until_its_work_is_done():
    steps: list[tuple[str, float]] = []

    class Everything(PartitionUser):
        @task
        def work(self) -> None:
            partition = self.partition
            for name, verb in (
                ("wait", lambda: partition.wait(0.25)),
                ("compute", lambda: partition.compute(0.001, {"calls": 5.0})),
                ("read", lambda: partition.read(8192, 65536)),
                ("write", lambda: partition.write(8192, 65536)),
                ("sequence", lambda: partition.read(131072)),
                ("send", lambda: partition.send(10**6, OUTSIDE)),
                ("receive", lambda: partition.receive(10**6, OUTSIDE)),
                ("exchange", lambda: partition.exchange(64, 64, OUTSIDE)),
                ("serve", lambda: partition.serve(64, 64, 0.001, {"calls": 5.0})),
            ):
                start = partition.now()
                verb()
                steps.append((name, partition.now() - start))
            partition.wait(1e6)

    app = partition("app", 1, disks=1, ethernet=WIRE)
    drive_machine(build(system(app, cores=1), NO_TICKS, NO_REFILL), Everything, until_ns=2000 * MS)
    took = dict(steps)
    assert list(took) == [
        "wait", "compute", "read", "write", "sequence", "send", "receive", "exchange", "serve",
    ]  # fmt: skip
    assert took["wait"] == 0.25
    assert took["compute"] == pytest.approx(0.001, rel=0.01)
    assert took["read"] > 0.002 > took["write"] > 0.0002
    assert took["sequence"] == pytest.approx(131072 / (132.6 * 2**20), rel=0.01)
    assert 0.009 > took["receive"] > 0.0084
    assert took["send"] > 0.008
    assert took["exchange"] > 60e-6
    assert took["serve"] == pytest.approx(took["exchange"] + took["compute"], rel=0.01)
