"""What ``@transaction`` measures, wherever it stands."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from driving import drive
from locust import TaskSet, task
from locust.exception import RescheduleTask, StopUser
from modelling import MS

from harness.errors import UserError
from workloads.user import PartitionUser, transaction


def counts(observed) -> dict[str, int]:
    return {name: kind.response.count for (_, _, name), kind in observed.transactions.items()}


def means(observed) -> dict[str, int]:
    return {
        name: kind.response.sum_ns // kind.response.count
        for (_, _, name), kind in observed.transactions.items()
    }


def test_arguments_and_the_returned_value_are_passed_on():
    seen: list[object] = []

    class Pays(PartitionUser):
        @task
        def work(self) -> None:
            seen.append(self.pay(3, currency="yen"))

        @transaction
        def pay(self, times: int, currency: str) -> str:
            self.partition.compute(0.001 * times)
            return f"{times} {currency}"

    observed = drive(Pays)
    assert set(seen) == {"3 yen"}
    assert counts(observed) == {"pay": len(seen)}
    (kind,) = observed.transactions.values()
    assert kind.response.sum_ns == 3 * MS * kind.response.count


def test_it_stands_in_task_sets_nested_ones_and_on_functions_of_any_kind():
    @transaction
    def free() -> None:
        pass

    class Inner(TaskSet):
        @task
        @transaction
        def inner(self) -> None:
            self.user.partition.compute(0.001)
            free()
            Mine.of_class()
            Mine.static()
            self.interrupt(reschedule=False)

    class Outer(TaskSet):
        tasks: ClassVar = [Inner]

    class Mine(PartitionUser):
        tasks: ClassVar = [Outer]

        @classmethod
        @transaction
        def of_class(cls) -> None:
            pass

        @staticmethod
        @transaction
        def static() -> None:
            pass

    found = counts(drive(Mine))
    assert set(found) == {"free", "inner", "of_class", "static"}
    assert found["inner"] in (found["free"], found["free"] - 1)


@pytest.mark.parametrize("leave", [RescheduleTask, StopUser])
def test_who_leaves_a_task_has_ended_its_transaction(leave):
    class Leaves(PartitionUser):
        @task
        @transaction
        def work(self) -> None:
            self.partition.compute(0.01)
            if leave is RescheduleTask or len(stayed) < 1:
                stayed.append(self)
                raise leave

    stayed: list[object] = []
    observed = drive(Leaves, users=2)
    assert counts(observed)["work"] >= 8
    assert stayed


def test_a_transaction_within_another_counts_its_own_time():
    class Nested(PartitionUser):
        @task
        @transaction
        def outer(self) -> None:
            self.partition.wait(0.006)
            self.inner()

        @transaction
        def inner(self) -> None:
            self.partition.wait(0.004)

    observed = drive(Nested)
    assert means(observed) == {"inner": 4 * MS, "outer": 10 * MS}


def test_only_the_first_transaction_of_an_arrival_counts_from_it():
    class Twice(PartitionUser):
        @task
        def work(self) -> None:
            self.partition.wait(0.005)
            self.first()
            self.second()

        @transaction
        def first(self) -> None:
            self.partition.wait(0.001)

        @transaction
        def second(self) -> None:
            self.partition.wait(0.002)

    observed = drive(Twice, until_ns=1000 * MS, arrivals_per_second=50.0)
    assert means(observed) == {"first": 6 * MS, "second": 2 * MS}
    assert counts(observed)["second"] > 20


def test_outside_of_a_users_tasks_there_is_nothing_to_measure():
    with pytest.raises(TypeError, match="outside of a user's tasks"):
        transaction(lambda: None)()


@pytest.mark.parametrize("path", ["/nowhere/prices.csv", "/"])
def test_a_file_that_cannot_be_read_is_an_error_and_no_failed_transaction(path):
    class Reads(PartitionUser):
        @task
        @transaction
        def work(self) -> None:
            Path(path).read_text()
            self.partition.compute(0.001)

    with pytest.raises((FileNotFoundError, IsADirectoryError), match=path):
        drive(Reads)


@pytest.mark.parametrize("name", ["checkout", 3, None])
def test_a_transaction_is_given_no_name(name):
    with pytest.raises(UserError, match="write @transaction alone"):
        transaction(name)


def test_coroutines_are_refused_from_helpers_and_in_partial_functions_too():
    async def works(_: object) -> None: ...

    class Forgets(PartitionUser):
        @task
        @transaction
        def work(self) -> object:
            return works(self)

    with pytest.raises(UserError, match=r"work\(\) returned a coroutine"):
        drive(Forgets)
    with pytest.raises(UserError, match="works is asynchronous"):
        transaction(partial(works))
