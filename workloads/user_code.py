"""The user's own modules: loaded afresh, importable from their folders, and known by their bytes.

A module is the user's if it is neither in the standard library, nor installed, nor a part of vtax.
"""

import codecs
import importlib
import os
import re
import site
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, lru_cache
from hashlib import sha256
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from harness.errors import UserError
from harness.files import decode

OWN = ("harness", "workloads", "reports", "locust")
"""Packages that a user's module of the same name does not replace."""

_PACKAGES = Path(__file__).parents[1]
_NOT_USERS = tuple(
    os.path.join(os.path.realpath(path), "")
    for path in (
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
        *(str(_PACKAGES / name) for name in OWN[:3]),
    )
)


@cache
def is_users(path: str) -> bool:
    """Return whether a file or folder is the user's."""
    return not os.path.join(os.path.realpath(path), "").startswith(_NOT_USERS)


def package_of(path: Path) -> tuple[Path, str]:
    """Return the folder that a module is imported from, and its name there.

    Folders with an ``__init__.py`` are packages, as far up as there is one.
    """
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        names.insert(0, folder.name)
        folder = folder.parent
    if names[0] in reserved() or any("." in name for name in names):
        return path.parent, path.stem.replace(".", "_")
    return folder, ".".join(names)


@cache
def reserved() -> frozenset[str]:
    """Return the names of modules that are never the user's."""
    return frozenset((*sys.stdlib_module_names, *OWN))


