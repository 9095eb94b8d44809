"""Writes the generated parts of the documentation from the code.

A page marks such a part with two comments::

    <!-- generated: NAME -->
    <!-- end -->

NAME is a key of :data:`PARTS`, or ``table CLASS`` for a table of the campaign file.
"""

import ast
import importlib
import inspect
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

import harness
from harness.campaign.reader import SHIPPED, shipped_campaigns
from harness.campaign.real_matrix import LEVELS
from harness.campaign.schema import limits
from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.metrics import METRICS
from harness.catalog import Catalog, load_catalog
from harness.catalog.catalog import VIRTUALIZATIONS
from harness.cli.app import app
from harness.imports.formats import FORMATS
from harness.metrics.families import FAMILIES, RECORDED, RESPONSE, RESPONSE_HELP, RESPONSE_LABELS
from harness.model.cpu.dispatcher import Dispatcher
from harness.model.ledger import CAUSE_LABELS
from harness.results.imported import IMPORTED
from harness.units import DIMENSIONS
from workloads.partition import EVENTS, Partition
from workloads.user import EventDemand, PartitionUser

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewritten(page: str) -> str:
    """Return the text of a page with all generated parts written again."""
    return _PART.sub(lambda found: f"{found[1]}\n{part(found[2])}\n{found[3]}", page)


def part(name: str) -> str:
    """Write one generated part."""
    kind, _, argument = name.partition(" ")
    return "\n".join(PARTS[kind](*argument.split())) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def code(text: object) -> str:
    """Set a text as code; nothing stays nothing."""
    return f"`{text}`" if str(text) else ""


# The campaign file


def campaign_table(name: str) -> Iterator[str]:
    """Describe every key of a table of the campaign file."""
    schema = Campaign.model_json_schema(by_alias=True)
    keys = schema["$defs"][name]
    required = keys.get("required", [])
    yield from table(
        ("key", "value", "default", "meaning"),
        (
            (
                code(key),
                _value(field),
                "required" if key in required else _default(field),
                _sentence(field.get("description", "")),
            )
            for key, field in keys["properties"].items()
        ),
    )


def _value(field: Mapping[str, Any]) -> str:
    """Say in a few words what stands behind a key."""
    if "$ref" in field:
        return _reference(str(field["$ref"]).rpartition("/")[2])
    if examples := field.get("examples"):
        texts = [code(_toml(example)) for example in examples]
        kind = _DIMENSION_OF.get(str(examples[0]), "")
        return f"{kind}, such as {', '.join(texts)}" if kind else f"such as {', '.join(texts)}"
    if "anyOf" in field:
        kinds = [_value(each) for each in field["anyOf"] if each.get("type") != "null"]
        if any(kind.startswith("ratio") for kind in kinds):  # it may be a bare number, too
            return kinds[-1]
        if "number" in kinds and "whole number" in kinds:
            kinds.remove("whole number")
        return ", or ".join(dict.fromkeys(kinds))
    if "const" in field:
        return code(_toml(field["const"]))
    if field.get("enum") == list(METRICS):
        return "a [metric](scenarios.md#what-can-be-observed)"
    if "enum" in field:
        return ", ".join(code(_toml(each)) for each in field["enum"])
    return _plain(field)


_SI = {"time": "s", "size": "B"}
_DIMENSION_OF = {each.example: name for name, each in DIMENSIONS.items()}


def _plain(field: Mapping[str, Any]) -> str:
    kind = field.get("type")
    if kind == "array":
        size = "list of two:" if field.get("maxItems") == 2 else "list of"
        return f"{size} {_value(field['items'])}"
    if kind in ("integer", "number"):
        return ("whole number" if kind == "integer" else "number") + _bounds(field)
    if kind == "object":
        return "texts by language: `en`, `ja`" if "en" in field.get("properties", {}) else "table"
    return {"string": "text", "boolean": "`true` or `false`"}.get(str(kind), "value")


_ENDLESS = 2**40


def _bounds(field: Mapping[str, Any]) -> str:
    bounds = []
    if "minimum" in field and field.get("maximum", _ENDLESS) < _ENDLESS:
        return f", {field['minimum']:.10g} to {field['maximum']:.10g}"
    for key, text in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
    ):
        bound = field.get(key)
        if bound is not None and bound < _ENDLESS:
            bounds.append(f"{text} {bound:g}")
    return f", {' and '.join(bounds)}" if bounds else ""


