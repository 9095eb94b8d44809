"""What several tests share: campaigns whose true overheads are known."""

import gc
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings

from harness.campaign.plan import Plan, make_plan
from harness.engine import compiled
from harness.metrics.ddsketch import Digest
from harness.results.packed_result import pack
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import RunResult
from harness.results.store import Failure, Store

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell ignores it for what runs in the background, and all processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once for each reason, not for each test, what was skipped."""
    reports = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    if reasons:
        terminalreporter.section("skipped")
    for reason, number in reasons.most_common():
        terminalreporter.line(f"{number} tests: {reason}")


# Explaining a failure traces every line of a simulation: it takes minutes.
_PHASES = [phase for phase in Phase if phase is not Phase.explain]
settings.register_profile("repeatable", derandomize=True, deadline=None, phases=_PHASES)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests that boot a guest or start a browser as slow; leave slow ones out by default.

    With compiled modules those that need the sources are left out: ``engine/test_compiled.py`` runs
    them.
    """
    for item in items:
        if item.get_closest_marker("printing") or "guest" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    unwanted = {"interpreted"} if compiled.in_use() else set()
    if not (os.environ.get("CI") or config.option.slow or "slow" in config.option.markexpr):
        unwanted.add("slow")
    left_out = [item for item in items if any(map(item.get_closest_marker, unwanted))]
    items[:] = [item for item in items if item not in left_out]
    if left_out:
        config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish() -> None:
    """Let the garbage collector forget the collected tests: they live as long as the process."""
    gc.collect()
    gc.freeze()


BASELINE = "full-system"
FIRMWARE = "shared-uncapped"
SOFTWARE = "hosted-vmware"


def synthetic_result(
    *,
    responses: Mapping[tuple[str, str, str], Sequence[float]],
    causes: Mapping[str, float],
    failed: int = 0,
    gauges: Mapping[str, Mapping[str, float]] | None = None,
    measured_seconds: float = 60.0,
    warm_up_seconds: float = 10.0,
    trustworthy: bool = True,
) -> RunResult:
    """A run's result with the given response times (s) and processor seconds by cause.

    ``responses`` goes by partition, group and name.
    """
    samples: list[tuple[str, dict[str, str], float]] = []
    digests = {}
    for (partition, group, name), times in responses.items():
        labels = {"partition": partition, "group": group, "name": name}
        digest = Digest()
        for seconds in times:
            digest.add(round(seconds * 1e9))
        digests[f"{partition}/{group}/{name}"] = digest
        ok = {**labels, "outcome": "ok"}
        samples += [
            ("vtax_transactions_total", ok, float(len(times))),
            ("vtax_response_seconds_count", labels, float(len(times))),
            ("vtax_response_seconds_sum", labels, digest.sum_ns / 1e9),
        ]
    if failed:
        labels = {"partition": "app1", "group": "g", "name": "n", "outcome": "failed"}
        samples.append(("vtax_transactions_total", labels, float(failed)))
    for cause, seconds in causes.items():
        labels = {"partition": "" if cause == "idle" else "app1", "cause": cause}
        samples.append(("vtax_processor_seconds_total", labels, seconds))
    samples += [
        ("vtax_measured_seconds", {}, measured_seconds),
        ("vtax_warm_up_seconds", {}, warm_up_seconds),
        ("vtax_warm_up_trustworthy", {}, float(trustworthy)),
    ]
    for partition, numbers in (gauges or {}).items():
        for name, value in numbers.items():
            samples.append((f"vtax_partition_{name}", {"partition": partition}, value))
    return RunResult(
        samples=samples,
        digests=digests,
        warm_up_seconds=warm_up_seconds,
        measured_seconds=measured_seconds,
        requests=sum(map(len, responses.values())) + failed,
    )


