"""A state machine as a drawing: its states, and an arrow for all rows between the same two of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fsm.views.drawings.drawing import Arrow, Box, Colour, Drawing, Mark, Tinted

if TYPE_CHECKING:
    from fsm.machine import MachineSpec, Row

__all__ = ["conditions_of", "machine_drawing"]


class _Between(NamedTuple):
    source: str
    dest: str
    scenario: str
    colour: Colour | None


def machine_drawing(
    spec: MachineSpec, marks: Mapping[str | int, Mark] | None = None, subtitle: str = ""
) -> Drawing:
    """The machine's states and rows: one arrow for all rows between the same two states.

    Rows that stay in their state stand inside its box, below "stays on"; rows of the error-handling table
    (`scenario`) have bold red arrows of their own, or stand there in red, with the scenario's name.

    `marks` colours states, by their name, and rows, by their index in `spec.rows` from 0: a row is then
    drawn apart from rows of another colour, and its notes stand beside its trigger, which is all that
    Mermaid shows of a row that stays in its state. So a coverage says
    `{0: Mark("good"), 1: Mark("bad", ("never taken",))}`.
    """
    marks = marks or {}
    places = {name: index for index, name in enumerate(spec.states)}
    inside: defaultdict[str, list[str | Tinted]] = defaultdict(list)
    between: defaultdict[_Between, list[str]] = defaultdict(list)
    reasons: defaultdict[_Between, dict[str, str]] = defaultdict(dict)
    for index, row in enumerate(spec.rows):
        mark = marks.get(index)
        notes = f" ({', '.join(mark.notes)})" if mark and mark.notes else ""
        lines = _row_lines(row.trigger + notes, conditions_of(row))
        for source in row.source:
            if source == row.dest:
                inside[source] += _inside(row, lines, mark)
                continue
            pair = _Between(source, row.dest, row.scenario or "", mark.colour if mark else None)
            between[pair] += lines
            before = reasons[pair].get(row.trigger)
            reasons[pair][row.trigger] = "; ".join(filter(None, [before, row.why]))
    boxes = [_box(spec, name, inside.get(name, ()), marks.get(name)) for name in spec.states]
    arrows = [
        Arrow(
            tail=places[pair.source],
            head=places[pair.dest],
            lines=((_title(pair.scenario),) if pair.scenario else ()) + tuple(lines),
            kind="scenario" if pair.scenario else "plain",
            tooltip="\n".join(f"{name}: {why}" for name, why in reasons[pair].items()),
            colour=pair.colour,
            short=pair.scenario.replace("_", " ") or ", ".join(reasons[pair]),
        )
        for pair, lines in between.items()
    ]
    title = f"{spec.name} machine"
    return Drawing(title, boxes, arrows, "TB", places[spec.initial], subtitle=subtitle)


def conditions_of(row: Row) -> list[str]:
    """What must hold for the row, as it is shown: `NAME`, or `not NAME` of an `unless`."""
    return [*row.conditions, *(f"not {name}" for name in row.unless)]


def _inside(row: Row, lines: Sequence[str], mark: Mark | None) -> Iterator[str | Tinted]:
    """The row as lines of the box that it stays in, in a colour if it has one."""
    if row.scenario:
        lines = [_title(row.scenario), *lines]
    colour: Colour | None = "bad" if row.scenario else None
    colour = mark.colour if mark else colour
    yield from (Tinted(line, colour) for line in lines) if colour else lines


def _title(scenario: str) -> str:
    return f"{scenario.replace('_', ' ')}:"


def _box(spec: MachineSpec, name: str, inside: Sequence[str | Tinted], mark: Mark | None) -> Box:
    state = spec.states[name]
    return Box(
        title=name,
        lines=(*(mark.notes if mark else ()), *(("stays on", *inside) if inside else ())),
        kind="final" if state.final else "plain",
        tooltip=f"{name}: {state.description}" if state.description else name,
        id=f"state-{name}",
        colour=mark.colour if mark else None,
    )


def _row_lines(trigger: str, conditions: Sequence[str]) -> list[str]:
    """`trigger [cond, not cond]` on one line if it is short, else a line for each condition."""
    text = trigger + (f" [{', '.join(conditions)}]" if conditions else "")
    if len(text) <= 22 or not conditions:
        return [text]
    head = f"{trigger} [{conditions[0]}"
    lines = [head] if len(head) <= 22 else [trigger, f"[{conditions[0]}"]
    for condition in conditions[1:]:
        lines[-1] += ","
        lines.append(condition)
    lines[-1] += "]"
    return lines