@cache
def _places() -> Mapping[str, str]:
    """Find the heading under which each table of the campaign file is described."""
    places = {}
    for page in PAGES:
        heading, fenced = "", False
        for line in page.read_text(encoding="utf-8").splitlines():
            fenced ^= line.startswith("```")
            if line.startswith("#") and not fenced:
                heading = line.lstrip("#").strip()
            elif line.startswith("<!-- generated: table "):
                places[line.split()[3]] = f"[{heading}]({page.name}#{slug(heading)})"
    return places


def slug(heading: str) -> str:
    """Make the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _reference(name: str) -> str:
    return f"table {_places()[name]}"


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default in (None, []) or isinstance(default, dict):
        return ""
    unit = _SI.get(_value(field).partition(",")[0])
    return code(_toml(default if unit is None else f"{default:g} {unit}"))


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sentence(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")


def quantities() -> Iterator[str]:
    """List what a quantity may be written in."""
    yield from table(
        ("quantity", "units", "example"),
        (
            (
                dimension,
                ", ".join(code(unit) for unit in known.units if unit) or "none",
                code(_toml(known.example)),
            )
            for dimension, known in DIMENSIONS.items()
        ),
    )


def _number(number: float | None) -> str:
    if number is None:
        return ""
    if isinstance(number, int):
        return f"{number:,}" if number >= 10_000 else str(number)
    return f"{number:,.10g}"


def ranges() -> Iterator[str]:
    """List the ranges that numbers must lie in."""
    rows = []
    body = ast.parse(inspect.getsource(limits)).body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name = statement.targets[0].id
        allowed = getattr(limits, name)
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        meaning = str(after.value.value) if documented else f"{name.title()}."
        if not isinstance(allowed, tuple):
            allowed = (allowed, None) if name.startswith("SHORTEST") else (None, allowed)
        rows.append((meaning, *map(_number, allowed)))
    yield from table(("number", "from", "to"), rows)


def campaigns() -> Iterator[str]:
    """List the shipped campaigns with their titles."""
    rows = []
    for name in shipped_campaigns():
        data = tomllib.loads((SHIPPED / f"{name}.toml").read_text(encoding="utf-8"))
        title = data["campaign"].get("title", name)
        rows.append((code(name), title if isinstance(title, str) else title["en"]))
    yield from table(("campaign", "title"), rows)


# The catalog


def catalog_items(collection: str) -> Iterator[str]:
    """List the items of a collection of the catalog."""
    catalog = load_catalog()
    names = {
        "machines": catalog.machines,
        "os": catalog.operating_systems,
        "disks": catalog.disks,
        "ethernet": catalog.adapters,
        "hosted": catalog.flavours,
        "profiles": catalog.profiles,
    }[collection]
    yield from table(
        ("name", "what it is"), ((code(name), catalog.title(collection, name)) for name in names)
    )


def machines() -> Iterator[str]:
    """List the machines with what was sold of them."""
    catalog = load_catalog()
    yield from table(
        ("machine", "default", "sold as"),
        (
            (
                code(name),
                ", ".join(
                    catalog.published(f"machines.{name}.{key}")
                    for key in ("model", "generation", "cores", "clock", "memory")
                ),
                "<br>".join(_texts(catalog, f"machines.{name}.configurations")),
            )
            for name in catalog.machines
        ),
    )


def _texts(catalog: Catalog, name: str) -> Iterator[str]:
    value = catalog.constants[name].value
    yield from map(str, value if isinstance(value, tuple) else (value,))


def virtualizations() -> Iterator[str]:
    """List the ways of dividing a machine."""
    catalog = load_catalog()
    rows = [(code(name), meaning) for name, meaning in VIRTUALIZATIONS.items()]
    rows += [
        (code(f"hosted-{name}"), f"Guests of {catalog.flavour(name)}.") for name in catalog.flavours
    ]
    yield from table(("virtualization", "meaning"), rows)


def item_keys(collection: str, example: str) -> Iterator[str]:
    """List the constants of an item: what a new one needs."""
    catalog = load_catalog()
    rows = []
    for constant in catalog.constants.values():
        if constant.path[:2] == (collection, example):
            published = constant.published
            if constant.at:
                published = f"{len(constant.at)} values"
            rows.append((code(".".join(constant.path[2:])), published, constant.meaning))
    yield from table(("constant", f"`{example}`", "meaning"), rows)


# Workloads


def verbs() -> Iterator[str]:
    """List a partition's verbs."""
    rows = []
    for name, method in vars(Partition).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        rows.append((code(f"{name}({_parameters(method)})"), _summary(method)))
    yield from table(("verb", "effect"), rows)


