"""A drawing of boxes and arrows as a value, and the two languages it is written in: Mermaid and DOT.

Texts in a drawing are data, whatever they hold: each writer makes every character mean itself. The ids in
its output are its own, so none can be a keyword. The same drawing gives the same text.
"""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fsm.views.text import shown

__all__ = ["Arrow", "Box", "Drawing", "Format", "as_text", "wrapped"]

Format = Literal["mermaid", "dot"]


@dataclass(frozen=True, slots=True)
class Box:
    """A node: a bold title, smaller lines below it, and a tooltip (shown by DOT's pictures only)."""

    title: str
    lines: tuple[str, ...] = ()
    kind: Literal["plain", "final", "risky"] = "plain"
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge between two boxes, by their places in the drawing. `order` only says what comes next."""

    tail: int
    head: int
    lines: tuple[str, ...] = ()
    kind: Literal["plain", "scenario", "order"] = "plain"
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and arrows. `initial` is the box that the starting point leads to, if there is one.

    `row` breaks the boxes into rows of that many, where the language can: for one long chain.
    """

    title: str
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    direction: Literal["LR", "TB"] = "LR"
    initial: int | None = None
    row: int = 0


def as_text(drawing: Drawing, language: Format) -> str:
    """The drawing in that language, with its trailing newline."""
    return "\n".join(_mermaid(drawing) if language == "mermaid" else _dot(drawing)) + "\n"


def wrapped(text: str, width: int, most: int = 2) -> tuple[str, ...]:
    """The text in at most that many lines of that width; what is left out is an ellipsis."""
    lines = textwrap.wrap(
        shown(text), width, max_lines=most, placeholder=" …", break_on_hyphens=False
    )
    return tuple(lines) or ("",)


# Mermaid. A label is text between double quotes; `#NN;` is the character of that number, and anything but
# the plainest characters is written so: Mermaid reads HTML, Markdown and its own entities in labels, and
# `style … : … #` even there.

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 _,./()\[\]='+…◉-]")
_MAGIC = re.compile(r"(\\(?=n)|:(?=fa-)|\$(?=\$)|ﬂ(?=°)|¶(?=ß))")
"""Line breaks, icons, formulas, and the marks by which Mermaid itself keeps entities apart."""


def _mermaid(drawing: Drawing) -> list[str]:
    lines = [
        "---",
        f"title: {_yaml(drawing.title)}",
        "config: {flowchart: {wrappingWidth: 480, nodeSpacing: 60, rankSpacing: 55}}",
        "---",
        f"flowchart {drawing.direction}",
    ]
    scenarios = []
    arrows = 0
    if drawing.initial is not None:
        lines += ['  start((" ")):::initial', f"  start --> s{drawing.initial + 1}"]
        arrows = 1
    for number, box in enumerate(drawing.boxes, 1):
        title = f"<b>{_mermaid_text(_mermaid_mark(box) + box.title)}</b>"
        label = "<br/>".join([title, *map(_mermaid_text, box.lines)])
        style = "" if box.kind == "plain" else f":::{box.kind}"
        lines.append(f'  s{number}("{label}"){style}')
    for index, arrow in enumerate(drawing.arrows, arrows):
        label = "<br/>".join(map(_mermaid_text, arrow.lines))
        line = _MERMAID_ARROWS[arrow.kind] + (f'|"{label}"|' if label else "")
        lines.append(f"  s{arrow.tail + 1} {line} s{arrow.head + 1}")
        if arrow.kind == "scenario":
            scenarios.append(str(index))
    if scenarios:
        lines.append(f"  linkStyle {','.join(scenarios)} stroke:{_RED},color:{_RED}")
    kinds = {box.kind for box in drawing.boxes} | ({"initial"} if arrows else set())
    lines += [f"  classDef {kind} {style}" for kind, style in _CLASSES.items() if kind in kinds]
    return lines


def _mermaid_text(text: str) -> str:
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", _harmless(text))


def _harmless(text: str) -> str:
    """The text with a space of no width within whatever Mermaid acts on even when written in entities."""
    return _MAGIC.sub("\\1\u200b", _printable(text))


def _mermaid_mark(box: Box) -> str:
    return "◉ " if box.kind == "final" else ""


def _yaml(text: str) -> str:
    # Mermaid takes tags out of a title, and shows `&amp;` for an ampersand: look-alikes are left alone.
    return json.dumps(_harmless(text).translate(str.maketrans("<>&", "‹›＆")))


