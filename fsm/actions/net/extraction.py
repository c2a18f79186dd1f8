"""Taking values out of an answer: by JSON pointer (RFC 6901), by dotted path, or a header."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsm.actions.python.skill import ActionFailed

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.actions.net.exchange import Answer

__all__ = ["extracted", "found_at"]


def extracted(answer: Answer, wanted: Mapping[str, str]) -> dict[str, JsonValue]:
    """The wanted values by name, with their JSON types. Raises `ActionFailed` for one that is not there.

    Each is asked for as `/a/0/b` (and ``, the whole), `a.0.b`, `header:NAME`, or `body:`, the body as text.
    """
    if not wanted:
        return {}
    document: JsonValue = None
    is_read = False
    found: dict[str, JsonValue] = {}
    for name, path in wanted.items():
        kind, _, rest = path.partition(":")
        if kind == "header":
            if rest.strip().lower() not in answer.headers:
                raise ActionFailed(f"the answer to {answer.request} has no header `{rest.strip()}`")
            found[name] = answer.headers[rest.strip().lower()]
        elif path == "body:":
            found[name] = answer.body.decode(errors="replace")
        else:
            if not is_read:
                document, is_read = _document(answer), True
            found[name] = found_at(document, path, f"the answer to {answer.request}")
    return found


def found_at(document: JsonValue, path: str, what: str) -> JsonValue:
    """What stands in the document at the path. Raises `ActionFailed` that names how far it goes."""
    place = document
    for part in (parts := _parts(path)):
        if isinstance(place, dict) and part in place:
            place = place[part]
        elif isinstance(place, list) and re.fullmatch("0|[1-9][0-9]{0,8}", part):
            if int(part) >= len(place):
                raise ActionFailed(f"{what} has nothing at `{path}`: the list has {len(place)}")
            place = place[int(part)]
        else:
            there = ", ".join(f"`{key}`" for key in [*place][:8]) if isinstance(place, dict) else ""
            hint = f"; beside it there is {there}" if there else ""
            at = "" if len(parts) == 1 else f" (no `{part}`)"
            raise ActionFailed(f"{what} has nothing at `{path}`{at}{hint}")
    return place


def _parts(path: str) -> list[str]:
    if path.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    return path.split(".") if path else []


def _document(answer: Answer) -> JsonValue:
    try:
        document: JsonValue = json.loads(answer.body)
    except (ValueError, RecursionError):
        kind = answer.headers.get("content-type", "no type")
        raise ActionFailed(f"the answer to {answer.request} is not JSON ({kind})") from None
    return document
