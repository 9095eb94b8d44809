"""Executor on an existing Dask cluster: a scheduler, and workers on any number of machines.

A worker receives the run and the user's files that the run needs, and returns the packed result;
the campaign's files need not exist on its machine. A result depends on the run only, so that its
bytes are the same as on this machine.
"""

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.campaign.cell import RunSpec
from harness.campaign.isolation import HASH_SEED
from harness.campaign.provenance import model_digest
from harness.errors import UserError
from harness.execution.attempt import Keep, Run, attempt
from harness.printable import one_line
from harness.results.store import Failure, Outcome

CONNECT_SECONDS = 10.0
"""Time limit for a scheduler to answer, and for a cluster without workers to get one again."""

_AHEAD = 3
"""Runs handed to the cluster for each worker: one that it carries out, others in transfer."""

Files = tuple[tuple[str, bytes], ...]
"""Paths relative to the campaign file, with contents."""


class Cluster(contextlib.AbstractContextManager["Cluster"]):
    """Dask cluster whose client this process is; a context manager.

    Parameters
    ----------
    address
        Address of the scheduler, for instance ``tcp://10.0.0.1:8786``.

    Raises
    ------
    UserError
        If Dask is not installed, no scheduler answers at the address, it has no worker, or a worker
        has another version of vtax.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UserError(
                "--dask needs the package distributed: pip install 'vtax[cluster]'"
            ) from None
        self.address = address
        # The package would log what is reported as an error here.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            self.client = Client(address, timeout=CONNECT_SECONDS)
        except Exception:  # depends on what is wrong with the address
            raise UserError(
                f"--dask {address}: no Dask scheduler answers there; 'dask scheduler' starts one "
                "and prints its address"
            ) from None
        try:
            with self.answering():
                self._check()
        except BaseException:
            self.client.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def size(self) -> int:
        """Number of runs that it carries out at the same time."""
        with self.answering():
            # The key is missing once the scheduler has gone.
            return len(self.client.scheduler_info(n_workers=-1)["workers"])

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Raise a UserError where the scheduler does not answer, for any error that Dask raises."""
        try:
            yield
        except UserError:
            raise
        except Exception:
            raise self.gone("the scheduler has gone") from None

    def gone(self, what: str) -> UserError:
        """Return the error for a cluster that is lost."""
        return UserError(
            f"--dask {self.address}: {what}; what is complete is kept, and the same "
            "command goes on from there"
        )

    def unordered_workers(self) -> list[str]:
        """Return the addresses of workers in which the order of a set of strings differs."""
        seeds = self.client.run(os.getenv, "PYTHONHASHSEED", on_error="return")
        return sorted(worker for worker, seed in seeds.items() if seed != HASH_SEED)

    def executor(self, run: Run) -> "_ClusterExecutor":
        """Return an executor that uses its workers."""
        return _ClusterExecutor(self, run)

    def _check(self) -> None:
        if not self.size:
            raise UserError(
                f"--dask {self.address}: the cluster has no worker; 'dask worker {self.address} "
                "--nthreads 1' starts one"
            )
        own = model_digest()
        found = {"the scheduler": self._scheduler_digest()}
        for worker, digest in sorted(self.client.run(model_digest, on_error="return").items()):
            found[f"worker {worker}"] = digest
        for name, digest in found.items():
            if digest != own:
                what = "another vtax than" if isinstance(digest, str) else "not the vtax of"
                raise UserError(
                    f"--dask {self.address}: {name} has {what} this machine; install the same "
                    "version for the scheduler and all workers"
                )

    def _scheduler_digest(self) -> object:
        """Return the digest of the scheduler's model: the scheduler also unpacks the runs."""
        try:
            return self.client.run_on_scheduler(model_digest)
        except Exception as error:  # it has no vtax, or one that does not work
            return error


