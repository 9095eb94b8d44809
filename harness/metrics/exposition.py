"""Names of samples as the exposition formats write them: families, types, labels."""

from collections.abc import Mapping

from harness.printable import printable


def family_of(name: str) -> tuple[str, str]:
    """Return the family that a sample belongs to, and its type."""
    if name.endswith("_total"):
        return name.removesuffix("_total"), "counter"
    for suffix in ("_bucket", "_count", "_sum"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), "histogram"
    return name, "gauge"


def series(name: str, labels: Mapping[str, str]) -> str:
    """Write a sample's name and labels as the format has them."""
    if not labels:
        return name
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inner}}}"


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
