"""Programs prepared for targets: their inputs, and a disk image for guests."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.printable import last_line
from harness.real.host.system import run_command
from harness.real.target.cgroup import UnavailableError
from harness.real.target.program import PATH, Program

_DIRECTORIES = ("dev", "disk", "memory", "proc", "sys", "tmp")
_BLOCK = 4096
_SPARE_BYTES = 4 << 20
SCRATCH_BYTES = 256 << 20
"""Size of the disk to which a guest's programs write."""


@dataclass(slots=True)
class Stage:
    """Programs that this machine has, with their inputs in a directory.

    Attributes
    ----------
    missing
        Reason why a program is unavailable, by its name.
    """

    directory: Path
    programs: tuple[Program, ...]
    missing: Mapping[str, str]
    _image: Path | None = field(default=None, init=False)

    @property
    def inputs(self) -> Path:
        """Directory of the inputs, with a subdirectory for each program."""
        return self.directory / "input"

    def image(self) -> Path:
        """Return an ext4 image of the programs and of all files that they load and read; made once.

        In the initramfs the files would make every boot longer and occupy the guest's memory.

        Raises
        ------
        UnavailableError
            If mke2fs is missing or fails.
        """
        if self._image is None:
            root = self.directory / "root"
            try:
                self._image = self._pack(root)
            finally:
                shutil.rmtree(root, ignore_errors=True)
        return self._image

    def _pack(self, root: Path) -> Path:
        for name in _DIRECTORIES:
            (root / name).mkdir(parents=True)
        for link in Path("/").iterdir():
            # Links such as /bin, which occur in paths of programs.
            if link.is_symlink() and link.is_dir():
                (root / link.name).symlink_to(os.path.relpath(link.resolve(), "/"))
        for path in sorted(_closure(self)):
            _copy(path, root)
        shutil.copytree(self.inputs, root / "input")
        image = self.directory / "programs"
        image.unlink(missing_ok=True)
        make_image(image, _needed_bytes(root), "-d", str(root), "-O", "^has_journal")
        image.chmod(0o400)
        return image


def stage(programs: Iterable[Program], directory: Path) -> Stage:
    """Prepare those programs that this machine has, in an empty directory."""
    present: list[Program] = []
    missing: dict[str, str] = {}
    for program in programs:
        packages = {package for name, package in program.needs.items() if _executable(name) is None}
        if packages:
            absent = [name for name in program.needs if _executable(name) is None]
            missing[program.name] = (
                f"no {', '.join(absent)} (Debian: apt-get install {' '.join(sorted(packages))})"
            )
            continue
        for name, make in program.inputs.items():
            path = directory / "input" / program.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make())
        present.append(program)
    return Stage(directory, tuple(present), missing)


def make_image(image: Path, size: int, *options: str) -> None:
    """Make a sparse file with an ext4 file system.

    Raises
    ------
    UnavailableError
        If mke2fs is missing or fails.
    """
    mke2fs = _executable("mke2fs")
    if mke2fs is None:
        raise UnavailableError("no mke2fs (Debian: apt-get install e2fsprogs)")
    with image.open("wb") as file:
        file.truncate(size)
    done = run_command(
        [
            *(mke2fs, "-q", "-F", "-t", "ext4", "-b", str(_BLOCK), "-m", "0", *options),
            *("-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", str(image)),
        ]
    )
    if done.returncode != 0:
        raise UnavailableError(f"no image of programs: {last_line(done.stderr) or 'mke2fs'}")


def _executable(name: str) -> str | None:
    return shutil.which(name, path=PATH)


def _closure(stage: Stage) -> set[Path]:
    """Return all files that the programs execute, load and read, without their inputs."""
    paths: set[Path] = set()
    for program in stage.programs:
        paths.update(Path(found) for name in program.needs if (found := _executable(name)))
        for pattern in program.files:
            matches = Path("/").glob(pattern.lstrip("/"))
            paths.update(path for path in matches if path.is_file())
        for finder in program.finders:
            paths.update(_printed_paths(finder, stage.inputs / program.name))
    return paths | {library for path in paths for library in _libraries(path)}


def _printed_paths(finder: tuple[str, ...], inputs: Path) -> Iterator[Path]:
    """Return the files whose paths a command prints; its ``input`` is the program's."""
    words = [word.replace("input/", f"{inputs}/") for word in finder]
    done = run_command(words, env={"PATH": PATH, "LC_ALL": "C"})
    for word in done.stdout.split():
        path = Path(word)
        if path.is_absolute() and path.is_file() and not path.is_relative_to(inputs):
            yield path


def _libraries(binary: Path) -> Iterator[Path]:
    """Return the shared libraries that a binary loads, and the loader."""
    for line in run_command(["ldd", str(binary)]).stdout.splitlines():
        for word in line.replace("=>", " ").split():
            if word.startswith("/"):
                yield Path(word)


def _copy(path: Path, root: Path) -> None:
    """Copy a file to its path below the root, with the links in its path."""
    for parent in reversed(path.parents[:-1]):
        within = root / parent.relative_to("/")
        if parent.is_symlink() and not within.is_symlink():
            within.parent.mkdir(parents=True, exist_ok=True)
            within.symlink_to(os.path.relpath(parent.resolve(), parent.parent))
    real = path.parent.resolve() / path.name
    target = root / real.relative_to("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real, target)


def _needed_bytes(root: Path) -> int:
    """Return the size of an image that holds a directory, in whole blocks."""
    size = _SPARE_BYTES
    for path in root.rglob("*"):
        # Each file takes whole blocks, an inode and its name.
        size += 2 * _BLOCK + (path.stat().st_size if path.is_file() else 0)
    size += size // 32
    return -(-size // _BLOCK) * _BLOCK
