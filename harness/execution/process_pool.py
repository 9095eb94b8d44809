"""Executors on this machine: worker processes, or this process alone.

The worker processes are not those of an executor of the standard library: here it is known which
run a dying worker had, and an interruption does not wait for the runs in flight.
"""

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType

from harness.campaign.cell import RunSpec
from harness.campaign.isolation import HASH_SEED
from harness.catalog import Constants
from harness.errors import UserError
from harness.execution.attempt import Keep, Run, attempt
from harness.execution.worker import READY, serve
from harness.results.store import Failure, Outcome

_AS_BEFORE = Constants({}, {})
"""Stands for constants that do not travel with a run."""

_MOST_STARTS = 3
"""Number of workers that may end in a row before one is ready."""


class SerialExecutor:
    """Executor that carries out runs in this process, one after the other.

    No run disturbs another one. The class is its own :class:`ExecutorFactory`.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @classmethod
    def executor(cls, run: Run) -> "SerialExecutor":
        """Return an executor for the same kind of runs."""
        return cls(run)

    def work(self, specs: Sequence[RunSpec], keep: Keep) -> None:
        """Carry out all of these in this order."""
        for spec in specs:
            began = time.perf_counter()
            outcome = attempt(self._run, spec)
            keep(spec, time.perf_counter() - began, outcome)

    def collect(self, keep: Keep) -> None:
        """Do nothing: every complete run is already kept."""

    def end(self) -> None:
        """Do nothing: no run is in flight."""


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    ready: bool = False
    spec: RunSpec | None = None
    """The run in flight."""
    constants: Constants | None = None
    """Those that it has: of the last run sent to it."""
    began: float = 0.0


class Pool:
    """Worker processes, each with a pipe of its own."""

    def __init__(self, run: Run, size: int) -> None:
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._packed_run = pickle.dumps(run)
        self._size = size
        self._workers: list[_Worker] = []
        self._deaths: dict[str, int] = {}
        self._unstarted = 0

    def _start(self) -> _Worker:
        here, there = self._context.Pipe()
        process = self._context.Process(target=serve, args=(there, self._packed_run), daemon=True)
        # Workers inherit the mask: the parent handles an interruption from the terminal. The start
        # of the resource tracker, which the first worker needs, would lift it.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        own_seed = os.environ.get("PYTHONHASHSEED")
        os.environ["PYTHONHASHSEED"] = HASH_SEED
        try:
            with _without_main():
                process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            del os.environ["PYTHONHASHSEED"]
            if own_seed is not None:
                os.environ["PYTHONHASHSEED"] = own_seed
        there.close()
        return _Worker(process, here)

    def work(self, specs: Sequence[RunSpec], keep: Keep) -> None:
        """Carry out all of these, begun in this order.

        Raises
        ------
        UserError
            If workers cannot start.
        """
        queue = deque(specs)
        self._deaths.clear()
        while len(self._workers) < min(self._size, len(queue)):
            self._workers.append(self._start())
        while True:
            for worker in self._workers:
                if worker.spec is None and queue:
                    self._assign(worker, queue.popleft())
            busy = {worker.connection: worker for worker in self._workers if worker.spec}
            if not busy:
                return
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                self._take(busy[connection], queue, keep)

    def _assign(self, worker: _Worker, spec: RunSpec) -> None:
        # Nearly all of a run's bytes are constants, which all cells of a replication share.
        constants = None if spec.constants is worker.constants else spec.constants
        worker.spec, worker.constants = spec, spec.constants
        worker.began = time.perf_counter()
        with contextlib.suppress(OSError):  # a dead worker: _take sees the end of its connection
            worker.connection.send((replace(spec, constants=_AS_BEFORE), constants))

    def _take(self, worker: _Worker, queue: deque[RunSpec], keep: Keep) -> None:
        spec = worker.spec
        assert spec is not None
        if not worker.ready:
            if not self._has_started(worker):
                queue.appendleft(spec)
            return
        seconds = time.perf_counter() - worker.began
        try:
            outcome: Outcome = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker)
            self._deaths[spec.identity] = self._deaths.get(spec.identity, 0) + 1
            if self._deaths[spec.identity] < 2:
                queue.appendleft(spec)
                return
            outcome = (Failure.WORKER_DIED, f"the worker {_exit_text(worker.process)}, twice")
        else:
            worker.spec = None
        keep(spec, seconds, outcome)

    def _has_started(self, worker: _Worker) -> bool:
        """Take a worker's first message; replace the worker if there is none."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._unstarted += 1
            if self._unstarted == _MOST_STARTS:
                worker.process.join()
                raise UserError(
                    f"worker processes cannot start: the last one {_exit_text(worker.process)}"
                ) from None
            self._replace(worker)
            return False
        if message != READY:
            raise UserError(f"worker processes cannot start: {message}")
        worker.ready, worker.began, self._unstarted = True, time.perf_counter(), 0
        return True

    def _replace(self, worker: _Worker) -> None:
        worker.connection.close()
        worker.process.join()
        self._workers[self._workers.index(worker)] = self._start()

    def collect(self, keep: Keep) -> None:
        """Keep the runs that are complete, without waiting."""
        for worker in self._workers:
            if worker.ready and worker.spec is not None and worker.connection.poll(0):
                try:
                    outcome: Outcome = worker.connection.recv()
                except (EOFError, OSError):
                    continue
                keep(worker.spec, time.perf_counter() - worker.began, outcome)
                worker.spec = None

    def end(self) -> None:
        """Give up the runs in flight, and their workers."""
        self._end([worker for worker in self._workers if worker.spec is not None])

    def close(self) -> None:
        """End all workers."""
        self._end(self._workers)

    def _end(self, workers: Sequence[_Worker]) -> None:
        for worker in workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
        self._workers = [worker for worker in self._workers if worker not in workers]


class Pools:
    """Worker processes that serve one execution after the other; a context manager.

    Starting a worker takes about a second, most of it for imports.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pools: dict[bytes, Pool] = {}

    def __enter__(self) -> "Pools":
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.close()

    def executor(self, run: Run) -> Pool:
        """Return the pool of a kind of runs."""
        packed = pickle.dumps(run)
        if packed not in self._pools:
            self._pools[packed] = Pool(run, self._size)
        return self._pools[packed]


def _exit_text(process: SpawnProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Start processes that do not execute the caller's script again, guarded or not."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
