from types import SimpleNamespace

from locust.env import Environment
from modelling import FULL_SYSTEM, build, partition, system

from harness.metrics.collector import expose, registry_for
from harness.metrics.families import RESPONSE, RESPONSE_BOUNDS
from harness.metrics.observer import Observation


def observation() -> tuple[Observation, Environment]:
    environment = Environment()
    machine = build(system(partition("app", 1, virtualization=FULL_SYSTEM), cores=1))
    return Observation(machine, environment), environment


def fire(environment: Environment, name: str, ms: float, **keywords: object) -> None:
    defaults = {
        "exception": None,
        "context": {"user": SimpleNamespace(labels=("app", "g"))},
    }
    environment.events.request.fire(
        request_type="x",
        name=name,
        response_time=ms,
        response_length=0,
        **{**defaults, **keywords},
    )


def test_response_times_keep_their_nanoseconds():
    observed, environment = observation()
    for ms in (0.000123, 0.3, 12.345678, 0.0):
        fire(environment, "unit", ms)
    kind = observed.transactions["app", "g", "unit"]
    assert kind.response.sum_ns == 123 + 300_000 + 12_345_678
    assert kind.response.count == observed.completed == 4
    assert observed.response_ns == kind.response.sum_ns


def test_failures_are_counted_apart_and_have_no_response_time():
    observed, environment = observation()
    fire(environment, "unit", 1.0)
    fire(environment, "unit", 500.0, exception=OSError("gone"))
    kind = observed.transactions["app", "g", "unit"]
    assert (kind.response.count, kind.failed) == (1, 1)
    assert kind.response.sum_ns == 1_000_000
    assert observed.completed == 1


def test_kinds_are_kept_apart_by_partition_group_and_name():
    observed, environment = observation()
    other = {"user": SimpleNamespace(labels=("app", "h"))}
    fire(environment, "a", 1.0)
    fire(environment, "b", 1.0)
    fire(environment, "a", 1.0, context=other)
    assert list(observed.transactions) == [("app", "g", "a"), ("app", "g", "b"), ("app", "h", "a")]


def test_a_request_of_nobody_is_remembered_by_name():
    observed, environment = observation()
    fire(environment, "page", 1.0, context={})
    assert observed.refused is not None
    assert observed.refused.startswith("request 'page' is reported without its user")
    assert observed.transactions == {}


def test_what_takes_longer_than_the_last_bound_is_in_the_last_bucket_only():
    observed, environment = observation()
    fire(environment, "unit", RESPONSE_BOUNDS[-1] * 2e3)
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in expose(registry_for(observed)).items()
        if name == f"{RESPONSE}_bucket"
    }
    assert buckets.pop("+Inf") == 1
    assert set(buckets.values()) == {0}
