"""One attempt at a run: a packed result, or why there is none."""

from collections.abc import Callable

from harness.campaign.cell import RunSpec
from harness.errors import UserError
from harness.printable import one_line
from harness.results.run_result import RunResult
from harness.results.store import Failure, pack
from workloads.source_line import raised_at

Run = Callable[[RunSpec], RunResult]
"""What carries out a run; importable by name, because workers are other processes."""

Outcome = bytes | tuple[Failure, str]
"""A packed result, or why there is none."""

Keep = Callable[[RunSpec, float, Outcome], None]
"""Told of a run that ended after so many seconds of the wall clock."""


class RunFailedError(Exception):
    """A run that has no result, and of what kind that is."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


def attempt(run: Run, spec: RunSpec) -> Outcome:
    """Carry out a run. It may fail in any way; the campaign goes on."""
    try:
        return pack(run(spec))
    except RunFailedError as failed:
        return failed.failure, one_line(str(failed))
    except UserError as error:
        return Failure.ERROR, one_line(str(error))
    except MemoryError:
        return Failure.OUT_OF_MEMORY, "the run needs more memory than there is"
    except (Exception, SystemExit, GeneratorExit) as error:  # a task may raise these, too
        return Failure.ERROR, _described(error)


def _described(error: BaseException) -> str:
    """Say in one line what was raised, and where: the last line of a user's code, if there is."""
    text = one_line(str(error))
    file, _, line = raised_at(error.__traceback__).rpartition(":")
    name = f"{type(error).__name__} ({file}, line {line})"
    return f"{name}: {text}" if text else name