_RED = "#d1242f"
_MERMAID_ARROWS = {"plain": "-->", "scenario": "==>", "order": "-.->"}
_CLASSES = {
    "initial": "fill:#57606a,stroke:#57606a",
    "final": "stroke-width:3px",
    "risky": f"stroke:{_RED},stroke-width:2px",
}


# DOT. Labels are HTML-like, ids and tooltips quoted strings, in which Graphviz decodes entities too. It has
# escapes of its own in all of them (`\N` is a node's name): a backslash is always doubled.


def _dot(drawing: Drawing) -> list[str]:
    graph = {"rankdir": drawing.direction, **_GRAPH}
    lines = [
        "digraph {",
        f"  graph [label=<{_html(drawing.title)}>, {_attributes(**graph)}]",
        f"  node [{_attributes(**_NODE)}]",
        f"  edge [{_attributes(**_EDGE)}]",
    ]
    if drawing.initial is not None:
        start = _attributes(shape="point", width="0.15", tooltip="the initial state")
        lines += [f"  start [{start}]", f"  start -> s{drawing.initial + 1}"]
    for number, box in enumerate(drawing.boxes, 1):
        note = f'<font point-size="9">{"<br/>".join(map(_html, box.lines))}</font>'
        label = f"<b>{_html(box.title)}</b>" + (f"<br/>{note}" if box.lines else "")
        rest = _attributes(id=f"s{number}", tooltip=box.tooltip or box.title, **_BOXES[box.kind])
        lines.append(f"  s{number} [label=<{label}>, {rest}]")
    for arrow in drawing.arrows:
        label = f"label=<{'<br/>'.join(map(_html, arrow.lines))}>" if arrow.lines else ""
        rest = _attributes(**_ARROWS[arrow.kind], **_tooltip(arrow), **_across(drawing, arrow))
        both = ", ".join(filter(None, [label, rest]))
        lines.append(f"  s{arrow.tail + 1} -> s{arrow.head + 1}" + (f" [{both}]" if both else ""))
    return [*lines, *_rows(drawing), "}"]


def _tooltip(arrow: Arrow) -> dict[str, str]:
    if not arrow.tooltip:
        return {}
    return {"tooltip": arrow.tooltip, "labeltooltip": arrow.tooltip}


def _across(drawing: Drawing, arrow: Arrow) -> dict[str, str]:
    """An arrow back to the start of the next row must not pull its boxes out of their rows."""
    across = drawing.row and arrow.tail // drawing.row != arrow.head // drawing.row
    return {"constraint": "false"} if across else {}


def _rows(drawing: Drawing) -> list[str]:
    if not drawing.row:
        return []
    lines = []
    for first in range(0, len(drawing.boxes), drawing.row):
        names = [f"s{n + 1}" for n in range(first, min(first + drawing.row, len(drawing.boxes)))]
        lines.append(f"  {{rank=same; {'; '.join(names)}}}")
        if first:
            lines.append(f"  s{first + 1 - drawing.row} -> s{first + 1} [style=invis]")
    return lines


def _attributes(**values: str) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", text):
        return text if text.lower() not in _DOT_KEYWORDS else f'"{text}"'
    escaped = _printable(text, keep="\n").replace("&", "&amp;").replace("\\", "\\\\")
    return '"' + escaped.replace('"', '\\"').replace("\n", "\\n") + '"'


def _html(text: str) -> str:
    return html.escape(_printable(text)).replace("\\", "\\\\") or "&#8203;"


_DOT_KEYWORDS = {"node", "edge", "graph", "digraph", "subgraph", "strict"}
_FONT = "Helvetica"
_GRAPH = {"labelloc": "t", "fontname": _FONT, "fontsize": "16", "nodesep": "0.3", "ranksep": "0.5"}
_NODE = {"shape": "box", "style": "rounded", "fontname": _FONT, "fontsize": "12"}
_EDGE = {"fontname": _FONT, "fontsize": "10", "arrowsize": "0.7"}
_BOXES = {
    "plain": {},
    "final": {"peripheries": "2"},
    "risky": {"color": _RED, "penwidth": "2"},
}
_ARROWS = {
    "plain": {},
    "scenario": {"color": _RED, "fontcolor": _RED, "penwidth": "2"},
    "order": {"style": "dashed"},
}


_UNPRINTABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")


def _printable(text: str, keep: str = "") -> str:
    """The text without what XML and terminals cannot carry: such characters are shown by their number."""
    lines = (shown(line) for line in text.split("\n")) if keep else [shown(text)]
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", "\n".join(lines))
