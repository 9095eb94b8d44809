"""Worker process: takes runs and returns their outcomes.

The rest of vtax is imported late, so that the process can report an import that fails.
"""

import gc
import multiprocessing
import os
import pickle
import threading
from dataclasses import replace
from multiprocessing.connection import Connection, wait

_ALLOCATIONS = 50_000
"""Allocations between two collections of garbage."""

READY = ""
"""First message of a worker that works; any other is the reason why it cannot start."""


def serve(connection: Connection, packed_run: bytes) -> None:
    """Carry out runs until the other end of the connection is closed.

    Parameters
    ----------
    connection
        Receives runs with their constants (None for those of the run before), and sends outcomes.
    packed_run
        The pickled function that carries out a run.
    """
    try:
        _end_with_parent()
        from harness.execution.attempt import attempt

        run = pickle.loads(packed_run)
        # What is imported stays: no collection of garbage need look at it.
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS)
    except BaseException as error:
        connection.send(f"{type(error).__name__}: {error}")
        return
    connection.send(READY)
    constants = None
    while True:
        try:
            spec, sent = connection.recv()
        except (EOFError, OSError):
            return
        constants = constants if sent is None else sent
        connection.send(attempt(run, replace(spec, constants=constants)))


def _end_with_parent() -> None:
    """End this process when its parent is gone, even in the middle of a run."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()
