"""A cell in real time: the same as a virtual run, with users that come and go."""

import re
from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event
from gevent.pool import Group
from locust.env import Environment
from modelling import (
    ETHERNET,
    HOSTED,
    UNCAPPED,
    group,
    partition,
    server,
    spec,
    system,
)

from harness.campaign.cell import RunSpec
from harness.campaign.plan import make_plan
from harness.campaign.run import run_cell
from harness.clock import to_ns
from harness.errors import UserError
from harness.live import Live, cell_labels, live_spec
from harness.metrics.collector import Samples, counters, expose
from harness.metrics.families import FAMILIES, RESPONSE
from harness.platform.configuration import (
    EthernetConfiguration,
    SharedEthernetConfiguration,
    UserGroup,
    VirtualEthernetConfiguration,
)

SEA = SharedEthernetConfiguration(EthernetConfiguration(ETHERNET), (10,))
ALL_VERBS = (
    group("workloads/cpu.py:CommercialTransaction", 3, name="cpu", processor=0.002, forks=0.1),
    group("workloads/virtual_scsi.py:RandomTransfers", name="disk", arrivals=80.0, size=8192),
    group("workloads/carrier.py:RecordBatch", 1, name="records", processor=0.001, think=0.002),
    group("workloads/network.py:Streaming", 1, name="out", size=300_000, think=0.003),
    group("workloads/network.py:Receiving", 1, name="in", size=200_000, think=0.003),
    group("workloads/network.py:RequestResponse", 2, name="ask", request=100, response=900),
)


def cell(*groups: UserGroup, duration: float = 0.3) -> RunSpec:
    parts = [
        partition(
            name,
            0.4,
            2,
            UNCAPPED,
            disks=1,
            vios="vios1",
            virtual_ethernet=(VirtualEthernetConfiguration(10),),
            groups=groups,
        )
        for name in ("app1", "app2")
    ]
    vios = server("vios1", 0.2, 1, UNCAPPED, shared_ethernet=SEA)
    return spec(system(*parts, cores=1, vios=(vios,)), duration=duration, warm_up=0.0)


def run_live(run: RunSpec, speed: float, begin: Callable[[Live, Environment], None]) -> Samples:
    """Let a cell run in real time until its duration is over, and read its counters."""
    environment = Environment()
    live = Live(run, environment, speed)
    stop = Event()
    found: Samples = {}

    def end() -> None:
        found.update(counters(live.observation))
        for key, kind in live.observation.transactions.items():
            found[RESPONSE, tuple(zip("pgn", key, strict=True))] = kind.response.sum_ns
        stop.set()

    begin(live, environment)
    with live:
        live.clock.call_in(to_ns(run.cell.duration_seconds), end)
        live.join(stop)
    return found


def all_at_once(live: Live, environment: Environment) -> None:
    """Start the campaign's users at the beginning of simulated time, as a virtual run does."""
    users = Group()
    for cls in environment.user_classes:
        for _ in range(cls.fixed_count or cls.weight):
            cls(environment).start(users)


@pytest.mark.parametrize("groups", [[each] for each in ALL_VERBS] + [list(ALL_VERBS)])
def test_the_same_users_from_the_same_moment_see_what_a_virtual_run_does(groups):
    """Not only on average: every counter is the same, to the nanosecond."""
    run = cell(*groups)
    live = run_live(run, 50.0, all_at_once)
    virtual = run_cell(run)
    expected: Samples = {}
    for name, labels, value in virtual.samples:
        if name.endswith("_total"):
            expected[name, tuple(sorted(labels.items()))] = value
    for key, digest in virtual.digests.items():
        partition_, group_, name = re.fullmatch("([^/]*)/(.*)/([^/]*)", key).groups()
        labels = tuple(zip("pgn", (partition_, group_, name), strict=True))
        expected[RESPONSE, labels] = digest.sum_ns
    assert sum(digest.count for digest in virtual.digests.values()) > 20
    assert live == expected
