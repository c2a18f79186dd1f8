"""The SVG that Graphviz writes, finished for a page and for people who hear it: titles, ids, light and dark.

Graphviz names each node's group by the id that it is given (`step-build`, `state-running`) and titles it by
its own name; here the title becomes the tooltip, which says what the node is, and nothing is a link. Colours
stay attributes, for programs that know no style sheets; one style sheet turns them over in the dark.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection

from fsm.views.drawings.drawing import GRID, PAINTS, RED
from fsm.views.drawings.letters import text_width

__all__ = ["finished"]

_SVG = "{http://www.w3.org/2000/svg}"
_TITLE = "{http://www.w3.org/1999/xlink}title"

_IDS = ("step-", "state-", "row-")
"""What the ids of ours begin with; `row-` is a row of a timeline."""

_DARK = {
    "black": "#e6edf3",
    "white": "#0d1117",
    RED: "#ff7b72",
    "#57606a": "#8b949e",
    GRID: "#30363d",
    **{paint.line: paint.dark_line for paint in PAINTS.values()},
    **{paint.fill: paint.dark_fill for paint in PAINTS.values()},
}


def finished(svg: bytes) -> str:
    """The SVG that `dot` or `graphviz-pure` wrote, without what differs between the two at the top."""
    ET.register_namespace("", _SVG[1:-1])
    root = ET.fromstring(svg)  # noqa: S314 - from the program that this one started, not from a user
    graph = root.find(f"{_SVG}g")
    assert graph is not None
    title = " ".join(filter(None, (e.text for e in graph.findall(f"{_SVG}text"))))
    for group in graph.iter(f"{_SVG}g"):
        _describe(group)
        if not group.get("id", "").startswith(_IDS):
            group.attrib.pop("id", None)  # a number of Graphviz, of which a page may hold several
    for text in graph.iter(f"{_SVG}text"):
        _fit(text)
    _drop(graph, "title")
    name = ET.Element(f"{_SVG}title")
    name.text = title
    style = ET.Element(f"{_SVG}style")
    style.text = _style({v for e in graph.iter() for v in (e.get("fill"), e.get("stroke")) if v})
    root[:0] = [name, style]
    root.set("class", "fsm-diagram")
    root.set("role", "graphics-document document")
    return ET.tostring(root, encoding="unicode") + "\n"


def _describe(group: ET.Element) -> None:
    """Give a node or an edge its tooltip for a title, and take its link that leads nowhere away."""
    kind = group.get("class")
    if kind not in {"node", "edge", "cluster"}:
        return
    said: list[str] = []
    _unlink(group, said)
    title = group.find(f"{_SVG}title")
    if title is None:
        return
    if said:
        title.text = said[0]
        group.set("role", "graphics-symbol img")
    elif kind == "cluster":
        title.text = " ".join(filter(None, (e.text for e in group.findall(f"{_SVG}text"))))
    else:
        group.remove(title)


def _unlink(group: ET.Element, said: list[str]) -> None:
    """Replace each `<g><a>…</a></g>` of the group by what stands in it; `said` takes the tooltips."""
    for place, child in reversed(list(enumerate(group))):
        link = child.find(f"{_SVG}a") if child.tag == f"{_SVG}g" else None
        if link is not None:
            said += filter(None, [link.get(_TITLE)])
            group[place : place + 1] = list(link)


def _fit(text: ET.Element) -> None:
    """Say how wide a text is meant to be: another font must not run over its box."""
    size, bold = float(text.get("font-size", "0")), text.get("font-weight") == "bold"
    width = text_width(text.text or "", size, bold=bold)
    if width:
        text.set("textLength", f"{width:.2f}")
        text.set("lengthAdjust", "spacingAndGlyphs")


def _drop(parent: ET.Element, name: str) -> None:
    for child in parent.findall(f"{_SVG}{name}"):
        parent.remove(child)


def _style(used: Collection[str]) -> str:
    rules = [f".fsm-diagram text{{fill:{_DARK['black']}}}"]
    for light, dark in _DARK.items():
        if light in used:
            rules.append(f'.fsm-diagram [fill="{light}"]{{fill:{dark}}}')
            rules.append(f'.fsm-diagram [stroke="{light}"]{{stroke:{dark}}}')
    dark_rules = "\n".join(rules)
    return (
        "\n.fsm-diagram{max-width:100%;height:auto}\n"
        f"@media (prefers-color-scheme: dark){{\n{dark_rules}\n}}\n"
    )
