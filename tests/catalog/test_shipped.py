"""The shipped constants say what their sources say."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import harness.catalog
from harness.catalog import Status, load_catalog
from harness.catalog.constant import numbers
from workloads.loading import load_user
from workloads.partition import EVENTS

CATALOG = load_catalog()
NOMINAL = CATALOG.nominal()
KiB, MiB, GiB = 2**10, 2**20, 2**30
SIZES = (4096.0, 8192.0, 32768.0, 65536.0, 131072.0)


def test_every_constant_says_what_it_is_and_who_says_so() -> None:
    for constant in CATALOG.constants.values():
        assert constant.source.strip(), constant.name
        assert constant.status in Status, constant.name
        assert constant.meaning.endswith("."), constant.name
        assert len(constant.meaning) > 10, constant.name


def _tables(table: dict[str, Any], path: str = "") -> Any:
    for key, content in table.items():
        here = f"{path}.{key}".lstrip(".")
        if "value" in content:
            yield here, content
        else:
            yield from _tables(content, here)


def test_only_definitions_need_no_range_when_they_are_not_published() -> None:
    for path in sorted(Path(harness.catalog.__file__).parent.glob("*.toml")):
        for name, written in _tables(tomllib.loads(path.read_text(encoding="utf-8"))):
            constant = CATALOG.constants[name]
            if constant.status is Status.VERIFIED or isinstance(constant.value, (str, bool)):
                continue
            assert constant.uncertain != written.get("by_definition", False), name


@pytest.mark.parametrize("name", CATALOG.uncertain)
def test_ranges_hold_their_value_and_nothing_is_negative(name: str) -> None:
    constant = CATALOG.constants[name]
    for low, value, high in zip(
        numbers(constant.low), numbers(constant.value), numbers(constant.high), strict=True
    ):
        assert 0 <= low <= value <= high


SPOTS: list[tuple[str, Any]] = [
    # the processor
    ("processor.reference_clock", 1.65e9),
    ("processor.smt_threads", 2),
    ("processor.l2_line", 128),
    ("processor.l2_cores", 2),
    ("processor.l3_latency", 87),
    ("processor.memory_latency", 220),
    # the hypervisor
    ("hypervisor.window", 0.010),
    ("hypervisor.minimum_entitlement", 0.10),
    ("hypervisor.entitlement_step", 0.01),
    ("hypervisor.maximum_virtual_processors", 64),
    ("hypervisor.partitions_per_core", 10),
    ("hypervisor.default_weight", 128),
    ("hypervisor.maximum_weight", 255),
    ("hypervisor.pool_cost_guidance", 0.05),
    # operating systems
    ("os.aix-5.3.tick_rate", 100),
    ("os.sles-9.tick_rate", 1000),
    ("os.rhel-as-3.tick_rate", 100),
    ("os.aix-5.3.timeslice", 0.010),
    ("os.sles-9.timeslice", 0.100),
    ("os.rhel-as-3.timeslice", 0.060),
    ("os.aix-5.3.vscsi_queue_depth", 3),
    ("os.sles-9.vscsi_queue_depth", 16),
    ("os.rhel-as-3.vscsi_queue_depth", 16),
    # virtual I/O
    ("vios.vscsi.added_latency.physical", (32e-6, 33e-6, 33e-6, 40e-6, 61e-6)),
    ("vios.vscsi.added_latency.logical-volume", (35e-6, 36e-6, 34e-6, 40e-6, 63e-6)),
    ("vios.vscsi.cycles.physical", (45_000, 47_000, 58_000, 81_000, 120_000)),
    ("vios.vscsi.cycles.logical-volume", (49_000, 51_000, 59_000, 74_000, 105_000)),
    ("vios.sea.cycles_per_byte.threaded.simplex", (11.2, 5.0)),
    ("vios.sea.cycles_per_byte.threaded.duplex", (8.6, 3.8)),
    ("vios.sea.cycles_per_byte.non-threaded.simplex", (9.3, 3.6)),
    ("vios.sea.cycles_per_byte.non-threaded.duplex", (7.4, 2.9)),
    ("vios.sea.transaction_cycles.threaded", (23_022, 25_469)),
    ("vios.sea.transaction_cycles.non-threaded", (17_956, 20_196)),
    # devices and networks
    ("disks.ds4400-raid0-5.spindles", 5),
    ("ethernet.ethernet-1gb.line_rate", 125e6),
    ("ethernet.ethernet-1gb.frame_overhead", 38),
    ("ethernet.ethernet-1gb.sizing_duplex", 150e6),
    ("ethernet.ethernet-10gb.sizing_simplex", 1000e6),
    ("network.virtual.maximum_mtu", 65_394),
    ("network.hosted.throughput.vmware.send", 291e6 / 8),
    ("network.hosted.throughput.uml.receive", 203e6 / 8),
    # events: microseconds times the clock
    ("events.native.calls", 0.45 * 2400),
    ("events.native.execs", (530 - 110) * 2400),
    ("events.xen.forks", 198 * 2400),
    ("events.vmware.page_faults", 12.4 * 2400),
    ("events.vmware.context_switches", 18.1 * 2400),
    ("events.uml.calls", 24.7 * 2400),
    ("events.uml.context_switches_16p_64k", 52.0 * 2400),
    ("events.uml.mmaps", 1400 * 2400),
    ("events.vmware.file_deletes", 9.3 * 2400),
    # the hosted path
    ("hosted.vmware.world_switch", 7.45 * 733),
    ("hosted.vmware.io_in_monitor", 1.36 * 733),
    ("hosted.vmware.port_access", 0.74 * 733),
    ("hosted.vmware.interrupt_return", 3.93 * 733),
    ("hosted.vmware.transmit", 13.8 * 733),
    ("hosted.vmware.receive", 1.8 * 733),
    ("hosted.vmware.emulate_transmit", 5.2 * 733),
    ("hosted.vmware.status_register", 3.1 * 733),
    ("hosted.vmware.accesses_per_transmission", 3),
    # operations
    ("operations.mobility.rate", 80 * MiB),
    ("operations.cod.reserve.period", 86_400),
    ("operations.cod.utility.threshold", 0.10),
    ("operations.plm.sample_period", 10),
    ("operations.plm.notify_intervals", 6),
    # programs
    ("programs.spec_int.vmware", 554),
    ("programs.kernel_build.uml", 535),
    ("programs.kernel_build.os_share", 0.07),
]


@pytest.mark.parametrize(("name", "expected"), SPOTS)
def test_spot_values(name: str, expected: Any) -> None:
    value = NOMINAL[name]
    assert isinstance(value, (float, tuple))
    assert numbers(value) == pytest.approx(numbers(expected), rel=1e-12)


def test_the_l2_cache_has_the_lines_that_the_facts_count() -> None:
    size, line = NOMINAL.number("processor.l2_size"), NOMINAL.number("processor.l2_line")
    assert size / line == 15_360
    from_l3 = 15_360 * NOMINAL.number("processor.l3_latency")
    assert from_l3 / NOMINAL.number("processor.reference_clock") == pytest.approx(0.81e-3, rel=0.01)


def test_every_event_of_a_partition_has_a_cost_in_every_flavour() -> None:
    for flavour in ("native", "xen", *CATALOG.flavours):
        for event in EVENTS:
            constant = CATALOG.constants[f"events.{flavour}.{event}"]
            assert constant.unit == "cycles"
            measured = flavour in ("native", "xen", "vmware", "uml")
            measured = measured and event not in ("file_pages", "flushes")
            assert (constant.status is Status.VERIFIED) == measured


def test_a_monitor_of_2006_costs_less_than_one_of_2002() -> None:
    for event in ("page_faults", "protection_faults", "forks", "execs", "mmaps"):
        native, xen, esx, vmware = (
            NOMINAL.number(f"events.{level}.{event}")
            for level in ("native", "xen-3", "esx-3", "vmware")
        )
        assert native < min(xen, esx)
        assert max(xen, esx) < vmware
    # 3,927 cycles instead of 1,093, and 391 instead of 1 for the page-table entry.
    added = NOMINAL.number("events.esx-3.page_faults") - NOMINAL.number("events.native.page_faults")
    assert added == 3927 - 1093 + 391 - 1


def test_pages_and_executions_are_differences_of_what_lmbench_measures() -> None:
    for flavour, fork, exec_, empty, full in (
        ("native", 110, 530, 32.1, 66.0),
        ("xen", 198, 768, 32.5, 68.2),
        ("vmware", 874, 2300, 35.3, 85.6),
        ("uml", 21000, 33000, 130, 250),
    ):
        cycles = {
            event: NOMINAL.number(f"events.{flavour}.{event}")
            for event in ("forks", "execs", "file_creates", "file_pages")
        }
        assert cycles["forks"] + cycles["execs"] == pytest.approx(exec_ * 2400)
        assert cycles["forks"] == pytest.approx(fork * 2400)
        # 10 KB are three pages.
        assert cycles["file_creates"] == pytest.approx(empty * 2400)
        made = cycles["file_creates"] + 3 * cycles["file_pages"]
        assert made == pytest.approx(full * 2400, rel=0.005)


def test_every_flavour_has_a_year() -> None:
    years = {name: NOMINAL.number(f"hosted.{name}.year") for name in CATALOG.flavours}
    assert years == {"vmware": 2001, "uml": 2003, "xen-3": 2005, "esx-3": 2006}
    assert CATALOG.flavour("esx-3").endswith("(2006)")


def test_software_never_beats_the_native_system_except_where_the_paper_says_so() -> None:
    for flavour in ("vmware", "uml"):
        for event in EVENTS:
            hosted = NOMINAL.number(f"events.{flavour}.{event}")
            assert hosted > NOMINAL.number(f"events.native.{event}")
    assert NOMINAL.number("events.xen.signals") < NOMINAL.number("events.native.signals")


def test_published_bandwidths_agree_with_published_latencies() -> None:
    """IBM's virtual SCSI table and its latency table come from one campaign: within 2 us."""
    physical = NOMINAL.table("disks.ds4400-raid0-5.sequential_bandwidth")[1]
    virtual = NOMINAL.table("vios.vscsi.bandwidth.virtual")[1]
    added = NOMINAL.table("vios.vscsi.added_latency.physical")[1]
    for size, direct, through, latency in zip(SIZES, physical, virtual, added, strict=True):
        assert size / through - size / direct == pytest.approx(latency, abs=4e-6)


