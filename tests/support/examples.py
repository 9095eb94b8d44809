"""How many machines tests generate."""

import os
from typing import Final

from harness.engine import compiled

TIMES: Final = 10 if compiled.in_use() and os.environ.get("CI") else 1
"""How many times as many for the compiled modules, which are as much faster, where CI is set."""
