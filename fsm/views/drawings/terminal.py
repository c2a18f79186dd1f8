"""A drawing for a terminal: boxes and arrows by `termaid` where they fit, and the table of them in any case.

`termaid` runs beside, with bounds on its time and memory: it takes all there is for what it cannot lay out.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator

from fsm.views.cells import cells, cut
from fsm.views.columns import columns
from fsm.views.drawings.drawing import Box, Drawing
from fsm.views.drawings.mermaid import entities

__all__ = ["MOST_BOXES", "drawing_table", "drawn"]

MOST_BOXES = 50
LONGEST_SECONDS = 3.0
MOST_BYTES = 1 << 30

_BOUNDED = (
    "import resource, sys; "
    f"resource.setrlimit(resource.RLIMIT_AS, ({MOST_BYTES}, {MOST_BYTES})); "
    "from termaid.cli import main; sys.exit(main())"
)


def drawn(drawing: Drawing, width: int) -> str:
    """The drawing in at most `width` cells; where there is none, a line that says why."""
    from importlib.util import find_spec

    if len(drawing.boxes) > MOST_BOXES:
        return (
            f"({len(drawing.boxes)} boxes are too many to draw here, the most is {MOST_BOXES}; "
            "as a picture: -o FILE.svg)"
        )
    if find_spec("termaid") is None:
        return "(to see it drawn here: pip install 'fsm[pictures]')"
    directions = ("LR", "TB") if len(drawing.boxes) <= 6 else ("TB", "LR")
    for direction in directions:
        text = _painted(drawing, direction, width)
        if text is None:
            break  # the other way would take as long
        if text and max(map(cells, text.split("\n"))) <= width:
            return text
    return f"(it does not fit into {width} columns, or takes too long to lay out; as a picture: -o FILE.svg)"


def drawing_table(drawing: Drawing, width: int) -> str:
    """Its boxes, a line or more each: the name, after which other boxes it comes, and what stands in it."""
    before: defaultdict[int, list[int]] = defaultdict(list)
    for arrow in drawing.arrows:
        before[arrow.head].append(arrow.tail)
    names = [box.title.split(" ")[0] for box in drawing.boxes]
    rows = [
        (box.title, ", ".join(names[tail] for tail in before[place]), ", ".join(_noted(box)))
        for place, box in enumerate(drawing.boxes)
    ]
    return "\n".join(columns([("STEP", "AFTER", ""), *rows], width))


def _noted(box: Box) -> Iterator[str]:
    yield from filter(None, map(str, box.lines))
    if box.thick:
        yield "on the critical path"


def _painted(drawing: Drawing, direction: str, width: int) -> str | None:
    """The drawing, "" if there is none, `None` if it takes too long."""
    import subprocess

    compact = ["--width", str(width), "--padding-x", "1", "--padding-y", "0", "--gap", "4"]
    try:
        done = subprocess.run(
            [sys.executable, "-c", _BOUNDED, *compact, "--strict-width"],
            input="\n".join(_mermaid(drawing, direction)),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.strip("\n").rstrip()


def _mermaid(drawing: Drawing, direction: str) -> Iterator[str]:
    """The least that says what leads where: names, and a word or two at the arrows."""
    yield f"flowchart {direction}"
    if drawing.initial is not None:
        yield '  start((" "))'
        yield f"  start --> s{drawing.initial + 1}"
    for number, box in enumerate(drawing.boxes, 1):
        final = "◉ " if box.kind == "final" else ""
        yield f'  s{number}("{entities(final + cut(box.title, 24))}")'
    between: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for arrow in drawing.arrows:
        if arrow.tail != arrow.head:
            between[arrow.tail, arrow.head] += filter(None, [arrow.short])
    for (tail, head), words in between.items():
        label = f'|"{entities(cut(", ".join(words), 40))}"|' if words else ""
        yield f"  s{tail + 1} -->{label} s{head + 1}"
