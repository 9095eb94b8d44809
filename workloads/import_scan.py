"""What a module would import, and what in it is not the same in every run: read, not executed."""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from pkgutil import get_importer

from harness.errors import UserError
from workloads.user_code import OWN, UserCode, check_encoding, is_users, reserved

_CLOCKS = frozenset(
    (
        *("time.process_time", "time.process_time_ns", "time.thread_time", "time.thread_time_ns"),
        *("time.localtime", "time.gmtime", "time.strftime", "time.ctime"),
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
        *("datetime.date.today", "uuid.uuid1"),
    )
)
_SEEDED = frozenset(("random.Random", "numpy.random.default_rng", "numpy.random.RandomState"))
_STOPS = {
    "locust.exception.StopUser": "ends its user for the rest of a run; none takes its place",
    "locust.exception.StopTest": "ends its user only, and not the run",
}
_NO_USERS = ("workloads", "workloads.partition", "workloads.user")
"""Modules of vtax that users import, and that have no transactions of their own."""

_CALLED_WITH_NAMES = frozenset(("importlib.import_module", "__import__"))


@dataclass
class Scan:
    """What a locustfile and the user's modules that it would import say."""

    files: set[str] = field(default_factory=set)
    """Paths of all these modules."""
    notes: list[str] = field(default_factory=list)
    """What in them may differ from run to run, or ends users; each with file and line."""
    measures: bool = False
    """Whether they may measure anything: with ``@transaction`` or an event of Locust's."""


def scan(code: UserCode, path: Path, name: str, found: Scan) -> None:
    """Read a module and what it would import, functions included, without executing anything.

    Parameters
    ----------
    code
        Its folders are searched.
    path, name
        The module's file and full name.
    found
        What is known already; it is added to.

    Raises
    ------
    UserError
        If a module cannot be imported because one of Python or of vtax has its name, or its
        encoding is not what it says.
    SyntaxError
        If a module is not Python.
    """
    if str(path) in found.files:
        return
    found.files.add(str(path))
    if path.suffix != ".py":
        return
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    content = code.source(path)
    check_encoding(content, path.name)
    tree = ast.parse(content, path.name)
    names = _names(tree)
    for node in ast.walk(tree):
        found.notes += _notes(node, names, path)
        found.measures |= _measures(node, names)
        for wanted in _wanted(node, names, package):
            _refuse_taken(wanted, code, f"{path.name}, line {getattr(node, 'lineno', 0)}")
            for each, origin in _origins(wanted):
                scan(code, Path(origin), each, found)


def scan_loaded(code: UserCode, found: Scan) -> None:
    """Do the same with all modules of the user that are loaded now."""
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path in code.files:
            scan(code, Path(path), name, found)


def _wanted(node: ast.AST, names: dict[str, str], package: str) -> Iterator[str]:
    """Yield the names of modules that a statement or call may import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            parts = package.split(".")
            above = ".".join(parts[: len(parts) - node.level + 1])
            module = f"{above}.{module}".strip(".")
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names if alias.name != "*")
    elif isinstance(node, ast.Call) and _dotted(node.func, names) in _CALLED_WITH_NAMES:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            prefix = f"{package}." if first.value.startswith(".") else ""
            yield prefix + first.value.lstrip(".")


def _origins(name: str) -> Iterator[tuple[str, str]]:
    """Yield name and file of the user's modules that importing a module executes."""
    path = sys.path
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        if count == 1 and parts[0] in reserved():
            return
        spec = _spec(".".join(parts[:count]), path)
        if spec is None:
            return
        if spec.has_location and spec.origin and is_users(spec.origin):
            yield spec.name, spec.origin
        path = list(spec.submodule_search_locations or ())


def _spec(name: str, path: Sequence[str]) -> ModuleSpec | None:
    """Find a module in folders as Python does, but without having its package imported."""
    portions: list[str] = []
    for folder in path:
        finder = get_importer(folder or str(Path.cwd()))
        spec = None if finder is None else finder.find_spec(name)
        if spec is not None and spec.loader is not None:
            return spec
        if spec is not None:
            portions += spec.submodule_search_locations or ()
    if not portions:
        return None
    package = ModuleSpec(name, None, is_package=True)
    package.submodule_search_locations = portions
    return package


def _refuse_taken(name: str, code: UserCode, where: str) -> None:
    """Refuse a name that the user's folders have a module of, but that another one takes."""
    top = name.partition(".")[0]
    if top not in reserved() or (top in OWN and name != top):
        return
    spec = _spec(top, code.folders)
    if spec is not None and spec.origin and is_users(spec.origin):
        whose = "vtax's" if top in OWN else "Python's"
        raise UserError(
            f"{where}: imports {top!r}, which is {whose} own module and not "
            f"{Path(spec.origin).name} beside it; rename yours"
        )


def _names(tree: ast.AST) -> dict[str, str]:
    """Return what imported names stand for."""
    names = {"id": "id", "__import__": "__import__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value, names)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _measures(node: ast.AST, names: dict[str, str]) -> bool:
    """Return whether something may measure transactions; where it is unclear, it does."""
    if isinstance(node, ast.ImportFrom):
        return f"{node.module}.".startswith("workloads.") and node.module not in _NO_USERS
    if isinstance(node, ast.alias):
        return node.name == "transaction" and node.asname is not None
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id).rpartition(".")[2] == "transaction"
    return isinstance(node, ast.Attribute) and node.attr in ("transaction", "fire")


def _notes(node: ast.AST, names: dict[str, str], path: Path) -> Iterator[str]:
    if isinstance(node, ast.Raise) and node.exc is not None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = _dotted(raised, names)
        if name in _STOPS:
            yield f"{path.name}, line {node.lineno}: {name.rpartition('.')[2]} {_STOPS[name]}"
        return
    if not isinstance(node, ast.Call):
        return
    name = _dotted(node.func, names)
    where = f"{path.name}, line {node.lineno}: {name}()"
    if name in _CLOCKS:
        yield f"{where} reads the clock of this machine; self.partition.now() is simulated time"
    elif name in _SEEDED and not node.args and not node.keywords:
        yield f"{where} has no seed, so that every run differs; self.random is the user's own"
    elif name == "id":
        yield f"{where} differs from process to process"