class _ClusterExecutor:
    def __init__(self, cluster: Cluster, run: Run) -> None:
        self._cluster = cluster
        self._run = run
        self._flying: dict[Any, RunSpec] = {}

    def work(self, specs: Sequence[RunSpec], keep: Keep) -> None:
        """Carry out all of these, handed to the cluster in this order.

        Raises
        ------
        UserError
            If the scheduler is lost, or all workers are and none joins.
        """
        from distributed import wait

        waiting = iter(specs)
        self._hand_over(waiting)
        while self._flying:
            with (
                self._cluster.answering(),
                contextlib.suppress(TimeoutError, CancelledError),
            ):
                wait(list(self._flying), timeout=CONNECT_SECONDS, return_when="FIRST_COMPLETED")
            if not self.collect(keep) and not self._cluster.size:
                raise self._cluster.gone("no worker is left")
            self._hand_over(waiting)

    def collect(self, keep: Keep) -> int:
        """Keep the runs that are complete, without waiting; return their number."""
        done = [future for future in self._flying if future.done()]
        done.sort(key=lambda future: future.cancelled())  # lost runs last
        for future in done:
            spec = self._flying.pop(future)
            keep(spec, *self._outcome_of(future))
            future.release()
        return len(done)

    def end(self) -> None:
        """Give up the runs in flight."""
        with contextlib.suppress(Exception):  # the scheduler may be gone, and its runs with it
            self._cluster.client.cancel(list(self._flying), force=True)
        self._flying.clear()

    def _hand_over(self, waiting: Iterator[RunSpec]) -> None:
        wanted = _AHEAD * max(1, self._cluster.size)
        while len(self._flying) < wanted and (spec := next(waiting, None)) is not None:
            with_base = replace(spec, base=Path(os.path.abspath(spec.base)))
            # Not pure: a failed run has to be carried out again.
            with self._cluster.answering():
                future = self._cluster.client.submit(
                    carry_out, self._run, with_base, _files(spec), pure=False
                )
            self._flying[future] = spec

    def _outcome_of(self, future: Any) -> tuple[float, Outcome]:
        from distributed import KilledWorker

        try:
            outcome: tuple[float, Outcome] = future.result()
        except KilledWorker as error:
            lost = error.allowed_failures + 1
            return 0.0, (Failure.WORKER_DIED, f"it lost {lost} worker{'s' * (lost > 1)}")
        except CancelledError:
            raise self._cluster.gone("the scheduler has gone") from None
        except Exception as error:  # the run or its result could not be transferred
            return 0.0, (Failure.ERROR, one_line(f"{type(error).__name__}: {error}"))
        return outcome


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []

_ONE_RUN = threading.Lock()
"""Held during a run: two runs in one process would share Locust's patched time and random."""


def carry_out(run: Run, spec: RunSpec, files: Files) -> tuple[float, Outcome]:
    """Carry out a run in a worker, with the user's files in a folder of its own.

    Returns
    -------
    tuple
        Duration in seconds of the wall clock, and outcome.
    """
    if spec.model != model_digest():  # a worker that joined later
        return 0.0, (Failure.ERROR, "its worker has another version of vtax")
    with _ONE_RUN:
        begin = time.perf_counter()
        outcome = attempt(run, replace(spec, base=_base(str(spec.base), files)))
        return time.perf_counter() - begin, outcome


@cache
def _base(base: str, files: Files) -> Path:
    """Write files to a folder that is removed with the process.

    Paths are as on the client's machine, because a package has the name of its folder.
    """
    folder = tempfile.TemporaryDirectory(prefix="vtax-")
    _FOLDERS.append(folder)
    place = Path(folder.name, base.lstrip("/"))
    for name, content in files:
        path = Path(os.path.normpath(place / name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    place.mkdir(parents=True, exist_ok=True)
    return place


def _files(spec: RunSpec) -> Files:
    """Read the user's files that a run needs.

    Raises
    ------
    UserError
        If one is missing, or has changed since the run was planned.
    """
    files = []
    for file in spec.files:
        try:
            content = (spec.base / file.path).read_bytes()
        except OSError as error:
            raise UserError(f"{file.path}: cannot be read ({error.strerror})") from None
        if sha256(content).hexdigest() != file.sha256:
            raise UserError(f"{file.path}: has changed since the campaign was planned")
        files.append((file.path, content))
    return tuple(files)
