"""The formats that are taken in, recognised by their content."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import UserError
from harness.files import read_bytes
from harness.imports import fio, iostat, iperf3, lparcfg, lparstat, lparstat_facts, lslparutil, nmon
from harness.imports.recording import Recording

MOST_BYTES = 1 << 28
"""Size of the largest file that is read."""


class Format(NamedTuple):
    """A format: its name, how it is recognised in a text, how it is read."""

    name: str
    meaning: str
    recognised: Callable[[str], bool]
    read: Callable[[str, float | None], list[Recording]]


def _json(test: Callable[[Any], bool]) -> Callable[[str], bool]:
    def recognised(text: str) -> bool:
        begin = text.find("{")
        if begin < 0 or '"' not in text:
            return False
        try:
            return test(json.JSONDecoder().raw_decode(text[begin:])[0])
        except (ValueError, RecursionError):
            return False

    return recognised


def _plain(
    read: Callable[[str], list[Recording]],
) -> Callable[[str, float | None], list[Recording]]:
    return lambda text, _: read(text)


FORMATS: tuple[Format, ...] = (
    Format(fio.NAME, "fio --output-format=json", _json(fio.is_fio), _plain(fio.read_fio)),
    Format(iperf3.NAME, "iperf3 --json", _json(iperf3.is_iperf3), _plain(iperf3.read_iperf3)),
    Format(
        nmon.NAME,
        "recordings of nmon and topas_nmon (nmon -f)",
        nmon.is_nmon,
        _plain(nmon.read_nmon),
    ),
    Format(
        lslparutil.NAME,
        "lslparutil -r lpar on an HMC",
        lslparutil.is_lslparutil,
        _plain(lslparutil.read_lslparutil),
    ),
    Format(
        lparcfg.NAME,
        "/proc/ppc64/lparcfg, one or several snapshots",
        lparcfg.is_lparcfg,
        _plain(lparcfg.read_lparcfg),
    ),
    Format(iostat.NAME, "iostat -D [INTERVAL] on AIX", iostat.is_iostat, iostat.read_iostat),
    Format(
        lparstat.NAME,
        "lparstat, also -h, -H, -m, -E, on AIX and Linux",
        lparstat.is_lparstat,
        lparstat.read_lparstat,
    ),
    Format(
        lparstat_facts.NAME,
        "lparstat -i",
        lparstat_facts.is_lparstat_i,
        _plain(lparstat_facts.read_lparstat_i),
    ),
)
"""In the order in which they are tried."""


def read_measurements(path: Path, interval_seconds: float | None = None) -> list[Recording]:
    """Read a file of any known format.

    Parameters
    ----------
    path
        The file. Bytes that are not UTF-8 are read as Latin-1.
    interval_seconds
        Length of its intervals, for formats that may not state it.

    Returns
    -------
    list
        A recording for each partition in it.

    Raises
    ------
    UserError
        If it cannot be read, has no known format, or has nothing in it that could be taken in.
    """
    content = read_bytes(path, MOST_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    known = next((each for each in FORMATS if each.recognised(text)), None)
    if known is None:
        names = ", ".join(each.name for each in FORMATS)
        raise UserError(f"{path}: is in no format that is taken in; these are: {names}")
    try:
        recordings = known.read(text, interval_seconds)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: looks like {known.name}, but is damaged ({error})") from None
    if not any(each.intervals or each.facts or each.calls for each in recordings):
        raise UserError(f"{path}: looks like {known.name}, but has no line that could be read")
    return recordings
