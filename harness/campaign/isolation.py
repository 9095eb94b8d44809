"""A run leaves nothing behind in its process, and finds the same in every one.

The user's modules are loaded afresh, the generators of random numbers that all code shares are
seeded by the run, and what a locustfile changes in the process is put back.
"""

import functools
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from locust import events

from harness.campaign.cell import RunSpec
from harness.campaign.random_streams import stream_seed
from workloads.user_code import UserCode, permitted

HASH_SEED = "0"
"""``PYTHONHASHSEED`` of processes that carry out runs: sets of texts have one order in all."""

Result = TypeVar("Result")


def isolated(run: Callable[[RunSpec], Result]) -> Callable[[RunSpec], Result]:
    """Decorate a function that carries out a run: it does so in :func:`isolation`."""

    @functools.wraps(run)
    def alone(spec: RunSpec) -> Result:
        with isolation(spec):
            return run(spec)

    return alone


@contextmanager
def isolation(spec: RunSpec) -> Iterator[None]:
    """Load the user's modules for one run, and undo at the end what the run leaves behind.

    Raises
    ------
    UserError
        If the user's code loads or reads a file that was not known when the run was planned.
    """
    allowed = {file.sha256 for file in spec.files} or None
    seed = stream_seed(spec.seed, spec.streams, "shared")
    with _process_restored(), _seeded(seed), UserCode(spec.base, allowed) as code:
        try:
            yield
        finally:
            code.check()


@contextmanager
def loading_only(base: Path) -> Iterator[None]:
    """Load the user's modules to look at them, and undo what that leaves behind."""
    with _process_restored(), _seeded(0), UserCode(base, permitted[0]):
        yield


@contextmanager
def _process_restored() -> Iterator[None]:
    """Put back what a locustfile may change in its process."""
    environment, folder = dict(os.environ), Path.cwd()
    arguments, limit = sys.argv[:], sys.getrecursionlimit()
    hooks = [hook for hook in vars(events).values() if hasattr(hook, "_handlers")]
    listeners = [hook._handlers[:] for hook in hooks]
    try:
        yield
    finally:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        os.chdir(folder)
        sys.argv[:] = arguments
        sys.setrecursionlimit(limit)
        for hook, handlers in zip(hooks, listeners, strict=True):
            hook._handlers[:] = handlers


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what every module shares: ``random``, ``numpy.random``, the system's random bytes.

    Bytes of the system (``os.urandom``, and with it ``uuid``, ``secrets``) come from the seed in
    this thread only: others, such as a cluster's, need real ones.
    """
    import numpy as np

    state, numpy_state = random.getstate(), np.random.get_state()
    system, thread, stream = os.urandom, threading.get_ident(), Random(seed)

    def urandom(size: int, /) -> bytes:
        return stream.randbytes(size) if threading.get_ident() == thread else system(size)

    places: tuple[tuple[Any, str], ...] = ((os, "urandom"), (random, "_urandom"))
    before = [getattr(module, name) for module, name in places]
    random.seed(seed)
    np.random.seed(seed % 2**32)
    for module, name in places:
        setattr(module, name, urandom)
    try:
        yield
    finally:
        for (module, name), function in zip(places, before, strict=True):
            setattr(module, name, function)
        random.setstate(state)
        np.random.set_state(numpy_state)
