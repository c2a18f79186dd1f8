"""A strict reader of YAML, and of JSON, which is YAML: plain data out, or every reason why not.

Scalars follow YAML 1.2's core schema: only `true` and `false` are booleans; `on`, `no`, `012`,
`22:22` and dates are text. Duplicate keys, foreign tags, further documents, keys that are not text
and whatever JSON could not carry are refused; size, depth, aliases and numbers are bounded
(RELIABILITY.md, F55 to F60).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsm.document.limits import (
    MAX_ALIASES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_NODES,
    Data,
    Path,
    Scalar,
)
from fsm.document.suggestion import suggest

if TYPE_CHECKING:
    from fsm.document.reading import (
        Document,
        parse_document,
        read_document,
        read_text,
        refuse_no_file,
    )

__all__ = [
    "MAX_ALIASES",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_NODES",
    "Data",
    "Document",
    "Path",
    "Scalar",
    "parse_document",
    "read_document",
    "read_text",
    "refuse_no_file",
    "suggest",
]


def __getattr__(name: str) -> Any:
    # Many ask what somebody may have meant; only who reads a file needs the parser.
    if name in ("Document", "parse_document", "read_document", "read_text", "refuse_no_file"):
        from fsm.document import reading

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
