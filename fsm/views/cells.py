"""Text measured in the cells of a terminal, where some characters take two and some none."""

from __future__ import annotations

import unicodedata

__all__ = ["cells", "cut", "padded", "wrap"]


def cells(text: str) -> int:
    """How many cells the text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, room: int) -> str:
    """The text, or as much of it as fits into `room` cells with an ellipsis."""
    if cells(text) <= room:
        return text
    taken, used = "", 1
    for char in text:
        used += _cells(char)
        if used > room:
            break
        taken += char
    return taken.rstrip() + "…"


def padded(text: str, room: int) -> str:
    """The text with blanks after it up to `room` cells."""
    return text + " " * (room - cells(text))


def wrap(text: str, room: int, *, hanging: str = "") -> list[str]:
    """The words on lines of at most `room` cells, at least one line; all but the first are indented.

    A word that is too long for a line is broken.
    """
    lines = [""]
    for word in text.split(" "):
        indent = hanging if len(lines) > 1 else ""
        joined = f"{lines[-1]} {word}" if lines[-1] != indent else f"{indent}{word}"
        if cells(joined) <= room:
            lines[-1] = joined
            continue
        if lines[-1] == indent:
            lines.pop()
        rest = word
        while rest:
            indent = hanging if lines else ""
            piece = _first(rest, max(room - len(indent), 2))
            lines.append(indent + piece)
            rest = rest[len(piece) :]
    return lines


def _first(text: str, room: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > room:
            return text[: max(index, 1)]
    return text


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
