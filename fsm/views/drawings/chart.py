"""A chart of bars over time as a value, and its writers: DOT with fixed places, Mermaid, and text.

Texts in a chart are data, as in a drawing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fsm.views.cells import cells, cut, padded
from fsm.views.drawings.dot import attributes, html_text
from fsm.views.drawings.drawing import GRID, PAINTS, Colour
from fsm.views.drawings.letters import text_width
from fsm.views.drawings.mermaid import title_text
from fsm.views.text import shown

__all__ = ["Bar", "Chart", "ChartRow", "ChartSheet"]


@dataclass(frozen=True, slots=True)
class Bar:
    """Something from `start` to `end`, on the axis of its chart; `word` says how it ended."""

    start: float
    end: float
    colour: Colour
    word: str
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A name with its bars, and what stands beside them. `id` is what a picture calls the row."""

    id: str
    title: str
    bars: tuple[Bar, ...]
    note: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows over an axis from 0 to `length`; `ticks` and `breaks` are places on it with what they say.

    At a break time is left out.
    """

    title: str
    subtitle: str
    rows: Sequence[ChartRow]
    length: float
    ticks: Sequence[tuple[float, str]]
    breaks: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True, slots=True)
class ChartSheet:
    """A chart in every format (`fsm.views.drawings.sheet.Sheet`)."""

    chart: Chart

    def dot(self) -> str:
        return "\n".join(_dot(self.chart)) + "\n"

    def mermaid(self) -> str:
        return "\n".join(_mermaid(self.chart)) + "\n"

    def text(self, width: int) -> str:
        return "\n".join(map(shown, _text(self.chart, width))) + "\n"


# DOT. Every node has its place, in points, y upwards; `nop2` lays nothing out.

AXIS, LINE = 640.0, 22.0
NAME, NOTE = 11.0, 9.0


def _dot(chart: Chart) -> Iterator[str]:
    title = html_text(chart.title)
    title += f'<br/><font point-size="11">{html_text(chart.subtitle)}</font>'
    height = LINE * len(chart.rows)
    names = 12 + max(_points(cut(shown(row.title), 30), NAME) for row in chart.rows)
    notes = 12 + max(_points(cut(shown(row.note), 48), NOTE) for row in chart.rows)
    graph = attributes(layout="nop2", labelloc="t", fontname="Helvetica", fontsize="16")
    yield "digraph {"
    yield f"  graph [label=<{title}>, {graph}]"
    node = attributes(shape="box", label="", fixedsize="true", fontname="Helvetica", fontsize="11")
    yield f"  node [{node}]"
    number = 0
    for kind, places in (("tick", chart.ticks), ("break", chart.breaks)):
        for place, text in places:
            number += 1
            x = _x(chart, place)
            at_break = kind == "break"
            style = "dashed" if at_break else "solid"
            line = attributes(
                pos=f"{x:.2f},{-height / 2:.2f}",
                width="0.001",
                height=f"{height / 72:.4f}",
                color=PAINTS["off"].line if at_break else GRID,
                style=style,
                tooltip=text,
            )
            y = -height - 8 if at_break else 8.0
            yield f"  t{number} [{line}]"
            yield f"  l{number} [{_label(x, y, text, 60, 'center', small=True)}]"
    for place, row in enumerate(chart.rows):
        y = -LINE * (place + 0.5)
        name = cut(shown(row.title), 30)
        label = _label(-names / 2 - 6, y, name, names, "right")
        about = attributes(id=f"row-{row.id}", tooltip=row.tooltip or row.title)
        yield f"  r{place} [{label}, {about}]"
        for bar_number, bar in enumerate(row.bars):
            start, end = _x(chart, bar.start), max(_x(chart, bar.end), _x(chart, bar.start) + 2)
            paint = PAINTS[bar.colour]
            about = attributes(
                pos=f"{(start + end) / 2:.2f},{y:.2f}",
                width=f"{(end - start) / 72:.4f}",
                height="0.2",
                style="filled,dashed" if bar.colour == "undone" else "filled",
                color=paint.line,
                fillcolor=paint.fill,
                tooltip=bar.tooltip or bar.word,
            )
            yield f"  b{place}x{bar_number} [{about}]"
        note = _label(AXIS + 8 + notes / 2, y, cut(shown(row.note), 48), notes, "left", small=True)
        yield f"  n{place} [{note}]"
    yield "}"


def _label(x: float, y: float, text: str, width: float, align: str, *, small: bool = False) -> str:
    """A text of that width at the place of its middle."""
    size = f' point-size="{NOTE if small else NAME:.0f}"'
    cell = f'<td width="{width:.0f}" align="{align}"><font{size}>{html_text(text)}</font></td>'
    table = (
        f'<table border="0" cellborder="0" cellspacing="0" cellpadding="0"><tr>{cell}</tr></table>'
    )
    rest = attributes(
        pos=f"{x:.2f},{y:.2f}",
        shape="plaintext",
        width=f"{width / 72:.4f}",
        height="0.2",
        tooltip=text,
    )
    return f"label=<{table}>, {rest}"


def _points(text: str, size: float) -> float:
    return text_width(text, size) or cells(text) * size


def _x(chart: Chart, place: float) -> float:
    return AXIS * place / chart.length if chart.length else 0.0


# Mermaid. A colon ends a task's name, and a semicolon or a hash ends a line.


def _mermaid(chart: Chart) -> Iterator[str]:
    yield "---"
    left_out = "".join(f"; {text} left out" for _, text in chart.breaks)
    yield f"title: {title_text(f'{chart.title}: {chart.subtitle}{left_out}')}"
    yield "config: {gantt: {leftPadding: 200}}"
    yield "---"
    yield "gantt"
    yield "  dateFormat YYYY-MM-DD HH:mm:ss.SSS"
    yield f"  axisFormat {'%S.%L' if chart.length < 60 else '%H:%M:%S'}"
    number = 0
    for row in chart.rows:
        yield f"  section {_plain(row.title)}"
        if not row.bars:
            number += 1
            yield f"  {_plain(row.note)} :milestone, b{number}, {_moment(0)}, {_moment(0)}"
        for bar in row.bars:
            number += 1
            tag = {"good": "done, ", "active": "active, ", "bad": "crit, "}.get(bar.colour, "")
            times = f"{_moment(bar.start)}, {_moment(max(bar.end, bar.start + 0.001))}"
            yield f"  {_plain(bar.word)} :{tag}b{number}, {times}"


def _moment(place: float) -> str:
    """A place on the axis as a time after midnight, wherever the reader is."""
    at = datetime(2000, 1, 1) + timedelta(seconds=place)
    return at.isoformat(" ", "milliseconds")


def _plain(text: str) -> str:
    """The text with look-alikes for what ends a name in a Gantt chart."""
    return shown(text).translate(str.maketrans(":;#%,<>", "∶‚＃％‚‹›")).strip() or "-"


# Text.

_BLOCKS: dict[Colour, str] = {
    "good": "█",
    "bad": "▓",
    "active": "▒",
    "doubt": "░",
    "undone": "▚",
    "off": "·",
}


def _text(chart: Chart, width: int) -> Iterator[str]:
    names = min(max(cells(shown(row.title)) for row in chart.rows), 30)
    notes = min(max(cells(shown(row.note)) for row in chart.rows), 36)
    room = max(width - names - notes - 4, 16)
    yield shown(chart.title)
    yield shown(chart.subtitle)
    yield ""
    yield " " * (names + 2) + _scale(chart, room)
    for row in chart.rows:
        line = [" "] * room
        for place, _ in chart.breaks:
            line[min(_column(chart, place, room), room - 1)] = "┊"
        for bar in row.bars:
            first = min(_column(chart, bar.start, room), room - 1)
            last = max(_column(chart, bar.end, room), first + 1)
            line[first:last] = _BLOCKS[bar.colour] * (last - first)
        name = padded(cut(shown(row.title), names), names)
        yield f"{name}  {''.join(line)}  {cut(shown(row.note), notes)}".rstrip()
    words: dict[Colour, dict[str, None]] = {}
    for row in chart.rows:
        for bar in row.bars:
            words.setdefault(bar.colour, {})[bar.word] = None
    legend = [f"{_BLOCKS[colour]} {', '.join(said)}" for colour, said in words.items()]
    legend += [f"┊ {text} left out" for _, text in chart.breaks]
    yield from ["", "   ".join(legend)] if legend else []


def _scale(chart: Chart, room: int) -> str:
    line = ""
    for place, text in chart.ticks:
        column = _column(chart, place, room)
        if column >= len(line) and column + cells(text) <= room + 8:
            line = padded(line, column) + text + " "
    return line.rstrip()


def _column(chart: Chart, place: float, room: int) -> int:
    return round(place / chart.length * room) if chart.length else 0
