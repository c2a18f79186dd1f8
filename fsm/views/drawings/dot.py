"""A drawing in DOT. Labels are HTML-like, ids and tooltips quoted strings.

Graphviz decodes entities in all of them, and has escapes of its own (`\\N` is a node's name): a backslash is
doubled in a label, and doubled twice in a tooltip, where it is read twice. The names of the nodes are the
drawing's own, so none can be a keyword.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from fsm.views.drawings.drawing import PAINTS, RED, Arrow, Box, Colour, Drawing, Tinted, printable

__all__ = ["attributes", "dot", "html_text"]


def dot(drawing: Drawing) -> str:
    """The drawing as a DOT digraph, with its trailing newline."""
    return "\n".join(_lines(drawing)) + "\n"


def attributes(**values: str) -> str:
    """`name=value` pairs, whatever the values hold."""
    return ", ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def html_text(text: str) -> str:
    """The text as it stands within an HTML-like label."""
    return html.escape(printable(text)).replace("\\", "\\\\") or "&#8203;"


def _lines(drawing: Drawing) -> Iterator[str]:
    title = html_text(drawing.title)
    if drawing.subtitle:
        title += f'<br/><font point-size="11">{html_text(drawing.subtitle)}</font>'
    graph = {"rankdir": drawing.direction, **_GRAPH}
    yield "digraph {"
    yield f"  graph [label=<{title}>, {attributes(**graph)}]"
    yield f"  node [{attributes(**_NODE)}]"
    yield f"  edge [{attributes(**_EDGE)}]"
    if drawing.initial is not None:
        start = attributes(shape="point", width="0.15", tooltip="the initial state")
        yield f"  start [{start}]"
        yield f"  start -> s{drawing.initial + 1}"
    for number, box in enumerate(drawing.boxes, 1):
        note = f'<font point-size="9">{"<br/>".join(map(_line, box.lines))}</font>'
        label = f"<b>{html_text(box.title)}</b>" + (f"<br/>{note}" if box.lines else "")
        yield f"  s{number} [label=<{label}>, {attributes(**_box(number, box))}]"
    rows = _rows(drawing)
    framed = {place for cluster in drawing.clusters for place in cluster.boxes}
    for number, cluster in enumerate(drawing.clusters, 1):
        yield f"  subgraph cluster_{number} {{"
        yield f"    graph [label=<{html_text(cluster.title)}>, {attributes(**_CLUSTER)}]"
        yield f"    {'; '.join(f's{place + 1}' for place in cluster.boxes)}"
        yield from (f"    {_side_by_side(row)}" for row in rows if row[0] in cluster.boxes)
        yield "  }"
    for arrow in drawing.arrows:
        label = f"label=<{'<br/>'.join(map(_beside, arrow.lines))}>" if arrow.lines else ""
        rest = attributes(**_arrow(arrow), **_tooltip(arrow), **_across(drawing, arrow))
        both = ", ".join(filter(None, [label, rest]))
        yield f"  s{arrow.tail + 1} -> s{arrow.head + 1}" + (f" [{both}]" if both else "")
    for number, row in enumerate(rows):
        if row[0] not in framed:
            yield f"  {_side_by_side(row)}"
        if number:
            yield f"  s{rows[number - 1][0] + 1} -> s{row[0] + 1} [style=invis]"
    yield "}"


def _line(line: str | Tinted) -> str:
    if isinstance(line, str):
        return html_text(line)
    return f'<font color="{PAINTS[line.colour].line}">{html_text(line.text)}</font>'


def _box(number: int, box: Box) -> dict[str, str]:
    style = dict(_BOXES[box.kind])
    if box.colour:
        paint = PAINTS[box.colour]
        style |= {"style": _STYLES.get(box.colour, "rounded,filled"), "penwidth": "1.5"}
        style |= {"color": paint.line, "fillcolor": paint.fill}
    if box.thick:
        style["penwidth"] = "3"
    return {"id": box.id or f"s{number}", "tooltip": box.tooltip or box.title, **style}


def _arrow(arrow: Arrow) -> dict[str, str]:
    style = dict(_ARROWS[arrow.kind])
    if arrow.colour:
        line = PAINTS[arrow.colour].line
        style |= {"color": line, "fontcolor": line}
    if arrow.thick:
        style["penwidth"] = "3"
    return style


def _beside(text: str) -> str:
    """A line of an arrow's label, which would touch the arrow."""
    return f"&#160;{html_text(text)}&#160;"


def _tooltip(arrow: Arrow) -> dict[str, str]:
    if not arrow.tooltip:
        return {}
    return {"tooltip": arrow.tooltip, "labeltooltip": arrow.tooltip}


def _across(drawing: Drawing, arrow: Arrow) -> dict[str, str]:
    """An arrow back to the start of the next row must not pull its boxes out of their rows."""
    tail, head = (bisect_right(drawing.rows, place) for place in (arrow.tail, arrow.head))
    if tail == head:
        return {}
    # From above: not through the words of the row's first arrow.
    aside = {"headport": "n"} if arrow.lines else {}
    return {"constraint": "false", **aside}


def _rows(drawing: Drawing) -> Sequence[range]:
    """The boxes of each row."""
    return [range(*span) for span in pairwise([*drawing.rows, len(drawing.boxes)])]


def _side_by_side(row: range) -> str:
    return f"{{rank=same; {'; '.join(f's{place + 1}' for place in row)}}}"


def _quoted(text: str) -> str:
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", text):
        return text if text.lower() not in _KEYWORDS else f'"{text}"'
    escaped = printable(text, keep="\n").replace("&", "&amp;").replace("\\", "\\" * 4)
    return '"' + escaped.replace('"', '\\"').replace("\n", "\\n") + '"'


_KEYWORDS = {"node", "edge", "graph", "digraph", "subgraph", "strict"}
_FONT = "Helvetica"
_GRAPH = {"labelloc": "t", "fontname": _FONT, "fontsize": "16", "nodesep": "0.3", "ranksep": "0.5"}
_NODE = {"shape": "box", "style": "rounded", "fontname": _FONT, "fontsize": "12"}
_EDGE = {"fontname": _FONT, "fontsize": "10", "arrowsize": "0.7"}
_CLUSTER = {"style": "rounded", "color": "#57606a", "fontname": _FONT, "fontsize": "12"}
_BOXES: dict[str, dict[str, str]] = {
    "plain": {},
    "final": {"peripheries": "2"},
    "risky": {"color": RED, "penwidth": "2"},
}
_STYLES: dict[Colour, str] = {
    "undone": "rounded,filled,dashed",
    "off": "rounded,filled,dotted",
}
_ARROWS: dict[str, dict[str, str]] = {
    "plain": {},
    "scenario": {"color": RED, "fontcolor": RED, "penwidth": "2"},
    "order": {"style": "dashed"},
}
