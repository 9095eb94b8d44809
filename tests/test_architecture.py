"""Imports run down only: cli, reports, analysis, campaign, metrics, platform, clock."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("harness", "workloads", "reports")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))
}


@cache
def imports(module: str) -> frozenset[str]:
    """Modules that a module imports, for types only, too; those of this project by full name."""
    tree = ast.parse(SOURCES[module].read_text())
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in SOURCES else node.module or "")
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return frozenset(found)


def room(module: str) -> str:
    """A package's room, or the name of a module that stands on its own."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "harness" else parts[0]


LAYERS: tuple[tuple[str, ...], ...] = (
    ("harness.__main__",),
    ("harness.cli",),
    ("harness.commands", "harness.locust_plugin"),
    (
        "harness.display",
        "harness.display_capacity",
        "harness.display_changes",
        "harness.display_explanation",
        "harness.display_sensitivity",
    ),
    ("reports",),
    ("harness.changes",),
    ("harness.analysis_samples", "harness.findings"),
    (
        "harness.analysis",
        "harness.capacity",
        "harness.explanation",
        "harness.real",
        "harness.sensitivity",
        "harness.validation",
    ),
    ("harness.precision", "harness.progress", "harness.seven_elements", "harness.summary"),
    ("harness.environments",),
    ("harness.overheads", "harness.live"),
    ("harness.campaign",),
    ("harness.users", "harness.real_time_guard", "harness.watchdog"),
    ("harness.operations", "harness.metrics", "harness.partition_on_clock"),
    ("harness.arguments", "harness.user_greenlet"),
    ("harness.source_line",),
    ("harness.platform", "harness.paced_clock", "workloads"),
    ("harness.clock", "harness.catalog"),
    ("harness.result_file", "harness.processes", "harness.statistics"),
    ("harness.units", "harness.locust_page"),
    ("harness.files", "harness.limits"),
    ("harness.encoding",),
    ("harness.errors", "harness.printable", "harness.sleeping"),
    ("harness",),
    ("harness.compiled",),
)
"""From the top to the bottom: who stands in a row may use what stands below it."""

KNOWN = frozenset(
    {
        ("harness.processes", "harness.clock"),
        ("harness.platform.capacity", "harness.platform.machine"),
        ("harness.platform.routes", "harness.platform.machine"),
        ("harness.platform.partition", "harness.platform.dispatcher"),
        ("harness.platform.virtual_processor", "harness.platform.partition"),
        ("harness.platform.processor", "harness.platform.virtual_processor"),
    }
)
"""Imports that close a circle, all of them for types only; there shall be no others."""

LEVEL = {name: level for level, row in enumerate(LAYERS) for name in row}


def own(module: str) -> set[str]:
    return {name for name in imports(module) if name.split(".")[0] in PACKAGES}


def test_there_is_something_to_look_at():
    assert len(SOURCES) > 60
    assert "harness.clock" in imports("harness.platform.machine")


def test_every_room_has_one_place():
    assert {room(module) for module in SOURCES} | {"harness"} == LEVEL.keys()
    assert len(LEVEL) == sum(map(len, LAYERS))


@pytest.mark.parametrize(("module", "name"), sorted(KNOWN))
def test_a_known_circle_is_there_still(module, name):
    assert name in imports(module), "it was cut: take it out of the list"


@pytest.mark.parametrize("module", SOURCES)
def test_imports_run_down_only(module):
    for name in own(module):
        if room(name) != room(module) and (module, name) not in KNOWN:
            assert LEVEL[room(name)] > LEVEL[room(module)], f"{module} imports {name}"


def test_no_import_runs_in_a_circle():
    graph = {
        module: {
            name for name in imports(module) if name in SOURCES and (module, name) not in KNOWN
        }
        for module in SOURCES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"{' -> '.join(error.args[1])}")


def outside(prefix: str) -> dict[str, set[str]]:
    """Packages from elsewhere, the standard library among them, by module."""
    return {
        module: {name.partition(".")[0] for name in imports(module)} - set(PACKAGES)
        for module in SOURCES
        if module == prefix or module.startswith(prefix + ".")
    }


def test_workloads_know_a_partitions_verbs_and_nothing_else():
    rooms = ("units", "encoding", "errors", "files", "sleeping")
    allowed = {"workloads", "harness", *(f"harness.{room}" for room in rooms)}
    for module in SOURCES:
        if module.startswith("workloads"):
            assert {room(name) for name in own(module)} <= allowed, module
    from_elsewhere = set().union(*outside("workloads").values())
    assert from_elsewhere & {"locust", "pydantic"} == {"locust", "pydantic"}
    third_party = {"simpy", "greenlet", "gevent", "numpy", "scipy", "prometheus_client", "sqlite3"}
    assert not from_elsewhere & third_party


def test_the_platform_knows_nothing_of_locust_prometheus_and_sqlite():
    unknown = {"locust", "gevent", "greenlet", "prometheus_client", "sqlite3", "pyarrow", "time"}
    found = outside("harness.platform")
    assert len(found) > 15
    for module, names in found.items():
        assert not names & (unknown | {"random"}), module


def test_the_platform_knows_only_the_clock_and_the_catalog():
    for module in SOURCES:
        if module.startswith("harness.platform"):
            assert {room(name) for name in own(module)} <= {
                "harness.platform",
                "harness.clock",
                "harness.catalog",
            }, module


def test_statistics_know_arrays_and_no_campaigns():
    for module in SOURCES:
        if module.startswith("harness.statistics"):
            assert {room(name) for name in own(module)} <= {"harness.statistics"}, module


def test_the_clock_and_the_platform_read_no_real_time():
    for module in ("harness.clock", "harness.users", "harness.campaign.run"):
        assert not {"time", "datetime", "asyncio"} & {
            name.partition(".")[0] for name in imports(module)
        }
