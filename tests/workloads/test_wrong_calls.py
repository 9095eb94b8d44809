"""Wrong calls of verbs: the message names the verb, its place, and what would be right."""

import pytest
from driving import drive
from locust import task

from workloads.user import PartitionUser
from workloads.wrong_calls import wrong_call


def message(call) -> str:
    """Return the description of what a call raises in a user's task."""

    class Calls(PartitionUser):
        @task
        def work(self) -> None:
            call(self.partition)

    with pytest.raises(Exception) as caught:
        drive(Calls)
    return wrong_call(caught.value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda partition: partition.reed(8192),
            "self.partition.reed: no such verb; did you mean 'read'? known: compute, exchange, "
            "now, parallel, read, receive, send, serve, wait, write",
        ),
        (
            lambda partition: partition.run("gzip"),
            "self.partition.run: only real targets have this verb",
        ),
        (
            lambda partition: partition.exchange(1, 2),
            "exchange() is called with other arguments; write "
            "self.partition.exchange(request_bytes, response_bytes, to)",
        ),
        (
            lambda partition: partition.serve(64),
            "serve() is called with other arguments; write "
            "self.partition.serve(request_bytes, response_bytes, processor_seconds=0.0, "
            "events=None)",
        ),
        (
            lambda partition: partition.read(size=3),
            "read() is called with other arguments; write "
            "self.partition.read(size_bytes, offset_bytes=None)",
        ),
    ],
)
def test_a_wrong_call_of_a_verb(call, text):
    assert message(call) == text


@pytest.mark.parametrize("call", [lambda _: [].reed, lambda _: next(), lambda _: 1 / 0])
def test_errors_of_other_code_are_not_described(call):
    assert message(call) == ""
