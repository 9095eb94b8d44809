"""vtax: what virtualization costs, in firmware and in software, on modelled System p machines.

The public names are those of :mod:`harness.api`. They are imported when first used, so that
``import harness`` itself takes little time.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from harness.engine import compiled

if TYPE_CHECKING:
    from harness.api import (
        Results,
        UserError,
        catalog,
        compare,
        open,  # noqa: A004
        plan,
        run,
        simulate,
    )

__version__: str
__all__ = [
    "Results",
    "UserError",
    "catalog",
    "compare",
    "open",
    "plan",
    "run",
    "simulate",
]

# Importing Locust patches the whole process for gevent. Users on a simulated clock want none of
# that; a process that Locust itself has started is patched already and is not affected.
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")

compiled.choose()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("vtax")
    if name in __all__:
        return getattr(importlib.import_module("harness.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
