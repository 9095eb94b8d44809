"""Starts targets in directories of their own, and leaves nothing of them behind."""

import contextlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import UserError
from harness.printable import last_line
from harness.real.target import cgroup, qemu
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import Channel, TargetError
from harness.real.target.connection import free_port
from harness.real.target.disk_image import SCRATCH_BYTES, Stage, make_image, stage
from harness.real.target.program import Program
from harness.real.target.reaper import MARK, Reaper
from harness.real.target.target import CAPPED, NATIVE, Target

BOOT_SECONDS = {NATIVE: 10.0, CAPPED: 10.0, "qemu-tcg": 90.0, "qemu-kvm": 30.0}
"""Time limit of a target's start; on a quiet machine a guest takes a tenth of it."""

DISK_BYTES = 16 << 20

# The reaper knows the process before it becomes the target. If this process dies before that, the
# shell reads the end of its input and ends.
_GATE = ("/bin/sh", "-c", 'read -r go && exec "$@"', "sh")


class TargetLauncher:
    """Launcher of targets: it has a directory for them, and a reaper that removes all in the end.

    Parameters
    ----------
    reaper
        Receives everything that is started or created.

    Raises
    ------
    UserError
        If no directory can be made.
    """

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._processes: list[subprocess.Popen[bytes]] = []
        self._targets: list[Target] = []
        # Images of disks have to be on a disk: /tmp is memory on many machines.
        try:
            self.directory = self._make(Path(os.environ.get("TMPDIR", "/var/tmp")))
        except OSError as error:
            raise UserError(
                f"{error.filename}: {error.strerror}; set TMPDIR to a directory that can be written"
            ) from None
        shared = Path("/dev/shm")
        self._memory = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())

    def stage(self, programs: Iterable[Program]) -> Stage:
        """Prepare programs for targets that are opened with them.

        Raises
        ------
        UserError
            If their inputs cannot be written.
        """
        try:
            return stage(programs, self._make(self.directory))
        except OSError as error:
            raise UserError(
                f"{error.filename or self.directory}: {error.strerror}; "
                "set TMPDIR to a directory with more space"
            ) from None

    def open(self, name: str, agent: Path, staged: Stage | None = None) -> Target:
        """Start a target and wait until it answers.

        Parameters
        ----------
        name
            One of TARGETS.
        agent
            The agent's program.
        staged
            The programs that it can run.

        Raises
        ------
        UnavailableError
            If the machine lacks what the target needs, or it does not answer in time.
        """
        try:
            return self._open(name, agent, staged)
        except OSError as error:
            raise UnavailableError(
                f"{error.filename or self.directory}: {error.strerror}"
            ) from None

    def _open(self, name: str, agent: Path, staged: Stage | None) -> Target:
        place = self._make(self.directory)
        disk = place / "disk"
        with disk.open("wb") as file:
            file.write(bytes(DISK_BYTES))
            file.flush()
            os.fsync(file.fileno())
        if name in qemu.ACCELERATORS:
            return self._open_guest(name, agent, place, disk, staged)
        group = self._group() if name == CAPPED else None
        command = [str(agent), str(self._make(self._memory)), str(disk)]
        if staged is not None:
            command += [str(place), str(staged.inputs)]
        process = self._start(command, place)
        if group is not None:
            cgroup.join(group, process.pid)
        return self._answering(name, process, place)

    def _open_guest(
        self, name: str, agent: Path, place: Path, disk: Path, staged: Stage | None
    ) -> Target:
        executable, kernel = qemu.find_qemu(), qemu.find_kernel()
        if name == "qemu-kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            reason = "no permission for" if Path("/dev/kvm").exists() else "no"
            raise UnavailableError(f"{reason} /dev/kvm")
        initramfs = qemu.build_initramfs(agent, kernel, place)
        disks = [disk]
        if staged is not None:
            scratch = place / "scratch"
            make_image(scratch, SCRATCH_BYTES)
            disks += [staged.image(), scratch]
        port = free_port()
        command = qemu.command(executable, name, kernel, initramfs, disks, place / "console", port)
        return self._answering(name, self._start(command, place), place, port)

    def _start(self, command: list[str], place: Path) -> subprocess.Popen[bytes]:
        with (place / "complaints").open("wb") as complaints:
            process = subprocess.Popen(
                [*_GATE, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
                env={**os.environ, MARK: place.name},
            )
        self._processes.append(process)
        self._reaper.process(process.pid)
        self._reaper.marked(place.name)
        # All targets use the same processor, for a guest's own work and QEMU's.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        return process

    def scratch(self) -> tuple[Path, Path]:
        """Make a directory on a tmpfs, if the machine has one, and one on a disk."""
        return self._make(self._memory), self._make(self.directory)

    def reap(self) -> None:
        """Wait for the processes, which the reaper has ended."""
        for target in self._targets:
            target.disconnect()
        for process in self._processes:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def _answering(
        self, name: str, process: subprocess.Popen[bytes], place: Path, port: int | None = None
    ) -> Target:
        channel = Channel(process)
        assert process.stdin is not None
        os.write(process.stdin.fileno(), b"go\n")
        try:
            channel.await_ready(BOOT_SECONDS[name])
            self._targets.append(Target(name, process, channel, place.name, port))
        except TargetError as failure:
            process.kill()
            raise UnavailableError(" ".join((str(failure), *_last_words(place)))) from None
        return self._targets[-1]

    def _group(self) -> Path:
        mount = cgroup.find_mount(
            Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text()
        )
        group = mount.parent / _name()
        self._reaper.control_group(group)
        cgroup.limit(mount, group)
        return group

    def _make(self, where: Path) -> Path:
        path = where / _name()
        self._reaper.directory(path)
        path.mkdir(mode=0o700)
        return path


@contextlib.contextmanager
def launcher() -> Iterator[TargetLauncher]:
    """Yield a launcher; at the end nothing of its targets is left."""
    opened = None
    try:
        with Reaper() as reaper:
            opened = TargetLauncher(reaper)
            yield opened
    finally:
        if opened is not None:
            opened.reap()


def _name() -> str:
    return f"vtax-{os.getpid()}-{uuid.uuid4().hex}"


def _last_words(place: Path) -> list[str]:
    """Return the last line of a target's error output in parentheses, if there is one."""
    for name in ("complaints", "console"):
        with contextlib.suppress(OSError):
            words = last_line((place / name).read_text(errors="replace"))
            if words:
                return [f"({''.join(c for c in words if c.isprintable())[:160]})"]
    return []
