"""How many examples a property is tried on."""

import os

from harness.engine import compiled


def number_of_examples(most: int) -> int:
    """Return ``most`` for the compiled modules where CI is set, else a twentieth."""
    return most if compiled.in_use() and os.environ.get("CI") else max(5, most // 20)
