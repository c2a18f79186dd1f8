"""Durations as people write them (`1h30m`, `500ms`, `90`) and as fsm keeps them: seconds."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "LONGEST_SECONDS",
    "PATTERN",
    "OutOfRange",
    "brief_duration",
    "format_duration",
    "parse_duration",
]

LONGEST_SECONDS = 366 * 86_400.0
"""A year; what is longer is a slip of the pen, and timers need a bound."""

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"

_WITH_UNITS = "".join(f"(?:{_NUMBER}{unit})?" for unit in (*_UNITS, "ms"))

PATTERN = f"^(?:{_NUMBER}|(?!$){_WITH_UNITS})$"
"""What `parse_duration` reads in text, for the JSON Schema; the largest unit comes first."""

_PARTS = re.compile(rf"({_NUMBER})(ms|[dhms]?)")
_WHOLE = re.compile(PATTERN)


class OutOfRange(ValueError):
    """A duration that is negative, or longer than `LONGEST_SECONDS`."""


def parse_duration(value: str | float) -> float:
    """The seconds that `value` means: text such as `10m`, or a number of seconds.

    Raises `ValueError` if it is neither, `OutOfRange` if it is negative or too long.
    """
    seconds = _parse(value) if isinstance(value, str) else float(value)
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise OutOfRange(f"{value} is not between 0s and {format_duration(LONGEST_SECONDS)}")
    return seconds


@lru_cache(maxsize=256)
def _parse(text: str) -> float:
    if len(text) > 80 or text.endswith("\n") or not _WHOLE.match(text):
        raise ValueError(f"{text!r} is not a duration")
    total = 0  # exact: in units of 10^-12 seconds
    for number, unit in _PARTS.findall(text):
        whole, _, fraction = number.partition(".")
        billionths = int(whole + fraction.ljust(9, "0"))
        total += billionths * (1 if unit == "ms" else 1000 * _UNITS[unit or "s"])
    return total / 10**12


def format_duration(seconds: float) -> str:
    """`90.0` as `1m30s`, `0.25` as `250ms`: to the millisecond, and `parse_duration` reads it back."""
    thousandths = round(seconds * 1000)
    if thousandths < 1000:
        return f"{thousandths}ms" if thousandths else "0s"
    text = ""
    for unit, size in _UNITS.items():
        if unit == "s":
            break
        count, thousandths = divmod(thousandths, size * 1000)
        text += f"{count}{unit}" if count else ""
    rest = f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")
    return text + (f"{rest}s" if thousandths else "")


def brief_duration(seconds: float) -> str:
    """As `format_duration`, rounded to what a person compares, in at most six characters below 100 days."""
    if seconds < 10:
        return format_duration(round(seconds, 3 if seconds < 1 else 2))
    if seconds < 59.95:
        return format_duration(round(seconds, 1))
    step = 1 if seconds < 3_600 else 60 if seconds < 86_400 else 3_600
    return format_duration(round(seconds / step) * step)