def _summary(documented: object) -> str:
    return " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split())


def events() -> Iterator[str]:
    """List the events of a demand, with what one costs."""
    catalog = load_catalog()
    levels = ("native", *catalog.flavours)
    constants = catalog.constants
    rows = []
    further = (each.path[2] for each in constants.values() if each.path[:2] == ("events", "native"))
    for event in dict.fromkeys((*EVENTS, *further)):
        meaning = constants[f"events.native.{event}"].meaning.partition(", native")[0]
        costs = (constants.get(f"events.{level}.{event}") for level in levels)
        rows.append(
            (code(event), meaning, *("" if cost is None else cost.published for cost in costs))
        )
    yield from table(
        ("event", "one of them is", "native", *(f"hosted-{name}" for name in catalog.flavours)),
        rows,
    )


def users() -> Iterator[str]:
    """List the shipped user classes with the parameters of their demands."""
    rows = []
    for path in sorted((ROOT / "workloads").glob("*.py")):
        name = "workloads" if path.stem == "__init__" else f"workloads.{path.stem}"
        for cls in vars(importlib.import_module(name)).values():
            if not _is_user(cls, name):
                continue
            fields = cls.demand_model.model_json_schema()["properties"]
            events = issubclass(cls.demand_model, EventDemand)
            own = {key: field for key, field in fields.items() if not (events and key in EVENTS)}
            parameters = [f"`{key}` ({_dimension(field)})" for key, field in own.items()]
            parameters += ["events"] * events
            user = code(f"workloads/{path.name}:{cls.__name__}")
            rows.append((user, _summary(cls), ", ".join(parameters)))
    yield from table(("user", "what it does", "demand"), rows)


def _dimension(field: Mapping[str, Any]) -> str:
    return _value(field).partition(",")[0]


def _is_user(cls: object, module: str) -> bool:
    return (
        inspect.isclass(cls)
        and issubclass(cls, PartitionUser)
        and cls.__module__ == module
        and not cls.abstract
    )


def profiles() -> Iterator[str]:
    """List the workload profiles of the catalog."""
    catalog = load_catalog()
    rows = []
    for name in catalog.profiles:
        profile = catalog.profile(name)
        groups = (
            f"`{group.user}`, {group.users}"
            + (
                f", think time {group.think_time_seconds * 1e3:g} ms"
                if group.think_time_seconds
                else ""
            )
            for group in profile.groups
        )
        rows.append((code(name), profile.title, "<br>".join(groups)))
    yield from table(("profile", "what it is", "users"), rows)


# Commands, metrics


def commands() -> Iterator[str]:
    """Show the help of every command, as it is at 80 columns."""
    yield from _help(())
    for command in ("catalog", "catalog show", *_names()):
        yield f"## vtax {command}"
        yield ""
        yield from _help(tuple(command.split()))


def _names() -> Iterator[str]:
    yield from (str(info.name) for info in app.registered_commands)


def _help(command: Sequence[str]) -> Iterator[str]:
    shown = CliRunner().invoke(
        app, [*command, "--help"], prog_name="vtax", terminal_width=80, color=False
    )
    yield "```text"
    yield shown.output.strip()
    yield "```"
    yield ""


def metrics() -> Iterator[str]:
    """List the metrics that are read off a machine."""
    rows = [
        (code(family.sample_name), family.kind, ", ".join(map(code, family.labels)), family.help)
        for family in FAMILIES
    ]
    rows.append(
        (
            code(f"{RESPONSE}_bucket"),
            "histogram",
            ", ".join(map(code, RESPONSE_LABELS)),
            RESPONSE_HELP,
        )
    )
    yield from table(("metric", "kind", "labels", "meaning"), rows)


