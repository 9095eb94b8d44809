"""A target: somewhere an agent runs, started, asked and ended."""

import contextlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import UserError
from harness.real.host.cpu_time import own_seconds, tree_seconds
from harness.real.host.interference import CpuAccounting
from harness.real.host.sample import ExchangeSample, Sample
from harness.real.microbenchmarks import NETWORK, Microbenchmark
from harness.real.target import cgroup as control_group
from harness.real.target import qemu as guest
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import Channel, RefusalError, TargetError
from harness.real.target.connection import Connection, free_port
from harness.real.target.disk_image import SCRATCH_BYTES, Stage, make_image, stage
from harness.real.target.program import Program, ProgramSample, environment, request
from harness.real.target.reaper import MARK, Reaper, end_marked

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


class Target:
    """A target that is up and answers.

    Parameters
    ----------
    name
        One of TARGETS.
    process
        The agent, or the guest's QEMU.
    channel
        To its agent.
    mark
        What processes that it starts have in the variable MARK.
    port
        Of this machine's loopback, from where its network is reached; None if the agent chooses.
    """

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        channel: Channel,
        mark: str,
        port: int | None,
    ) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._channel = channel
        self._mark = mark
        self._port = port
        self._connection: Connection | None = None
        answer, _ = channel.ask("about", ANSWER_SECONDS)
        self.kernel, self.machine, self.clock = (answer.split() + ["unknown"] * 3)[:3]

    def measure(self, event: Microbenchmark, count: int) -> Sample:
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
        if event.request == NETWORK:
            sent = self.exchange(event.size, event.size, count)
            return Sample(sent.seconds, sent.seconds, sent.processor_seconds, sent.condition)
        start = CpuAccounting.now(self.pid)
        _, without, without_processor = self._ask(event, 0)
        inside, seconds, processor = self._ask(event, count)
        end = CpuAccounting.now(self.pid)
        return Sample(
            seconds - without,
            inside,
            processor - without_processor,
            end.condition_since(start),
        )

    def work(self, amounts: Sequence[tuple[Microbenchmark, int]]) -> tuple[float, float]:
        """Do several events at one go, or fail as :meth:`measure` does.

        Returns seconds by the target's clock, and by this machine's with preparations and channel.
        """
        requests = [f"{event.request} {count} {event.size}" for event, count in amounts]
        answers, seconds = self._channel.ask_all(requests, ANSWER_SECONDS)
        try:
            return sum(map(int, answers)) * 1e-9, seconds
        except ValueError:
            raise TargetError(f"the agent answered {answers!r} to {requests!r}") from None

    def run(self, program: Program) -> ProgramSample:
        """Execute a program once, in a directory of its own that is gone afterwards.

        A program that fails is a sample, too: it has a status and a complaint.

        Raises
        ------
        RefusalError
            If the program cannot be prepared, or does not end within its limit.
        TargetError
            If the target has ended or does not answer.
        """
        variables = environment(free_port(), self._mark)
        limit = program.limit_seconds
        patience = limit + ANSWER_SECONDS
        self._tell(f"enter {program.base} {program.name}")
        try:
            if program.prepare is not None:
                status = self._tell(request(program.prepare, variables, limit), patience).split()[1]
                if status != "0":
                    raise RefusalError(
                        f"{program.name}: {program.prepare[0]} fails with status {status}: "
                        f"{self._tell('complaint')}"
                    )
            return self._execute(program, request(program.command, variables, limit), patience)
        finally:
            # A target that has ended says so itself, and there is no directory to leave.
            with contextlib.suppress(TargetError, RefusalError):
                self._tell("leave")

    def exchange(self, sent: int, received: int, count: int = 1) -> ExchangeSample:
        """Send bytes over its network and wait for others, so many times.

        The connection is made on first use and stays. A stream is an exchange with a large request
        or a large answer.

        Parameters
        ----------
        sent, received
            Bytes of each request and of each answer.
        count
            Number of exchanges, one after the other.

        Raises
        ------
        RefusalError
            If the target has no network.
        TargetError
            If the target has ended or does not answer.
        """
        connection = self._connected()
        start = CpuAccounting.now(self.pid)
        before = tree_seconds(self.pid)
        seconds = sum(connection.exchange(sent, received) for _ in range(count))
        processor = tree_seconds(self.pid) - before
        condition = CpuAccounting.now(self.pid).condition_since(start)
        return ExchangeSample(seconds, processor, condition)

    def channel_seconds(self) -> float:
        """Return how long a request takes that asks for nothing."""
        return self._channel.ask("nothing 0 0", ANSWER_SECONDS)[1]

    def end(self) -> None:
        """End it: what fails must not go on taking processor time from the others."""
        self.disconnect()
        self._process.kill()
        end_marked(self._mark)

    def disconnect(self) -> None:
        """Close the connection to its network, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def _execute(self, program: Program, what: str, patience: float) -> ProgramSample:
        start = CpuAccounting.now(self.pid)
        without = self.channel_seconds()
        in_guest = self.name in guest.ACCELERATORS
        clock = tree_seconds if in_guest else own_seconds
        before = clock(self.pid)
        answer, seconds = self._channel.ask(what, patience)
        processor = clock(self.pid) - before
        condition = CpuAccounting.now(self.pid).condition_since(start)
        inside, status, inside_processor = map(int, answer.split())
        if not in_guest:
            processor += inside_processor * 1e-6
        complaint = self._tell("complaint") if status else ""
        size, digest = "0", ""
        try:
            size, digest = self._tell(f"digest {program.output}").split()
        except RefusalError:
            complaint = complaint or f"it wrote no {program.output}"
        return ProgramSample(
            seconds=seconds - without,
            inside_seconds=inside * 1e-9,
            processor_seconds=processor,
            inside_processor_seconds=inside_processor * 1e-6,
            status=status,
            output_bytes=int(size),
            output_digest=digest,
            complaint=complaint,
            condition=condition,
        )

    def _tell(self, what: str, seconds: float | None = None) -> str:
        return self._channel.ask(what, ANSWER_SECONDS if seconds is None else seconds)[0]

    def _connected(self) -> Connection:
        if self._connection is None:
            inside = 0 if self._port is None else guest.NETWORK_PORT
            served = int(self._tell(f"serve {inside}"))
            self._connection = Connection(self._port or served, ANSWER_SECONDS)
        return self._connection

    def _ask(self, event: Microbenchmark, count: int) -> tuple[float, float, float]:
        before = self._processor_seconds()
        request = f"{event.request} {count} {event.size}"
        answer, seconds = self._channel.ask(request, ANSWER_SECONDS)
        return 1e-9 * _number(answer, request), seconds, self._processor_seconds() - before

    def _processor_seconds(self) -> float:
        """Return the processor time of the process tree so far.

        What the agent's children took the agent says itself, where it is a process of this machine:
        /proc tells it in whole ticks only.
        """
        if self.name in guest.ACCELERATORS:
            return tree_seconds(self.pid)
        answer, _ = self._channel.ask("children", ANSWER_SECONDS)
        return tree_seconds(self.pid, reaped=False) + 1e-9 * _number(answer, "children")


def _number(answer: str, request: str) -> int:
    try:
        return int(answer)
    except ValueError:
        raise TargetError(f"the agent answered {answer!r} to {request!r}") from None


class TargetLauncher:
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

    def __init__(self, reaper: Reaper) -> None:
        self._warden = reaper
        self._processes: list[subprocess.Popen[bytes]] = []
        self._targets: list[Target] = []
        # Disks belong on a disk: /tmp is memory on many machines.
        try:
            self.directory = self._make(Path(os.environ.get("TMPDIR", "/var/tmp")))
        except OSError as error:
            raise UserError(
                f"{error.filename}: {error.strerror}; set TMPDIR to a directory that can be written"
            ) from None
        shared = Path("/dev/shm")
        self._memory = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())

    def stage(self, programs: Iterable[Program]) -> Stage:
        """Make programs ready for targets that are opened with them.

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
            The programs that it shall be able to run.

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
        if name in guest.ACCELERATORS:
            return self._open_guest(name, agent, place, disk, staged)
        group = None
        if name == CAPPED:
            group = self._group()
        command = [str(agent), str(self._make(self._memory)), str(disk)]
        if staged is not None:
            command += [str(place), str(staged.inputs)]
        process = self._start(command, place)
        if group is not None:
            control_group.join(group, process.pid)
        return self._answering(name, process, place)

    def _open_guest(
        self, name: str, agent: Path, place: Path, disk: Path, staged: Stage | None
    ) -> Target:
        qemu, kernel = guest.find_qemu(), guest.find_kernel()
        if name == "qemu-kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise UnavailableError(
                f"{'no permission for' if _exists('/dev/kvm') else 'no'} /dev/kvm"
            )
        initramfs = guest.build_initramfs(agent, kernel, place)
        disks = [disk]
        if staged is not None:
            scratch = place / "scratch"
            make_image(scratch, SCRATCH_BYTES)
            disks += [staged.image(), scratch]
        port = free_port()
        command = guest.command(qemu, name, kernel, initramfs, disks, place / "console", port)
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
        self._warden.process(process.pid)
        self._warden.marked(place.name)
        # All targets get the same processor, for all they do: a guest's own work, and QEMU's.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        return process

    def scratch(self) -> tuple[Path, Path]:
        """Make a directory on a tmpfs, if there is one, and one on a disk."""
        return self._make(self._memory), self._make(self.directory)

    def reap(self) -> None:
        """Take note that the processes have ended, after the warden has seen to that."""
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
        mount = control_group.find_mount(
            Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text()
        )
        group = mount.parent / _name()
        self._warden.control_group(group)
        control_group.limit(mount, group)
        return group

    def _make(self, where: Path) -> Path:
        path = where / _name()
        self._warden.directory(path)
        path.mkdir(mode=0o700)
        return path


@contextlib.contextmanager
def launcher() -> Iterator[TargetLauncher]:
    """Make targets within; afterwards nothing of them is left."""
    place = None
    try:
        with Reaper() as reaper:
            place = TargetLauncher(reaper)
            yield place
    finally:
        if place is not None:
            place.reap()


def _name() -> str:
    return f"vtax-{os.getpid()}-{uuid.uuid4().hex}"


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