@dataclass
class SyntheticCampaign:
    """A campaign with known true overheads, ready to be put into a store.

    Responses and processor time of every virtualization are the baseline's of the same
    replication times a factor, apart from an own noise of about one per cent.
    """

    true: dict[str, dict[str, float]]
    """Virtualization -> measure (``response``, ``processor``) -> true ratio to the baseline."""
    machines: Sequence[str] = ("p5-570", "p5-550")
    replications: int = 12
    noise: float = 0.01
    claim: dict[str, Any] | None = field(
        default_factory=lambda: {
            "firmware": [FIRMWARE],
            "software": [SOFTWARE],
            "measures": ["slowdown", "processor-time"],
            "text": {"en": "the firmware level costs less", "ja": "ファームウェア"},
        }
    )
    margin: float = 0.1
    half_width: float | None = None
    baseline: bool = True
    exceptions: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    """(machine, virtualization) -> true ratios that differ from the others'."""
    infeasible: set[tuple[str, str]] = field(default_factory=set)
    failing: set[tuple[str, str, int]] = field(default_factory=set)
    """(machine, virtualization, replication) of runs that fail."""
    absent: set[tuple[str, str, int]] = field(default_factory=set)
    """The same of runs that were not made."""
    idle: set[tuple[str, str, int]] = field(default_factory=set)
    """The same of runs without a transaction."""
    unsettled: set[tuple[str, str, int]] = field(default_factory=set)
    """The same of runs whose warm-up has no end."""

    @property
    def record(self) -> CampaignRecord:
        """What the store says about it."""
        names = ([BASELINE] if self.baseline else []) + list(self.true)
        cells = [
            CellRecord(
                position=position,
                machine=machine,
                os="aix-5.3",
                virtualization=name,
                workload="commercial",
                load=(("users", "4"),),
                infeasible="no whole cores" if (machine, name) in self.infeasible else None,
                parameters={},
            )
            for position, (machine, name) in enumerate(
                (machine, name) for machine in self.machines for name in names
            )
        ]
        return CampaignRecord(
            name="synthetic",
            title={"en": "Synthetic"},
            identity="0" * 64,
            claim=self.claim,
            margin=self.margin,
            alpha=0.05,
            seed=7,
            replications={
                "minimum": self.replications,
                "maximum": self.replications,
                "half_width": self.half_width,
            },
            starts="2007-04-02T09:00:00+09:00",
            source="synthetic",
            text="",
            constants=(),
            versions={},
            model="",
            cells=tuple(cells),
        )

    def result(self, cell: CellRecord, replication: int) -> RunResult:
        """One run's result."""
        if (cell.machine, cell.virtualization, replication) in self.idle:
            return synthetic_result(responses={}, causes={"os": 0.1, "idle": 239.9})
        common = np.random.default_rng([3, replication])
        own = np.random.default_rng([4, replication, cell.position])
        times = common.gamma(2.0, 0.005, size=200)
        factors = {"response": 1.0, "processor": 1.0}
        if cell.virtualization != BASELINE:
            factors = {**factors, **self.true[cell.virtualization]}
            factors |= self.exceptions.get((cell.machine, cell.virtualization), {})
        noise = np.exp(own.normal(0.0, self.noise, size=2))
        busy = 40.0 * float(common.lognormal(0.0, 0.1) * factors["processor"] * noise[0])
        system = cell.virtualization == BASELINE
        kind = ("system", "app1/commercial", "pay") if system else ("app1", "commercial", "pay")
        return synthetic_result(
            responses={kind: list(times * factors["response"] * noise[1])},
            causes={"user": 0.75 * busy, "os": 0.25 * busy, "idle": 240.0 - busy},
            trustworthy=(cell.machine, cell.virtualization, replication) not in self.unsettled,
            gauges={kind[0]: {"dispatched_seconds_total": busy, "dispatches_total": 600.0}},
        )

    def fill(self, directory: Path) -> Store:
        """Put all runs into a store and open it for reading."""
        record = self.record
        with Store.start(directory, record) as store:
            for cell in record.cells:
                if cell.infeasible is not None:
                    continue
                for replication in range(self.replications):
                    run = (cell.machine, cell.virtualization, replication)
                    where = (f"{cell.position}-{replication}", cell.position, replication)
                    constants = (f"draw-{replication}", {"hypervisor.vp_switch": 3e-6})
                    if run in self.absent:
                        continue
                    if run in self.failing:
                        store.add(*where, *constants, (Failure.ERROR, "boom"))
                    else:
                        result = self.result(cell, replication)
                        store.add(*where, *constants, pack(result))
        return Store.open(directory)


@pytest.fixture(scope="session")
def make_result() -> Callable[..., RunResult]:
    return synthetic_result


@pytest.fixture(scope="session")
def synthetic() -> type[SyntheticCampaign]:
    return SyntheticCampaign


CAMPAIGN = """
[campaign]
name = "small"
duration = "100 ms"
warm_up = "10 ms"
replications = 2
seed = 5
margin = "10 %"

[claim]
firmware = ["shared-uncapped", "dedicated"]
software = ["hosted-uml"]

[factors]
machine = ["p5-550"]
os = ["aix-5.3", "rhel-as-3"]
virtualization = ["full-system", "shared-uncapped", "dedicated", "hosted-uml"]
workload = ["integer", "mine"]

[[partitions]]
name = "app"
count = 2
share = "25 %"
virtual_processors = "2 per core"
virtual_scsi = ["vios1"]
virtual_ethernet = { vlan = 10 }

[[vios]]
name = "vios1"
entitlement = 1.0
virtual_processors = 2
backing = { disk = "internal-scsi", as = "logical-volume" }
shared_ethernet = { adapter = "ethernet-1gb", vlans = [10] }

[workloads.mine]
user = "workloads/cpu.py:IntegerCompute"
users = "3 per core"
think_time = "5 ms"
demand = { processor = "2 ms" }
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the campaign with pieces of its text replaced; each must occur exactly once."""

    def write_campaign(*changes: tuple[str, str], text: str = CAMPAIGN) -> Path:
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "small.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_campaign


@pytest.fixture
def plan(write: Write) -> Plan:
    """The campaign as it stands."""
    return make_plan(str(write()))