def test_published_sea_costs_agree_with_the_sizing_rule() -> None:
    """At MTU 1500 a Gigabit adapter needs about one 1.65 GHz processor, at 9000 half of one."""
    for mtu, processors in zip(*NOMINAL.table("vios.sea.processors_per_gigabit"), strict=True):
        cycles = NOMINAL.interpolate("vios.sea.cycles_per_byte.threaded.simplex", mtu)
        rate = NOMINAL.interpolate("vios.sea.throughput.threaded.simplex", mtu)
        assert cycles * rate / 1.65e9 == pytest.approx(processors, rel=0.30)


@pytest.mark.parametrize("backing", ["physical", "logical-volume"])
def test_virtual_scsi_tables_share_their_sizes(backing: str) -> None:
    for kind in ("added_latency", "cycles"):
        assert NOMINAL.table(f"vios.vscsi.{kind}.{backing}")[0] == SIZES


FEATURES = (
    "micro_partitioning",
    "dlpar_processors",
    "dlpar_memory",
    "dlpar_io",
    "smt_dynamic",
    "vp_folding",
    "plm",
    "purr_visible",
)


@pytest.mark.parametrize(
    ("system", "has"),
    [
        ("aix-5.3", (True, True, True, True, True, True, True, True)),
        ("sles-9", (True, True, False, True, True, False, False, True)),
        ("rhel-as-3", (True, False, False, False, False, False, False, False)),
    ],
)
def test_features_of_the_operating_systems(system: str, has: tuple[bool, ...]) -> None:
    assert tuple(NOMINAL.flag(f"os.{system}.{feature}") for feature in FEATURES) == has