def recorded_metrics() -> Iterator[str]:
    """List the metrics of a finished campaign only."""
    yield from table(("metric", "meaning"), ((code(name), text) for name, text in RECORDED.items()))


def imported_metrics() -> Iterator[str]:
    """List the metrics that only imports have."""
    yield from table(("metric", "meaning"), ((code(name), text) for name, text in IMPORTED.items()))


def import_formats() -> Iterator[str]:
    """List the formats that are imported."""
    yield from table(("format", "files"), ((code(each.name), each.meaning) for each in FORMATS))


def observables() -> Iterator[str]:
    """List the metrics that expectations and rules can name."""
    rows = []
    for name, metric in METRICS.items():
        kind = "number" if metric.dimension == "count" else metric.dimension or "text or number"
        rows.append((code(name), metric.of, kind, metric.meaning))
    yield from table(("metric", "of", "kind", "meaning"), rows)


def causes() -> Iterator[str]:
    """List the causes of processor time."""
    yield ", ".join(map(code, (*CAUSE_LABELS, "idle"))) + "."


def rules() -> Iterator[str]:
    """List the recording and alerting rules."""
    rows = []
    for path in sorted((ROOT / "grafana/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                kind = "alert" if "alert" in rule else "record"
                rows.append((code(rule[kind]), kind, code(f"grafana/rules/{path.name}")))
    yield from table(("rule", "kind", "file"), rows)


def names(kind: str) -> Iterator[str]:
    """List the names and meanings that reports use, in both languages."""
    english, japanese = (
        tomllib.loads((ROOT / f"reports/locales/{language}.toml").read_text(encoding="utf-8"))
        for language in ("en", "ja")
    )
    meanings = english["names"][f"{kind}_meaning"]
    yield from table(
        ("name", "in reports", "meaning", "Japanese"),
        (
            (code(name), text, meanings[name], japanese["names"][kind][name])
            for name, text in english["names"][kind].items()
        ),
    )


def public_names() -> Iterator[str]:
    """List what ``import harness`` offers."""
    rows = []
    for name in harness.__all__:
        public = getattr(harness, name)
        if not inspect.isclass(public):
            rows.append((code(f"harness.{name}({_parameters(public)})"), _summary(public)))
            continue
        rows.append((code(f"harness.{name}"), _summary(public)))
        for key, member in vars(public).items():
            if key.startswith("_") or not inspect.getdoc(member):
                continue
            call = f"({_parameters(member)})" if inspect.isfunction(member) else ""
            rows.append((code(f"{name}.{key}{call}"), _summary(member)))
    yield from table(("name", "what it is"), rows)


def _parameters(function: Callable[..., object]) -> str:
    """Write a function's parameters without their types."""
    signature = inspect.signature(function)
    parameters = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in signature.parameters.values()
        if each.name != "self"
    ]
    bare = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return str(bare)[1:-1]


def scheduler() -> Iterator[str]:
    """List what a scheduling policy decides."""
    required = ("wake", "free_processor", "release", "forget")
    rows = [
        (code(name), "required" if name in required else "", _summary(getattr(Dispatcher, name)))
        for name in (*required, "limit", "limit_reached", "use")
    ]
    yield from table(("method", "", "effect"), rows)


def real_targets() -> Iterator[str]:
    """List the real targets."""
    yield from table(("virtualization", "level"), ((code(k), v) for k, v in LEVELS.items()))


PARTS: Mapping[str, Callable[..., Iterator[str]]] = {
    "table": campaign_table,
    "quantities": quantities,
    "campaigns": campaigns,
    "ranges": ranges,
    "items": catalog_items,
    "machines": machines,
    "virtualizations": virtualizations,
    "item-keys": item_keys,
    "verbs": verbs,
    "events": events,
    "users": users,
    "profiles": profiles,
    "commands": commands,
    "metrics": metrics,
    "recorded-metrics": recorded_metrics,
    "imported-metrics": imported_metrics,
    "import-formats": import_formats,
    "causes": causes,
    "observables": observables,
    "names": names,
    "public-names": public_names,
    "rules": rules,
    "scheduler": scheduler,
    "real-targets": real_targets,
}
"""What can be generated."""


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
