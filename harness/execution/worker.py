"""The process of a worker: takes runs and hands back what became of them.

Nothing else is imported before the process can say what is wrong with it.
"""

import multiprocessing
import os
import pickle
import threading
from multiprocessing.connection import Connection, wait

READY = ""
"""A worker's first message; any other says why it cannot start."""


def serve(connection: Connection, packed_run: bytes) -> None:
    """Be a worker, until the other end is closed.

    Parameters
    ----------
    connection
        Where runs come from and outcomes go.
    packed_run
        What carries out a run, pickled.
    """
    try:
        _end_with_parent()
        from harness.execution.attempt import attempt

        run = pickle.loads(packed_run)
    except BaseException as error:
        connection.send(f"{type(error).__name__}: {error}")
        return
    connection.send(READY)
    while True:
        try:
            spec = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(attempt(run, spec))


def _end_with_parent() -> None:
    """End this process when its parent is gone, even in the middle of a run."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()