@pytest.mark.parametrize(
    ("machine", "model", "cores", "clock_hz", "memory"),
    [
        ("p5-570", "9117-570", 16, 1.9e9, 512 * GiB),
        ("p5-550", "9133-55A", 8, 1.65e9, 64 * GiB),
        ("p5-520", "9131-52A", 4, 1.65e9, 32 * GiB),
        ("570-power6", "9117-MMA", 16, 4.7e9, 768 * GiB),
    ],
)
def test_machines(machine: str, model: str, cores: int, clock_hz: float, memory: int) -> None:
    assert NOMINAL.text(f"machines.{machine}.model") == model
    assert NOMINAL.number(f"machines.{machine}.cores") == cores
    assert NOMINAL.number(f"machines.{machine}.clock") == clock_hz
    assert NOMINAL.number(f"machines.{machine}.memory") == memory


def test_a_native_system_spends_a_plausible_part_of_commercial_time_in_the_os() -> None:
    demand = CATALOG.profile("commercial").groups[0].demand
    os_seconds = sum(
        NOMINAL.number(constant) * NOMINAL.number(f"events.native.{event}") / 1.65e9
        for event, constant in demand.items()
        if event in EVENTS
    )
    assert 0.05 < os_seconds / (os_seconds + NOMINAL.number(demand["processor"])) < 0.15


@pytest.mark.parametrize("name", CATALOG.profiles)
def test_profiles_ask_for_what_their_users_know(name: str) -> None:
    project = Path(harness.__file__).parent.parent
    for group in CATALOG.profile(name).groups:
        known = load_user(group.user, project).demand_model.model_fields
        assert set(group.demand) <= set(known)
        assert {"processor", "size"} & set(group.demand)