_DECLARED = re.compile(rb"(?:[^\n]*\n)??[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UserCode(AbstractContextManager["UserCode"]):
    """The user's modules that are loaded while the context is open; at its end they are gone.

    Parameters
    ----------
    base
        The folder of the campaign file. Modules are imported from the folder of the locustfile,
        from the folder of the package that it belongs to, from ``base``, and at last from the
        current directory.
    allowed
        Digests of the files that may be loaded and read; None for all.

    Attributes
    ----------
    files
        Path -> SHA-256 of the modules that were loaded and the data files that were read.
    problem
        Why the first file that is not allowed was refused; None if there was none.
    """

    def __init__(self, base: Path, allowed: Collection[str] | None = None) -> None:
        self.base = Path(os.path.abspath(base))
        self.allowed = allowed
        self.files: dict[str, str] = {}
        self.problem: str | None = None
        self._folders: list[str] = []
        self._hidden: dict[str, ModuleType] = {}
        self._locustfiles: set[str] = set()
        self._twice: set[str] = set()
        self._busy = False

    def __enter__(self) -> "UserCode":
        _listen()
        self._outer = _active[0]
        _active[0] = self
        self._before = set(sys.modules)
        self._path = sys.path[:]
        self._written = sys.dont_write_bytecode
        sys.dont_write_bytecode = True
        _forget_finders()
        sys.path_hooks.insert(0, _users_finder)
        return self

    def __exit__(self, *_: object) -> None:
        new = [(name, each) for name, each in sys.modules.items() if name not in self._before]
        for name in [name for name, each in new if any(map(is_users, _places(each)))]:
            del sys.modules[name]
        sys.modules.update(self._hidden)
        sys.path[:] = self._path
        sys.path_hooks.remove(_users_finder)
        _forget_finders()
        sys.dont_write_bytecode = self._written
        _active[0] = self._outer

    def load(self, path: Path) -> ModuleType:
        """Load a locustfile, or return its module if it is loaded already.

        Raises
        ------
        UserError
            If the file, or one that it imports, is not allowed.
        """
        path = Path(os.path.abspath(path))
        folder, name = package_of(path)
        self.find_in((path.parent, folder, self.base))
        parent, _, stem = name.rpartition(".")
        if parent:
            importlib.import_module(parent)
        found = sys.modules.get(name)
        if found is not None and getattr(found, "__file__", None) == str(path):
            return found
        if found is not None or name in reserved():
            name = f"{name}_{sha256(str(path).encode()).hexdigest()[:8]}"
            if name in sys.modules:
                return sys.modules[name]
        spec = spec_from_file_location(name, path, loader=_Loader(name, str(path)))
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        self._locustfiles.add(name)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        if parent:
            setattr(sys.modules[parent], stem, module)
        return sys.modules[name]

    @property
    def folders(self) -> list[str]:
        """The user's folders that modules are imported from."""
        return [folder or os.getcwd() for folder in sys.path if is_users(folder or os.getcwd())]

    def source(self, path: Path) -> bytes:
        """Read a module without recording it."""
        with self._alone():
            return path.read_bytes()

    def check(self) -> None:
        """Raise a UserError if a file was refused, even if the user's code went on."""
        if self.problem is not None:
            raise UserError(self.problem)

    def read(self, path: str, name: str) -> bytes:
        """Read a module; its bytes become known."""
        if name not in self._locustfiles and name.partition(".")[0] in self._twice:
            raise self._meeting(name.partition(".")[0], path)
        with self._alone():
            content = Path(path).read_bytes()
        self._know(path, sha256(content).hexdigest(), "imports")
        return content

    def record(self, path: Any, mode: Any, flags: int) -> None:
        """Record a file that is opened, if it is one of the user's and is read."""
        if self._busy or isinstance(path, int) or not _reads(mode, flags):
            return
        name = os.path.abspath(os.fsdecode(path))
        if not self._folders or not is_users(name) or not self._inside(name):
            return
        with self._alone():
            if not os.path.isfile(name):
                return
            digest = digest_of(name)
        self._know(name, digest, "reads")

    def _know(self, path: str, digest: str, does: str) -> None:
        if self.allowed is not None and digest not in self.allowed:
            shown = os.path.relpath(path, self.base)
            problem = (
                f"the user's code {does} {shown}, which has changed since the campaign was "
                f"planned, or was not known then: declare it, [campaign] files = [{shown!r}]"
            )
            self.problem = self.problem or problem
            raise UserError(problem)
        self.files[path] = digest

    def _inside(self, name: str) -> bool:
        """Return whether a file is below one of the user's folders, and in no hidden one."""
        for folder in self._folders:
            for root, path in ((folder, name), (os.path.realpath(folder), os.path.realpath(name))):
                if path.startswith(os.path.join(root, "")):
                    parts = Path(os.path.relpath(path, root)).parts
                    if not any(part.startswith((".", "__pycache__")) for part in parts):
                        return True
        return False

    def find_in(self, folders: Collection[Path]) -> None:
        """Let modules be imported from these folders."""
        new = [str(each) for each in dict.fromkeys(folders) if str(each) not in self._folders]
        if not new:
            return
        if self._folders:
            self._refuse_meetings(new)
        else:
            sys.path.append(os.getcwd())
        self._folders += new
        sys.path[:0] = new
        for folder in new:
            for name in _top_level(folder):
                if name in sys.modules and name in self._before and name not in reserved():
                    self._hide(name)

    def _hide(self, name: str) -> None:
        """Put a module of the same name out of the way until the end."""
        for each in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            if each != "__main__":
                self._hidden[each] = sys.modules.pop(each)

    def _refuse_meetings(self, new: Collection[str]) -> None:
        """Refuse modules of one name in folders of different locustfiles of one run."""
        known = {name for folder in self._folders for name in _top_level(folder)}
        self._twice |= {name for folder in new for name in known & _top_level(folder)}
        for name in sorted(self._twice - self._locustfiles):
            if name in sys.modules and (places := _places(sys.modules[name])):
                raise self._meeting(name, places[0])

    def _meeting(self, name: str, path: str) -> UserError:
        return UserError(
            f"module {name!r} ({os.path.relpath(path, self.base)}): locustfiles of one run have "
            "two modules of this name in their folders; rename one of them"
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Do not record what this object itself opens."""
        busy, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = busy


@contextmanager
def user_code(base: Path) -> Iterator[UserCode]:
    """Use the context that is open, or open one that allows what the outer ones do."""
    if _active[0] is not None and _active[0].base == Path(os.path.abspath(base)):
        yield _active[0]
    else:
        with UserCode(base, permitted[0]) as code:
            yield code


permitted: list[Collection[str] | None] = [None]
"""Digests of the user's files that may be loaded now; None for all."""

_active: list[UserCode | None] = [None]


@contextmanager
def permitting(allowed: Collection[str] | None) -> Iterator[None]:
    """Let only files of the user with these digests be loaded."""
    before, permitted[0] = permitted[0], allowed
    try:
        yield
    finally:
        permitted[0] = before


class _Loader(SourceFileLoader):
    """Compiles a module from the bytes that were recorded; a cached one may be out of date."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code = _active[0]
        return _compiled(
            path, Path(path).read_bytes() if code is None else code.read(path, fullname)
        )


_finder = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES), (_Loader, SOURCE_SUFFIXES)
)


def _users_finder(folder: str) -> Any:
    if not is_users(folder or os.getcwd()):
        raise ImportError
    return _finder(folder)


def _forget_finders() -> None:
    """Let Python look into the folders of the user again."""
    for folder in [each for each in sys.path_importer_cache if is_users(each)]:
        del sys.path_importer_cache[folder]


@lru_cache(maxsize=256)
def _compiled(path: str, content: bytes) -> CodeType:
    check_encoding(content, os.path.basename(path))
    code: CodeType = compile(content, path, "exec", dont_inherit=True)
    return code


def check_encoding(content: bytes, name: str) -> None:
    """Refuse a module that is not in UTF-8 and does not say in what else it is."""
    declared = _DECLARED.match(content)
    if declared is None or content.startswith(_UTF_16) or declared[1].lower() == b"utf-8":
        decode(content, name)


@lru_cache(maxsize=1024)
def _digest(path: str, size: int, changed_ns: int, inode: int) -> str:
    with open(path, "rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file; it is read once for as long as it does not change."""
    state = os.stat(path)
    return _digest(path, state.st_size, state.st_mtime_ns, state.st_ino)


def _places(module: ModuleType) -> list[str]:
    """Return the file of a module, or the folders of a package without one."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return [file]
    try:
        return [str(each) for each in getattr(module, "__path__", ())]
    except Exception:  # some modules compute their attributes
        return []


def _top_level(folder: str) -> set[str]:
    """Return the names of the modules and packages of a folder."""
    names = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    names.add(entry.name[:-3])
                elif os.path.isfile(os.path.join(entry.path, "__init__.py")):
                    names.add(entry.name)
    except OSError:
        return set()
    return names


def _reads(mode: Any, flags: int) -> bool:
    if isinstance(mode, str):
        return "r" in mode
    return flags & os.O_ACCMODE != os.O_WRONLY and not flags & os.O_CREAT


@cache
def _listen() -> None:
    """Listen to files that are opened in this process, from now on."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and _active[0] is not None:
            _active[0].record(*arguments)

    listener: Callable[[str, tuple[Any, ...]], None] = hear
    sys.addaudithook(listener)
