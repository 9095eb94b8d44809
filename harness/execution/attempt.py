"""One attempt at a run: a packed result, or why there is none."""

from collections.abc import Callable

from harness.campaign.cell import RunSpec
from harness.errors import UserError
from harness.model.routing import UnreachableError
from harness.printable import one_line
from harness.results.packed_result import pack
from harness.results.run_result import RunResult
from harness.results.store import Failure, Outcome
from workloads.source_line import raised_at
from workloads.wrong_calls import wrong_call

Run = Callable[[RunSpec], RunResult]
"""Function that carries out a run; importable by name, because workers are other processes."""

Keep = Callable[[RunSpec, float, Outcome], None]
"""Function that receives a run, its duration in seconds of the wall clock, and its outcome."""


class RunFailedError(Exception):
    """Raised for a run that has no result, with the kind of failure."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


def attempt(run: Run, spec: RunSpec) -> Outcome:
    """Carry out a run; any failure becomes an outcome, so that the campaign goes on."""
    try:
        return pack(run(spec))
    except RunFailedError as failed:
        return failed.failure, one_line(str(failed))
    except UserError as error:
        return Failure.ERROR, one_line(str(error))
    except MemoryError:
        return Failure.OUT_OF_MEMORY, "the run needs more memory than there is"
    except (Exception, SystemExit, GeneratorExit) as error:  # a task may raise these, too
        return Failure.ERROR, _description(error)


def _description(error: BaseException) -> str:
    """Return an error in one line, with the last line of a user's code in its traceback."""
    place = raised_at(error.__traceback__)
    wrong = str(error) if isinstance(error, UnreachableError) else wrong_call(error)
    if wrong:
        return f"{place}: {wrong}"
    text = one_line(str(error))
    file, _, line = place.rpartition(":")
    name = f"{type(error).__name__} ({file}, line {line})"
    return f"{name}: {text}" if text else name
