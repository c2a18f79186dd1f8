"""Output of programs as text for people: nothing in it can move a cursor, set a title or hide (F41)."""

from __future__ import annotations

import re

__all__ = ["last_lines", "one_line", "plain_text", "to_bytes"]

_LINES = 20
_BYTES = 4096
_LONGEST = 1000

# Text: `re` compiles each when it is first used, which few processes do.
_ESCAPES = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"  # these turn the reading direction
)


def plain_text(output: bytes) -> str:
    """As UTF-8 with `\\xNN` for what is not; without escape sequences and control characters.

    Line feeds and tabs stay. Of a line that was overwritten by carriage returns the last writing stays.
    """
    text = re.sub(_ESCAPES, "", output.decode(errors="backslashreplace"))
    if "\r" in text:
        lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
        text = "\n".join(lines)
    return re.sub(_CONTROLS, "", text)


def last_lines(text: str) -> str:
    """The last 20 lines, at most 4 KiB in UTF-8; without blank lines at the end, or a line feed."""
    lines = text.rstrip().split("\n")[-_LINES:]
    raw = "\n".join(lines).encode()
    if len(raw) <= _BYTES:
        return raw.decode()
    _, line_end, whole = raw[-_BYTES:].partition(b"\n")
    return (whole if line_end else raw[-_BYTES:]).decode(errors="ignore")


def one_line(output: bytes) -> str:
    """As `plain_text`, line feeds and tabs turned into spaces; of a long one the beginning and the end."""
    line = " ".join(plain_text(output).split("\n")).replace("\t", " ").strip()
    if len(line) <= _LONGEST:
        return line
    return f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"


def to_bytes(text: str) -> bytes:
    """The text as the kernel would take it; whatever cannot be encoded is spelled out."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace")
