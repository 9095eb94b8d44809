"""How many machines tests generate."""

from typing import Final

from harness.engine import compiled

TIMES: Final = 10 if compiled.in_use() else 1
"""How many times as many for the compiled modules, which are as much faster."""
