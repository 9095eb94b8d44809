"""Tasks that would do nothing are refused when their class is made."""

from typing import ClassVar

import pytest
from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, constant, task

from harness.errors import UserError
from workloads.user import PartitionUser, transaction


async def asynchronous(self) -> None: ...


def generator(self):
    yield


async def both(self):
    yield


LAZY = [asynchronous, generator, both]


@pytest.mark.parametrize("body", LAZY)
def test_a_transaction_without_effect_is_refused_by_name_and_line(body):
    with pytest.raises(UserError, match=rf"^test_tasks\.py:\d+: {body.__name__} is a"):
        transaction(body)


@pytest.mark.parametrize("body", LAZY)
@pytest.mark.parametrize("base", [PartitionUser, TaskSet, SequentialTaskSet])
def test_so_is_a_task_of_a_user_or_a_nested_task_set(body, base):
    made = type("Made", (base,), {}) if base is PartitionUser else None
    with pytest.raises(UserError, match=body.__name__):
        if made is not None:
            type("Mine", (PartitionUser,), {"tasks": [body]})
        else:
            inner = type("Inner", (base,), {"tasks": [body]})
            outer = type("Outer", (TaskSet,), {"tasks": {inner: 2}})
            type("Mine", (PartitionUser,), {"tasks": [outer]})


@pytest.mark.parametrize("name", ["on_start", "on_stop", "wait_time"])
def test_so_is_what_locust_calls_besides_tasks(name):
    with pytest.raises(UserError, match="asynchronous"):
        type("Mine", (PartitionUser,), {name: asynchronous})


@pytest.mark.parametrize("wait", [5, None, 0.5])
def test_a_wait_time_that_is_no_function_is_refused(wait):
    with pytest.raises(UserError, match=r"Mine\.wait_time = .*constant"):
        type("Mine", (PartitionUser,), {"wait_time": wait})


@pytest.mark.parametrize("client", [HttpUser, FastHttpUser])
def test_a_user_with_a_client_of_the_network_is_refused(client):
    with pytest.raises(UserError, match=f"derives from {client.__name__}"):
        type("Mine", (client, PartitionUser), {})


def test_ordinary_users_pass():
    class Flow(SequentialTaskSet):
        @task
        def one(self) -> None: ...

    class Mine(PartitionUser):
        wait_time = constant(1)
        tasks: ClassVar = {Flow: 3}

        @task(2)
        @transaction
        def two(self) -> None: ...

    assert len(Mine.tasks) == 5
