"""Finding a user class by ``path/to/locustfile.py:UserClass``."""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from harness.errors import UserError
from harness.files import read_bytes
from workloads.user import Demand, PartitionUser

_SHIPPED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class LoadedUser:
    """A user class and the file that it comes from."""

    cls: type[PartitionUser]
    demand_model: type[Demand]
    sha256: str


def load_user(spec: str, base: Path) -> LoadedUser:
    """Load a user class.

    Parameters
    ----------
    spec
        ``path/to/locustfile.py:UserClass``. A path ``workloads/...`` names a locustfile that comes
        with vtax, unless there is such a file under ``base``.
    base
        The folder that relative paths start from: that of the campaign file.

    Raises
    ------
    UserError
        If the file is missing or broken, or has no such user.
    """
    name, separator, class_name = spec.rpartition(":")
    if not separator or not name.endswith(".py"):
        raise UserError(
            f"user = {spec!r}: write it as 'path/to/locustfile.py:UserClass', "
            "for instance 'workloads/cpu.py:IntegerCompute'"
        )
    path = base / name
    shipped = _SHIPPED.parent / name
    if not path.is_file() and name.startswith("workloads/") and shipped.is_file():
        path = shipped
    if not path.is_file():
        raise UserError(f"user = {spec!r}: there is no locustfile {name!r}")
    sha256 = hashlib.sha256(read_bytes(path)).hexdigest()
    module = _load(path, sha256, spec)
    users = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, PartitionUser) and not value.abstract
    }
    if class_name not in users:
        close = difflib.get_close_matches(class_name, users, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(users))}"
        if not users:
            hint = "it has no user at all that derives from workloads.user.PartitionUser"
        raise UserError(f"user = {spec!r}: {name} has no user {class_name!r}; {hint}")
    cls = users[class_name]
    return LoadedUser(cls, cls.demand_model, sha256)


def _load(path: Path, sha256: str, spec: str) -> ModuleType:
    if path.resolve().parent == _SHIPPED:
        return importlib.import_module(f"workloads.{path.stem}")
    try:
        return _load_file(path.resolve(), sha256)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise UserError(
            f"user = {spec!r}: {path.name} does not load: {kind}: {error}".splitlines()[0]
        ) from error


@lru_cache
def _load_file(path: Path, sha256: str) -> ModuleType:
    digest = hashlib.sha256(f"{path}\n{sha256}".encode()).hexdigest()[:12]
    name = f"_locustfile_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
