"""A target: somewhere an agent runs, started, asked and ended."""

import contextlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.real import control_group, guest
from harness.real.channel import Channel, TargetError
from harness.real.condition import Condition, Machine
from harness.real.control_group import UnavailableError
from harness.real.event import Event
from harness.real.processor_time import tree_seconds
from harness.real.warden import Warden

NATIVE = "native"
CAPPED = "capped"
TARGETS = (NATIVE, CAPPED, *guest.ACCELERATORS)

BOOT_SECONDS = {NATIVE: 10.0, CAPPED: 10.0, "qemu-tcg": 90.0, "qemu-kvm": 30.0}
"""How long a target may take to answer; a guest takes a tenth of that on a quiet machine."""

ANSWER_SECONDS = 60.0
DISK_BYTES = 16 << 20

# The process is known to the warden before it becomes what it shall be; if this process dies before
# that, the shell reads the end of its input and ends.
_GATE = ("/bin/sh", "-c", 'read -r go && exec "$@"', "sh")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a number of events took, without their preparation and the channel."""

    seconds: float
    """By this machine's clock."""
    inside_seconds: float
    """By the target's clock."""
    processor_seconds: float
    """Of the whole process tree of the target, read outside it."""
    condition: Condition
    """What the machine was like meanwhile."""


class Target:
    """A target that is up and answers."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._channel = channel
        answer, _ = channel.ask("about 0 0", ANSWER_SECONDS)
        self.kernel, self.machine, self.clock = (answer.split() + ["unknown"] * 3)[:3]

    def measure(self, event: Event, count: int) -> Sample:
        """Do an event so many times.

        The same request for no event at all, just before it, is subtracted: it holds the channel
        and the event's preparation.

        Raises
        ------
        RefusalError
            If the target cannot do such an event.
        TargetError
            If the target has ended or does not answer.
        """
        start = Machine.now(self.pid)
        _, without, without_processor = self._ask(event, 0)
        inside, seconds, processor = self._ask(event, count)
        end = Machine.now(self.pid)
        return Sample(
            seconds - without,
            inside,
            processor - without_processor,
            end.condition_since(start),
        )

    def channel_seconds(self) -> float:
        """Return how long a request takes that asks for nothing."""
        return self._channel.ask("nothing 0 0", ANSWER_SECONDS)[1]

    def end(self) -> None:
        """End it: what fails must not go on taking processor time from the others."""
        self._process.kill()

    def _ask(self, event: Event, count: int) -> tuple[float, float, float]:
        before = tree_seconds(self.pid)
        request = f"{event.request} {count} {event.size}"
        answer, seconds = self._channel.ask(request, ANSWER_SECONDS)
        try:
            return int(answer) * 1e-9, seconds, tree_seconds(self.pid) - before
        except ValueError:
            raise TargetError(f"the agent answered {answer!r} to {request!r}") from None


class Workshop:
    """What targets are made of: the agent, a directory, and a warden who takes all away in the end.

    Parameters
    ----------
    warden
        Is told of whatever is started or created.

    Raises
    ------
    UserError
        If there is no directory to be made.
    """

    def __init__(self, warden: Warden) -> None:
        self._warden = warden
        self._processes: list[subprocess.Popen[bytes]] = []
        # Disks belong on a disk: /tmp is memory on many machines.
        try:
            self.directory = self._make(Path(os.environ.get("TMPDIR", "/var/tmp")))
        except OSError as error:
            raise UserError(
                f"{error.filename}: {error.strerror}; set TMPDIR to a directory that can be written"
            ) from None
        self._memory = Path("/dev/shm")

    def open(self, name: str, agent: Path) -> Target:
        """Start a target and wait until it answers.

        Raises
        ------
        UnavailableError
            If the machine lacks what the target needs, or it does not answer in time.
        """
        place = self._make(self.directory)
        disk = place / "disk"
        with disk.open("wb") as file:
            file.write(bytes(DISK_BYTES))
            file.flush()
            os.fsync(file.fileno())
        if name in guest.ACCELERATORS:
            return self._open_guest(name, agent, place, disk)
        group = None
        if name == CAPPED:
            group = self._group()
        memory = self._make(self._memory)
        process = self._start([str(agent), str(memory), str(disk)], place)
        if group is not None:
            control_group.join(group, process.pid)
        return _answering(name, process, place)

    def _open_guest(self, name: str, agent: Path, place: Path, disk: Path) -> Target:
        qemu, kernel = guest.find_qemu(), guest.find_kernel()
        if name == "qemu-kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise UnavailableError(
                f"{'no permission for' if _exists('/dev/kvm') else 'no'} /dev/kvm"
            )
        initramfs = guest.build_initramfs(agent, kernel, place)
        console = place / "console"
        command = guest.command(qemu, name, kernel, initramfs, disk, console)
        return _answering(name, self._start(command, place), place)

    def _start(self, command: list[str], place: Path) -> subprocess.Popen[bytes]:
        with (place / "complaints").open("wb") as complaints:
            process = subprocess.Popen(
                [*_GATE, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        self._processes.append(process)
        self._warden.process(process.pid)
        # All targets get the same processor, for all they do: a guest's own work, and QEMU's.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        return process

    def reap(self) -> None:
        """Take note that the processes have ended, after the warden has seen to that."""
        for process in self._processes:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def _group(self) -> Path:
        mount = control_group.find_mount(
            Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text()
        )
        group = mount.parent / _name()
        self._warden.control_group(group)
        control_group.limit(mount, group)
        return group

    def _make(self, where: Path) -> Path:
        base = where if where.is_dir() else Path(tempfile.gettempdir())
        path = base / _name()
        self._warden.directory(path)
        path.mkdir(mode=0o700)
        return path


@contextlib.contextmanager
def workshop() -> Iterator[Workshop]:
    """Make targets within; afterwards nothing of them is left."""
    place = None
    try:
        with Warden() as warden:
            place = Workshop(warden)
            yield place
    finally:
        if place is not None:
            place.reap()


def _name() -> str:
    return f"vtax-{os.getpid()}-{uuid.uuid4().hex}"


def _answering(name: str, process: subprocess.Popen[bytes], place: Path) -> Target:
    channel = Channel(process)
    assert process.stdin is not None
    os.write(process.stdin.fileno(), b"go\n")
    try:
        channel.await_ready(BOOT_SECONDS[name])
        return Target(name, process, channel)
    except TargetError as failure:
        process.kill()
        raise UnavailableError(" ".join((str(failure), *_last_words(place)))) from None


def _last_words(place: Path) -> list[str]:
    """Return the last line that a target complained with, in brackets, if there is any."""
    for name in ("complaints", "console"):
        with contextlib.suppress(OSError):
            lines = (place / name).read_text(errors="replace").split("\n")
            said = [line.strip() for line in lines if line.strip()]
            if said:
                return [f"({''.join(c for c in said[-1] if c.isprintable())[:160]})"]
    return []


def _exists(path: str) -> bool:
    return Path(path).exists()
