"""A drawing of boxes and arrows as a value; `mermaid.py` and `dot.py` write it, `picture.py` paints it.

What a caller knows of steps, states and rows goes in as `marks`: see `plan_drawing`, `machine_drawing`.

Texts in a drawing are data, whatever they hold: each writer makes every character mean itself. The same
drawing gives the same text.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from fsm.views.text import shown

__all__ = [
    "GRID",
    "MOST_ARROWS",
    "PAINTS",
    "RED",
    "Arrow",
    "Box",
    "Cluster",
    "Colour",
    "Drawing",
    "Mark",
    "Paint",
    "Tinted",
    "printable",
    "wrapped",
]

MOST_ARROWS: Mapping[str, int] = {"mermaid": 480, "dot": 3000, "svg": 1000, "png": 1000}
"""Mermaid draws no more than 500 edges; beyond 3,000 nobody sees anything in any; painting takes its time."""

Colour = Literal["good", "bad", "active", "doubt", "undone", "off"]
"""What a colour means; a colour never stands alone, words beside it say the same."""


class Paint(NamedTuple):
    """Border and filling of a colour, on a light and on a dark background."""

    line: str
    fill: str
    dark_line: str
    dark_fill: str


PAINTS: dict[Colour, Paint] = {
    "good": Paint("#1a7f37", "#dafbe1", "#3fb950", "#10301a"),
    "bad": Paint("#b3121d", "#ffdcd7", "#f85149", "#4a1214"),
    "active": Paint("#0969da", "#ddf4ff", "#58a6ff", "#0c2d4f"),
    "doubt": Paint("#9a6700", "#fff4c2", "#d29922", "#3b2b05"),
    "undone": Paint("#8250df", "#f5ebff", "#bc8cff", "#2d1d4f"),
    "off": Paint("#6e7781", "#f0f2f4", "#8b949e", "#21262d"),
}
GRID = "#d0d7de"
RED = "#d1242f"
"""Of scenario rows and of steps that cannot be undone."""


class Tinted(NamedTuple):
    """A line of a box in a colour, where the language has it."""

    text: str
    colour: Colour

    def __str__(self) -> str:
        return self.text


class Mark(NamedTuple):
    """What a caller says of one box or row: a colour, and words that are written below its name."""

    colour: Colour
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A node: a bold title, smaller lines below it, and a tooltip (shown by DOT's pictures only).

    `id` is what a picture calls it, such as `step-build`; "": by its number. `thick` sets it apart.
    """

    title: str
    lines: tuple[str | Tinted, ...] = ()
    kind: Literal["plain", "final", "risky"] = "plain"
    tooltip: str = ""
    id: str = ""
    colour: Colour | None = None
    thick: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge between two boxes, by their places in the drawing. `order` only says what comes next.

    `short` is what of `lines` fits beside an arrow in a terminal.
    """

    tail: int
    head: int
    lines: tuple[str, ...] = ()
    kind: Literal["plain", "scenario", "order"] = "plain"
    tooltip: str = ""
    colour: Colour | None = None
    thick: bool = False
    short: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Boxes, by their places, that stand together in a frame with a title."""

    title: str
    boxes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and arrows. `initial` is the box that the starting point leads to, if there is one.

    `subtitle` stands small below the title. `rows` are the boxes with which a row begins, where the
    language can: for one long chain. A cluster has rows of its own.
    """

    title: str
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    direction: Literal["LR", "TB"] = "LR"
    initial: int | None = None
    rows: Sequence[int] = ()
    subtitle: str = ""
    clusters: Sequence[Cluster] = ()


def wrapped(text: str, width: int, most: int = 2) -> tuple[str, ...]:
    """The text in at most that many lines of that width; what is left out is an ellipsis."""
    lines = textwrap.wrap(
        shown(text), width, max_lines=most, placeholder=" …", break_on_hyphens=False
    )
    return tuple(lines) or ("",)


_UNPRINTABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")


def printable(text: str, keep: str = "") -> str:
    """The text without what XML and terminals cannot carry: such characters are shown by their number."""
    lines = (shown(line) for line in text.split("\n")) if keep else [shown(text)]
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", "\n".join(lines))
