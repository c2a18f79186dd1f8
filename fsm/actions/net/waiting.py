"""When a refused request may be made again: what the server asks for, or longer and longer (RFC 9110)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["LONGEST_SECONDS", "asked_seconds", "pause_seconds"]

LONGEST_SECONDS: Final = 60.0
"""What is asked to wait longer than this is not waited for: the step fails, and says so."""

_FIRST_SECONDS: Final = 0.5


def asked_seconds(retry_after: str, now: float) -> float | None:
    """The seconds that a `Retry-After` asks for, as a number or a date; `None` if it is neither (10.2.3)."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text) if len(text) < 10 else float("inf")
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds())


def pause_seconds(attempt: int, retry_after: str | None, now: float) -> float | None:
    """How long to wait after that attempt, counted from 1; `None` if it is longer than is waited for."""
    asked = None if retry_after is None else asked_seconds(retry_after, now)
    seconds = _FIRST_SECONDS * 2.0 ** min(attempt - 1, 10) if asked is None else asked
    return (
        None if seconds > LONGEST_SECONDS and asked is not None else min(seconds, LONGEST_SECONDS)
    )
