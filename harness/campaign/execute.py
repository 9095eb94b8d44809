"""Carrying out the runs of a campaign, several at a time, each kept as soon as it is done.

Workers are processes of our own rather than an executor's, so that it is known which run a dying
worker had, and so that an interruption need not wait for the runs in flight.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Protocol

from harness.campaign.cell import RunSpec
from harness.campaign.result import RunResult
from harness.campaign.store import Failure, Store, pack

Run = Callable[[RunSpec], RunResult]


class Observer(Protocol):
    """Who is told how a campaign comes along, such as a progress bar."""

    def begin(self, outstanding: Sequence[RunSpec]) -> None:
        """Take note of the runs to be done, in this order; called again when there are more."""
        ...

    def done(self, spec: RunSpec, seconds: float, failure: Failure | None) -> None:
        """Take note of a run that ended after so many seconds of the wall clock and is kept."""
        ...


@dataclass(slots=True)
class Summary:
    """How an execution ended."""

    done: int = 0
    """Runs that were carried out now and have a result."""
    failed: int = 0
    """Runs that were carried out now and have none."""
    kept: int = 0
    """Runs that already had a result."""
    interrupted: bool = False

    def __iadd__(self, other: "Summary") -> "Summary":
        self.done += other.done
        self.failed += other.failed
        self.kept += other.kept
        self.interrupted |= other.interrupted
        return self


def execute(
    specs: Sequence[RunSpec],
    store: Store,
    run: Run,
    *,
    workers: int,
    drawn: Mapping[str, Mapping[str, Any]],
    observer: Observer | None = None,
) -> Summary:
    """Carry out the runs that the store has no result of, and keep each when it is done.

    Parameters
    ----------
    specs
        The runs in the order in which they shall begin.
    store
        Where results go.
    run
        What a worker calls; importable by name, because workers are fresh processes. Exceptions
        become failed rows. A worker that dies takes its run with it; the run is tried once more.
    workers
        How many processes work at the same time.
    drawn
        Digest of constants -> the values that were drawn, for the store.
    observer
        Is told of every run.

    Returns
    -------
    Summary
        ``interrupted`` is set when SIGINT came: what was complete is kept, what was in flight is
        lost.
    """
    known = store.complete()
    outstanding = [spec for spec in specs if spec.identity not in known]
    summary = Summary(kept=len(specs) - len(outstanding))
    if observer is not None:
        observer.begin(outstanding)
    if not outstanding:
        return summary

    def keep(spec: RunSpec, seconds: float, outcome: "_Outcome") -> None:
        where = (spec.identity, spec.cell_position, spec.replication, spec.constants_digest)
        values = drawn.get(spec.constants_digest, {})
        if isinstance(outcome, bytes):
            store.add_result(*where, values, outcome)
            summary.done += 1
        else:
            store.add_failure(*where, values, *outcome)
            summary.failed += 1
        if observer is not None:
            observer.done(spec, seconds, None if isinstance(outcome, bytes) else outcome[0])

    pool = _Pool(run)
    try:
        pool.work(deque(outstanding), keep, min(workers, len(outstanding)))
    except KeyboardInterrupt:
        summary.interrupted = True
        pool.collect(keep)
    finally:
        pool.end()
    return summary


_Outcome = bytes | tuple[Failure, str]
"""A packed result, or why there is none."""

_Keep = Callable[[RunSpec, float, _Outcome], None]


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    spec: RunSpec | None = None
    """What it is busy with."""
    began: float = 0.0


class _Pool:
    """Worker processes, each with a pipe of its own."""

    def __init__(self, run: Run) -> None:
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._run = run
        self._workers: list[_Worker] = []
        self._deaths: dict[str, int] = {}

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._run), daemon=True)
        # Workers inherit the mask: an interruption from the terminal is the parent's to handle.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        return _Worker(process, ours)

    def work(self, queue: deque[RunSpec], keep: _Keep, size: int) -> None:
        """Carry out everything in the queue with so many workers."""
        while len(self._workers) < size:
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
        worker.spec, worker.began = spec, time.perf_counter()
        with contextlib.suppress(OSError):  # a dead worker: _take sees the end of its connection
            worker.connection.send(spec)

    def _take(self, worker: _Worker, queue: deque[RunSpec], keep: _Keep) -> None:
        spec = worker.spec
        assert spec is not None
        seconds = time.perf_counter() - worker.began
        try:
            outcome: _Outcome = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker)
            self._deaths[spec.identity] = self._deaths.get(spec.identity, 0) + 1
            if self._deaths[spec.identity] < 2:
                queue.appendleft(spec)
                return
            outcome = (Failure.WORKER_DIED, f"the worker {_ending(worker.process)}, twice")
        else:
            worker.spec = None
        keep(spec, seconds, outcome)

    def _replace(self, worker: _Worker) -> None:
        worker.connection.close()
        worker.process.join()
        self._workers[self._workers.index(worker)] = self._start()

    def collect(self, keep: _Keep) -> None:
        """Keep what is complete already, and wait for nothing."""
        for worker in self._workers:
            if worker.spec is not None and worker.connection.poll(0):
                try:
                    outcome: _Outcome = worker.connection.recv()
                except (EOFError, OSError):
                    continue
                keep(worker.spec, time.perf_counter() - worker.began, outcome)
                worker.spec = None

    def end(self) -> None:
        """End all workers, whatever they do."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()


def _ending(process: SpawnProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _serve(connection: Connection, run: Run) -> None:
    """Be a worker: take runs, hand back outcomes, until the other end is closed."""
    _end_with_parent()
    while True:
        try:
            spec: RunSpec = connection.recv()
        except (EOFError, OSError):
            return
        outcome: _Outcome
        try:
            outcome = pack(run(spec))
        except MemoryError:
            outcome = (Failure.OUT_OF_MEMORY, "the run needs more memory than there is")
        except Exception as error:  # a run may fail in any way; the campaign goes on
            outcome = (Failure.ERROR, _described(error))
        connection.send(outcome)


def _described(error: Exception) -> str:
    """Say in one line what was raised, and where."""
    text = " ".join(str(error).split())
    where = traceback.extract_tb(error.__traceback__)[-1]
    name = f"{type(error).__name__} ({Path(where.filename).name}, line {where.lineno})"
    return f"{name}: {text}" if text else name


def _end_with_parent() -> None:
    """End this process when its parent is gone, even in the middle of a run."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()
