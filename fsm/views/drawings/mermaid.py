"""A drawing in Mermaid. A label is text between double quotes; `#NN;` is the character of that number.

Anything but the plainest characters is written so: Mermaid reads HTML, Markdown and its own entities in
labels, and `style … : … #` even there. The ids are its own, so none can be a keyword.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator

from fsm.views.drawings.drawing import PAINTS, RED, Arrow, Box, Drawing, printable

__all__ = ["entities", "mermaid", "title_text"]

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 _,./()\[\]='+…◉-]")
_MAGIC = re.compile(r"(\\(?=n)|:(?=fa-)|\$(?=\$)|ﬂ(?=°)|¶(?=ß))")
"""Line breaks, icons, formulas, and the marks by which Mermaid itself keeps entities apart."""


def mermaid(drawing: Drawing) -> str:
    """The drawing as a Mermaid flowchart, with its trailing newline."""
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    yield "---"
    yield f"title: {title_text(': '.join(filter(None, [drawing.title, drawing.subtitle])))}"
    yield "config: {flowchart: {wrappingWidth: 480, nodeSpacing: 60, rankSpacing: 55}}"
    yield "---"
    yield f"flowchart {drawing.direction}"
    if drawing.initial is not None:
        yield '  start((" ")):::initial'
        yield f"  start --> s{drawing.initial + 1}"
    for number, box in enumerate(drawing.boxes, 1):
        title = f"<b>{_text(_mark(box) + box.title)}</b>"
        label = "<br/>".join([title, *(_text(str(line)) for line in box.lines)])
        style = f":::{name}" if (name := box.colour or _KINDS.get(box.kind)) else ""
        yield f'  s{number}("{label}"){style}'
    for number, cluster in enumerate(drawing.clusters, 1):
        yield f'  subgraph g{number}["{_text(cluster.title)}"]'
        yield from (f"    s{place + 1}" for place in cluster.boxes)
        yield "  end"
    for arrow in drawing.arrows:
        label = "<br/>".join(map(_text, arrow.lines))
        line = _kind(arrow) + (f'|"{label}"|' if label else "")
        yield f"  s{arrow.tail + 1} {line} s{arrow.head + 1}"
    yield from _link_styles(drawing)
    thick = [f"s{number}" for number, box in enumerate(drawing.boxes, 1) if box.thick]
    if thick:
        yield f"  class {','.join(thick)} thick"
    used = {name for box in drawing.boxes if (name := box.colour or _KINDS.get(box.kind))}
    used |= {"thick"} if thick else set()
    used |= {"initial"} if drawing.initial is not None else set()
    yield from (f"  classDef {name} {style}" for name, style in _CLASSES.items() if name in used)


def _link_styles(drawing: Drawing) -> Iterator[str]:
    styles: defaultdict[str, list[str]] = defaultdict(list)
    for index, arrow in enumerate(drawing.arrows, 0 if drawing.initial is None else 1):
        colour = RED if arrow.kind == "scenario" else ""
        colour = PAINTS[arrow.colour].line if arrow.colour else colour
        parts = [f"stroke:{colour},color:{colour}"] if colour else []
        parts += ["stroke-width:3px"] if arrow.thick else []
        if parts:
            styles[",".join(parts)].append(str(index))
    for style, indices in styles.items():
        yield f"  linkStyle {','.join(indices)} {style}"


def _kind(arrow: Arrow) -> str:
    return _ARROWS["scenario" if arrow.thick else arrow.kind]


def entities(text: str) -> str:
    """The text with all but the plainest characters as entities: it cannot leave a label."""
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", printable(text))


def _text(text: str) -> str:
    return _NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", _harmless(text))


def _harmless(text: str) -> str:
    """The text with a space of no width within whatever Mermaid acts on even when written in entities."""
    return _MAGIC.sub("\\1\u200b", printable(text))


def _mark(box: Box) -> str:
    return "◉ " if box.kind == "final" else ""


def title_text(text: str) -> str:
    """The text as the value of `title` in the front matter."""
    # Mermaid takes tags out of a title, and shows `&amp;` for an ampersand: look-alikes are left alone.
    return json.dumps(_harmless(text).translate(str.maketrans("<>&", "‹›＆")))


_ARROWS = {"plain": "-->", "scenario": "==>", "order": "-.->"}
_KINDS = {"final": "final", "risky": "risky"}
_CLASSES: dict[str, str] = {
    "initial": "fill:#57606a,stroke:#57606a",
    "final": "stroke-width:3px",
    "risky": f"stroke:{RED},stroke-width:2px",
    **{str(c): f"fill:{p.fill},stroke:{p.line},color:#1f2328" for c, p in PAINTS.items()},
    "thick": "stroke-width:3px",
}
