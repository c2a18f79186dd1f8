"""What the parameters of actions that speak HTTP may be, checked while a plan is loaded."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from fsm.plan.duration import LONGEST_SECONDS, parse_duration

__all__ = ["ISSUE", "Headers", "Seconds", "Statuses", "Url"]

ISSUE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}-[1-9][0-9]{0,17}|[1-9][0-9]{0,17}")
"""The key of an issue in Jira, or its number; whole."""

_CONTROLS: Final = re.compile(r"[\x00-\x20\x7f]")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_THE_CONNECTION: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization"}
    | {"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_RANGE: Final = re.compile(r"([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def _url(text: str) -> str:
    if _CONTROLS.search(text) or not _is_encodable(text):
        raise _fault("must be a URL: it holds a space or another character that must be encoded")
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_one = False
    if not is_one:
        raise _fault("must be a URL of the form https://HOST/PATH")
    if "@" in parts.netloc:
        raise _fault("must be a URL without a user or a password; send them in `headers`")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise _fault(f"has {name!r}, which is no name of a header")
        if name.lower() in _OF_THE_CONNECTION:
            raise _fault(f"has `{name}`, which is set for each request and cannot be given")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value) or not value.isascii():
            raise _fault(f"has in `{name}` what a header cannot hold: a line break, a control …")
    return headers


def _statuses(value: JsonValue) -> frozenset[int]:
    found: set[int] = set()
    for item in value if isinstance(value, list) else [value]:
        read = None if isinstance(item, bool) else _RANGE.fullmatch(str(item).strip())
        if read is None:
            raise _fault("must be a status such as 200, a range such as `2xx`, or a list of these")
        family, first, last = read.groups()
        if family:
            found.update(range(int(family) * 100, int(family) * 100 + 100))
        else:
            found.update(range(int(first), int(last or first) + 1))
    if not found:
        raise _fault("must name at least one status")
    return frozenset(found)


def _seconds(value: JsonValue) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        seconds = parse_duration(value)
    except ValueError:
        raise _fault("must be a duration such as `30s` or `2m`") from None
    if not 0 < seconds <= LONGEST_SECONDS:
        raise _fault("must be longer than 0s")
    return seconds


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fault(words: str) -> PydanticCustomError:
    return PydanticCustomError("value", words)


Url = Annotated[str, AfterValidator(_url)]
"""An absolute URL of http or https."""

Headers = Annotated[dict[str, str], AfterValidator(_headers)]
"""Headers by name, none of which can end a line or change what the connection carries."""

Statuses = Annotated[Any, BeforeValidator(_statuses), WithJsonSchema({})]
"""Statuses, as a set: `200`, `2xx`, `200-204`, or a list of these."""

Seconds = Annotated[Any, BeforeValidator(_seconds), WithJsonSchema({})]
"""A duration, as seconds."""
