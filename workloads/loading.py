"""Finding a user class by ``path/to/locustfile.py:UserClass``."""

import importlib
import inspect
import os
import sys
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path
from types import ModuleType

from harness.errors import UserError, nearest
from workloads.import_scan import Scan, scan, scan_loaded
from workloads.tasks import task_sets
from workloads.user import Demand, PartitionUser
from workloads.user_code import UserCode, digest_of, is_users, package_of, user_code

_SHIPPED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class LoadedUser:
    """A user class and the file that it comes from."""

    cls: type[PartitionUser]
    demand_model: type[Demand]
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class UserFile:
    """A file of the user that decides what a run results in, as it was when it was planned."""

    path: str
    """Relative to the campaign file, as far as it is not another drive's."""
    sha256: str
    notes: tuple[str, ...] = ()
    """What in it may differ from run to run."""


def load_user(spec: str, base: Path) -> LoadedUser:
    """Load a user class; within one run always the same.

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
    path, class_name = _found(spec, base)
    with user_code(base) as code:
        module = _load(code, path, spec)
    users = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, PartitionUser) and not value.abstract
    }
    if class_name not in users:
        raise UserError(f"user = {spec!r}: {path.name} {_why_not(module, class_name, users)}")
    cls = users[class_name]
    if not (inspect.isclass(cls.demand_model) and issubclass(cls.demand_model, Demand)):
        raise UserError(
            f"user = {spec!r}: demand_model of {class_name} is no class of demands; derive it "
            "from workloads.user.Demand"
        )
    return LoadedUser(cls, cls.demand_model, path, sha256(path.read_bytes()).hexdigest())


def is_shipped(spec: str, base: Path) -> bool:
    """Whether there is such a file, which comes with vtax; arguments as for :func:`load_user`."""
    try:
        return _is_shipped(_found(spec, base)[0])
    except UserError:
        return False


def scan_user(spec: str, base: Path) -> tuple[UserFile, ...]:
    """Load a user class and return every file of the user that may decide what it does.

    That are the locustfile, the modules that it imports (those of functions too), and the files
    that were read while it was loaded. None for a locustfile that comes with vtax.

    Raises
    ------
    UserError
        As for :func:`load_user`.
    """
    path, _ = _found(spec, base)
    if _is_shipped(path):
        return ()
    found = Scan()
    with user_code(base) as code:
        path = Path(os.path.abspath(path))
        folder, name = package_of(path)
        code.find_in((path.parent, folder, code.base))
        try:
            scan(code, path, name, found)
        except (SyntaxError, ValueError, OSError, RecursionError) as error:
            raise _broken(spec, path, error) from error
        loaded = load_user(spec, base)
        scan_loaded(code, found)
        if not loaded.cls.tasks and loaded.cls.__init__ is PartitionUser.__init__:
            raise UserError(
                f"user = {spec!r}: {loaded.cls.__name__} has no task; write @task, with "
                "'from locust import task', above its methods"
            )
        if not found.measures and not _inherits(loaded.cls):
            raise UserError(
                f"user = {spec!r}: {path.name} has no @transaction, so that nothing would be "
                "measured; write it below @task, with 'from workloads.user import transaction'"
            )
        digests = {name: digest_of(name) for name in found.files} | code.files
    return tuple(
        UserFile(
            relative(path, base),
            digests[path],
            tuple(note for note in found.notes if note.startswith(f"{Path(path).name}, ")),
        )
        for path in sorted(digests)
    )


def relative(path: str, base: Path) -> str:
    """Write a path as seen from the campaign file, the shorter way round symbolic links."""
    plain = os.path.relpath(path, os.path.abspath(base))
    real = os.path.relpath(os.path.realpath(path), os.path.realpath(base))
    outside = plain.startswith(os.pardir) and not real.startswith(os.pardir)
    return Path(real if outside else plain).as_posix()


def _found(spec: str, base: Path) -> tuple[Path, str]:
    """Return the locustfile of a user class, and the name of the class."""
    name, separator, class_name = spec.rpartition(":")
    if not separator or not name.endswith(".py"):
        raise UserError(
            f"user = {spec!r}: write it as 'path/to/locustfile.py:UserClass', "
            "for instance 'workloads/cpu.py:IntegerCompute'"
        )
    if "\0" in name:
        raise UserError(f"user = {spec!r}: a path has no null byte")
    path = base / name
    if not path.is_file():  # a folder that ".." leads out of again need not be there
        path = Path(os.path.normpath(path))
    shipped = _SHIPPED.parent / name
    if not path.is_file() and name.startswith("workloads/") and shipped.is_file():
        path = shipped
    if path.is_dir():
        raise UserError(f"user = {spec!r}: {name!r} is a folder and not a locustfile")
    if not path.is_file():
        raise UserError(f"user = {spec!r}: there is no locustfile {name!r}")
    return path, class_name


def _is_shipped(path: Path) -> bool:
    return path.resolve().parent == _SHIPPED


def _why_not(module: ModuleType, name: str, users: dict[str, type[PartitionUser]]) -> str:
    """Say why a module has no user of that name."""
    found = getattr(module, name, None) if name.isidentifier() else None
    problem = f"has no user {name!r}"
    if inspect.isclass(found) and issubclass(found, PartitionUser):
        problem += " (the class is abstract)"
    elif found is not None:
        problem += " (it does not derive from workloads.user.PartitionUser)"
    if not users:
        return f"{problem}; it has no user at all that derives from workloads.user.PartitionUser"
    return problem + (nearest(name, users) or f"; it has {', '.join(sorted(users))}")


def _inherits(cls: type[PartitionUser]) -> bool:
    """Return whether a user has tasks of classes that are neither the user's own nor Locust's."""
    bases = {base for owner in (cls, *task_sets(cls)) for base in owner.__mro__}
    known = {"locust", *sys.stdlib_module_names}
    modules = {base.__module__ for base in bases} - {"workloads.user"}
    return any(
        module.partition(".")[0] not in known
        and not is_users(getattr(sys.modules.get(module), "__file__", None) or os.devnull)
        for module in modules
    )


def _load(code: UserCode, path: Path, spec: str) -> ModuleType:
    if _is_shipped(path):
        return importlib.import_module(f"workloads.{path.stem}")
    try:
        # What it prints belongs to no table of ours, and is printed once and not for every run.
        with redirect_stdout(sys.stderr if code.allowed is None else StringIO()):
            return code.load(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a locustfile may raise anything, SystemExit too
        raise _broken(spec, path, error) from error


def _broken(spec: str, path: Path, error: BaseException) -> UserError:
    """Say in one line why a locustfile does not load, and where."""
    text = (str(error).splitlines() or [""])[0]
    if isinstance(error, UserError):
        return UserError(f"user = {spec!r}: {text.removeprefix(f'user = {spec!r}: ')}")
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if is_users(each.filename) and os.path.isabs(each.filename)]
    where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError):
        where = ""  # its text has file and line
    kind = type(error).__name__
    return UserError(
        f"user = {spec!r}: {path.name} does not load: {kind}{where}{': ' * bool(text)}{text}"
    )
