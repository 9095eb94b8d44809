"""Reading of texts that tools have printed: numbers, settings, clock times."""

import re
from datetime import datetime

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]

MEGA = 1 << 20


def number(text: str) -> float:
    """Read a number, with a decimal point or a decimal comma.

    Raises
    ------
    ValueError
        If it is none.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text[:20]!r} is not a number")
    return float(text.replace(",", "."))


def first_number(text: str) -> float | None:
    """Read the number that a text begins with; None if it begins with something else."""
    found = _NUMBER.match(text.strip())
    return None if found is None else float(found[0].replace(",", "."))


def size_bytes(text: str) -> float | None:
    """Read a size such as ``4096MB``, ``4096 MB`` or ``4101120 kB``; None if it is none.

    The tools write MB for 2^20 bytes.
    """
    found = re.fullmatch(r"([\d.,]+)\s*(kB|KB|MB|GB|TB)", text.strip())
    if found is None:
        return None
    return number(found[1]) * 1024.0 ** ("KMGT".index(found[2][0].upper()) + 1)


def clock_time(text: str) -> datetime | None:
    """Read date and time of nmon (``10:23:45,14-MAR-2024``) or of an HMC; None if it is none."""
    found = re.fullmatch(r"(\d\d):(\d\d)[:.](\d\d),(\d\d)-([A-Za-z]{3})-(\d{4})", text.strip())
    if found is not None and found[5].upper() in _MONTHS:
        hour, minute, second, day, year = (int(found[n]) for n in (1, 2, 3, 4, 6))
        month = _MONTHS.index(found[5].upper()) + 1
        return _datetime(year, month, day, hour, minute, second)
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d):(\d\d)", text.strip())
    if found is not None:
        month, day, year, hour, minute, second = map(int, found.groups())
        return _datetime(year, month, day, hour, minute, second)
    return None


def _datetime(*parts: int) -> datetime | None:
    try:
        return datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        return None


def interval_of_command(line: str, command: str) -> float | None:
    """Return the interval of a command such as ``lparstat -h 5 12``; None if it states none."""
    found = re.search(rf"\b{command}((?:\s+-?[\w,]+)*)\s*$", line)
    if found is None:
        return None
    numbers = [word for word in found[1].split() if word.isdigit()]
    return float(numbers[0]) if numbers and float(numbers[0]) > 0 else None
