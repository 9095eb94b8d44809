"""The exposition: what the table says, in words that Prometheus understands."""

import pytest
from modelling import (
    BRIDGE,
    DEDICATED,
    FULL_SYSTEM,
    HOSTED,
    LAN,
    MS,
    PHYSICAL,
    UNCAPPED,
    WIRE,
    build,
    driven,
    group,
    partition,
    server,
    system,
)
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from harness.metrics.collector import expose, registry_for
from harness.metrics.families import FAMILIES, RESPONSE, RESPONSE_BOUNDS
from harness.metrics.mark import COUNTERS, Mark, mark, samples_since
from harness.metrics.observer import Observation
from harness.model.config import SystemConfiguration

GROUPS = (
    group("workloads/cpu.py:CommercialTransaction", 3, name="cpu", processor=0.002, forks=0.1),
    group("workloads/disk.py:RandomTransfers", 2, name="disk", size=8192),
    group("workloads/network.py:Streaming", 1, name="net", size=200_000),
)


def configurations() -> list[SystemConfiguration]:
    virtual = {"disks": 1, "vios": "vios1", "virtual_ethernet": LAN, "groups": GROUPS}
    own = {"disks": 1, "ethernet": WIRE, "groups": GROUPS}
    return [
        system(partition("system", 2, virtualization=FULL_SYSTEM, **own), cores=2),
        system(*(partition(n, 1, virtualization=PHYSICAL, **own) for n in "ab"), cores=2),
        system(
            partition("a", 1, virtualization=DEDICATED, **virtual),
            cores=2,
            vios=(server(shared_ethernet=BRIDGE),),
        ),
        system(
            *(partition(n, 0.4, 2, UNCAPPED, **virtual) for n in ("a", 'b "quoted"\\')),
            cores=1,
            vios=(server("vios1", 0.2, 1, UNCAPPED, shared_ethernet=BRIDGE),),
        ),
        system(
            *(partition(n, 1, virtualization=HOSTED, **own) for n in "ab"), cores=1, flavour="uml"
        ),
    ]


@pytest.fixture(params=range(5), scope="module")
def observed(request) -> Observation:
    machine = build(configurations()[request.param])
    with driven(machine, 1) as crowd:
        observation = Observation(machine, crowd.environment)
        machine.clock.run_until(173 * MS)
        yield observation


def test_samples_since_the_beginning_are_what_the_exposition_says(observed):
    nothing = Mark(0, [([], []) for _ in COUNTERS], {})
    samples = {
        (name, tuple(labels.items())): value
        for name, labels, value in samples_since(observed, nothing)
    }
    assert samples == {
        key: value
        for key, value in expose(registry_for(observed)).items()
        if not key[0].startswith(RESPONSE)
    }
    assert len(samples) > 20


def test_a_mark_is_what_counting_starts_from(observed):
    now = mark(observed)
    assert now.time_ns == 173 * MS
    assert {key: kind.response for key, kind in observed.transactions.items()} == now.responses
    for name, _, value in samples_since(observed, now):
        assert (value == 0.0) or not name.endswith("_total")


def test_every_sample_appears_once(observed):
    keys = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for metric in registry_for(observed).collect()
        for sample in metric.samples
    ]
    assert len(set(keys)) == len(keys) == len(expose(registry_for(observed)))


@pytest.mark.parametrize(
    ("generate", "parse"),
    [
        (generate_latest, text_string_to_metric_families),
        (generate_openmetrics, parse_openmetrics),
    ],
)
def test_prometheus_understands_the_exposition_and_reads_the_same_values(observed, generate, parse):
    registry = registry_for(observed)
    text = generate(registry).decode()
    parsed = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }
    assert parsed == expose(registry)


def test_the_exposition_holds_every_family_and_nothing_of_this_process(observed):
    names = {metric.name for metric in registry_for(observed).collect()}
    assert names == {family.name for family in FAMILIES} | {RESPONSE}
    assert all(name.startswith("vtax_") for name in names)


def test_processor_seconds_are_conserved(observed):
    exposed = expose(registry_for(observed))
    spent = sum(v for (name, _), v in exposed.items() if name == "vtax_processor_seconds_total")
    cores = exposed["vtax_processors", ()]
    assert spent == pytest.approx(cores * 0.173, rel=1e-12)
    assert exposed["vtax_simulated_seconds_total", ()] == 0.173


def test_dispatched_time_is_at_most_all_there_is_and_at_least_the_users_own(observed):
    exposed = expose(registry_for(observed))
    dispatched = sum(
        v for (name, _), v in exposed.items() if name == "vtax_partition_dispatched_seconds_total"
    )
    user = sum(
        v
        for (name, labels), v in exposed.items()
        if name == "vtax_processor_seconds_total" and ("cause", "user") in labels
    )
    assert 0 < user <= dispatched <= exposed["vtax_processors", ()] * 0.1731


def test_the_histogram_counts_what_the_digest_holds(observed):
    exposed = expose(registry_for(observed))
    assert observed.transactions
    for (part, own_group, name), kind in observed.transactions.items():
        labels = (("group", own_group), ("name", name), ("partition", part))
        assert exposed[f"{RESPONSE}_count", labels] == kind.response.count
        assert exposed[f"{RESPONSE}_sum", labels] == kind.response.sum_ns / 1e9
        ok = (*labels[:2], ("outcome", "ok"), *labels[2:])
        assert exposed["vtax_transactions_total", ok] == kind.response.count
        buckets = [
            exposed[f"{RESPONSE}_bucket", (labels[0], ("le", le), *labels[1:])]
            for le in [f"{bound:.7g}" for bound in RESPONSE_BOUNDS] + ["+Inf"]
        ]
        assert buckets == sorted(buckets)
        assert buckets[-1] == kind.response.count


def test_reading_changes_nothing(observed):
    registry = registry_for(observed)
    assert expose(registry) == expose(registry)
