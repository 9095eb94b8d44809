"""Results as the store keeps them: in parts, each of them compressed JSON.

The checksum of a part distinguishes damaged from intact.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from harness.metrics.measures import Measures
from harness.results.run_result import ResponseTimes, RunResult
from harness.results.store_schema import Number, read

Name = tuple[str, dict[str, str]]
"""Name and labels of a sample."""

_RESPONSE = frozenset({"partition", "group", "name"})
_LABELS = {
    "vtax_processor_seconds_total": frozenset({"partition", "cause"}),
    "vtax_transactions_total": frozenset({"partition", "outcome"}),
    "vtax_response_seconds_count": _RESPONSE,
    "vtax_response_seconds_sum": _RESPONSE,
}
"""Labels that these samples must have."""

_NAMES = TypeAdapter(list[Name])
_VALUES = TypeAdapter(list[Number])
_MEASURES = TypeAdapter(Measures)
_DIGESTS = TypeAdapter(dict[str, ResponseTimes])
_RESULT = TypeAdapter(RunResult)


class PackedResult(NamedTuple):
    """A result in parts, each of them compressed JSON."""

    names: bytes
    """Names and labels of the samples, which are the same for most runs of a cell."""
    sample_values: bytes
    """Values of the samples, in the order of their names."""
    measures: bytes
    """What the analysis reads."""
    digests: bytes
    """Response times by kind."""
    result: bytes
    """The result without samples and digests."""
    reason: str | None
    """Why users ran live that were to be recorded."""


def pack(result: RunResult) -> PackedResult:
    """Pack a result. Workers do this, so that the parent need not.

    Raises
    ------
    ValueError
        If a value is not a finite number.
    """
    measures = result.measures()
    kept = {each.name: getattr(measures, each.name) for each in fields(Measures)}
    return PackedResult(
        names=_compressed(
            [(name, dict(sorted(labels.items()))) for name, labels, _ in result.samples]
        ),
        sample_values=_compressed([sample[2] for sample in result.samples]),
        measures=_compressed(kept),
        digests=_compressed(
            {key: digest.to_json() for key, digest in sorted(result.digests.items())}
        ),
        result=zlib.compress(replace(result, samples=[], digests={}).to_json().encode(), 1),
        reason=result.live_reason or None,
    )


def unpack_measures(packed: bytes) -> Measures:
    """Return the measures of a packed result; raises as :func:`unpack`."""
    return read(_MEASURES, zlib.decompress(packed))


def unpack_names(packed: bytes) -> list[Name]:
    """Return the names and labels of the samples of packed results; raises as :func:`unpack`."""
    names = read(_NAMES, zlib.decompress(packed))
    for name, labels in names:
        if not _LABELS.get(name, frozenset()) <= labels.keys():
            raise ValueError(f"a sample {name} lacks labels")
    return names


def unpack(
    names: Sequence[Name], sample_values: bytes, result: bytes, digests: bytes | None
) -> RunResult:
    """Return a packed result. It shares the labels of its samples with ``names``.

    Without ``digests`` it has none, which saves time.

    Raises
    ------
    ValueError, LookupError, zlib.error
        If it is damaged.
    """
    values = read(_VALUES, zlib.decompress(sample_values))
    whole = read(_RESULT, zlib.decompress(result))
    whole.samples = [(*name, value) for name, value in zip(names, values, strict=True)]
    if digests is not None:
        whole.digests = read(_DIGESTS, zlib.decompress(digests))
    return whole


def _compressed(value: Any) -> bytes:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), 1)
