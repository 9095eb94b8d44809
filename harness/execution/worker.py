"""Worker process: takes runs and returns their outcomes.

The rest of vtax is imported late, so that the process can report an import that fails.
"""

import multiprocessing
import os
import pickle
import threading
from multiprocessing.connection import Connection, wait

READY = ""
"""First message of a worker that works; any other is the reason why it cannot start."""


def serve(connection: Connection, packed_run: bytes) -> None:
    """Carry out runs until the other end of the connection is closed.

    Parameters
    ----------
    connection
        Receives runs and sends outcomes.
    packed_run
        The pickled function that carries out a run.
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
