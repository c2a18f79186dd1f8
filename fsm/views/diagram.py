"""State machines and plans as drawings, written in Mermaid or DOT (issue 2, `fsm diagram`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fsm.plan.graph import layers
from fsm.views.calls import command_text
from fsm.views.cells import cut
from fsm.views.drawing import Arrow, Box, Drawing, Format, as_text, wrapped
from fsm.views.text import shown

if TYPE_CHECKING:
    from fsm.machine import MachineSpec
    from fsm.plan.model import Plan, Step

__all__ = ["Format", "machine_diagram", "plan_diagram"]

WITH_NOTES = 60
"""Up to so many steps each box has room for the step's rollback and condition."""

MOST_STEPS = 500
"""Beyond so many steps a box is a layer of the plan, or several layers."""

MOST_ARROWS = {"mermaid": 480, "dot": 3000}
"""Mermaid draws no more than 500 edges; beyond 3,000 nobody sees anything in either."""

MOST_GROUPS = 24
ROW = 8
DEEPEST = 10
"""Plans with more layers than this run from top to bottom: side by side they would not fit a page."""


def machine_diagram(spec: MachineSpec, format: Format) -> str:  # noqa: A002 - the name users know
    """The machine's states and rows: one arrow for all rows between the same two states.

    Rows that stay in their state stand inside its box, below "stays on"; rows of the error-handling table
    (`scenario`) have bold red arrows of their own, with the scenario's name.
    """
    places = {name: index for index, name in enumerate(spec.states)}
    inside: defaultdict[str, list[str]] = defaultdict(list)
    between: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    reasons: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in spec.rows:
        lines = _row_lines(row.trigger, [*row.conditions, *(f"not {name}" for name in row.unless)])
        for source in row.source:
            if source == row.dest and not row.scenario:
                inside[source] += lines
                continue
            pair = (source, row.dest, row.scenario or "")
            between[pair] += lines
            reasons[pair].append(f"{row.trigger}: {row.why}" if row.why else row.trigger)
    boxes = [
        Box(
            title=name,
            lines=("stays on", *inside[name]) if name in inside else (),
            kind="final" if state.final else "plain",
            tooltip=state.description,
        )
        for name, state in spec.states.items()
    ]
    arrows = [
        Arrow(
            tail=places[source],
            head=places[dest],
            lines=((f"{scenario.replace('_', ' ')}:",) if scenario else ()) + tuple(lines),
            kind="scenario" if scenario else "plain",
            tooltip="\n".join(reasons[source, dest, scenario]),
        )
        for (source, dest, scenario), lines in between.items()
    ]
    title = f"{spec.name} machine"
    return as_text(Drawing(title, boxes, arrows, "TB", initial=places[spec.initial]), format)


def plan_diagram(plan: Plan, format: Format) -> str:  # noqa: A002
    """The plan's steps and what each waits for. A step that cannot be undone has a red border.

    A sequential plan in which nothing waits for anything is the chain of its order, dashed. Plans too
    large to be read are drawn as layers with counts.
    """
    arrows = sum(len(step.depends_on) for step in plan.steps)
    chained = plan.parallel == 1 and not arrows
    if len(plan.steps) > MOST_STEPS or arrows > MOST_ARROWS[format]:
        return as_text(_collapsed(plan, chained), format)
    return as_text(_chain(plan) if chained else _graph(plan), format)


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


def _chain(plan: Plan) -> Drawing:
    count = len(plan.steps)
    arrows = [Arrow(index - 1, index, kind="order") for index in range(1, count)]
    if count <= ROW:
        return Drawing(plan.name, _boxes(plan), arrows)
    return Drawing(plan.name, _boxes(plan), arrows, "TB", row=ROW)


def _graph(plan: Plan) -> Drawing:
    arrows = [
        Arrow(plan.positions[dependency], index)
        for index, step in enumerate(plan.steps)
        for dependency in step.depends_on
    ]
    deep = len(_layers(plan)) > DEEPEST
    return Drawing(plan.name, _boxes(plan), arrows, "TB" if deep else "LR")


def _boxes(plan: Plan) -> list[Box]:
    with_notes = len(plan.steps) <= WITH_NOTES
    return [_box(number, step, with_notes) for number, step in enumerate(plan.steps, 1)]


def _box(number: int, step: Step, with_notes: bool) -> Box:
    first, *rest = wrapped(step.name if with_notes else step.id, 28)
    return Box(
        title=f"{number} {first}",
        lines=(*rest, *(_notes(step) if with_notes else ())),
        kind="risky" if step.irreversible else "plain",
        tooltip="\n".join(_facts(number, step)),
    )


def _notes(step: Step) -> Iterator[str]:
    if step.condition is not None:
        yield cut(f"if {shown(step.condition)}", 32)
    yield cut(_undo(step), 32)


def _facts(number: int, step: Step) -> Iterator[str]:
    yield f"{number} {step.name} ({step.id})"
    yield f"run: {command_text(step.call)}"
    if step.condition is not None:
        yield f"if: {step.condition}"
    yield _undo(step)


def _undo(step: Step) -> str:
    if step.rollback is None:
        return "read-only" if step.read_only else "no rollback"
    return f"undo: {command_text(step.rollback.call)}"


def _layers(plan: Plan) -> list[list[str]]:
    return layers(list(plan.positions), {step.id: step.depends_on for step in plan.steps})


def _collapsed(plan: Plan, chained: bool) -> Drawing:
    """Boxes for groups of layers, as even as they can be, and arrows with the dependencies' count."""
    found = [[step.id] for step in plan.steps] if chained else _layers(plan)
    size = -(-len(found) // MOST_GROUPS)
    groups = [found[first : first + size] for first in range(0, len(found), size)]
    group_of = {name: n for n, group in enumerate(groups) for layer in group for name in layer}
    counts = Counter(
        (group_of[dependency], group_of[step.id])
        for step in plan.steps
        for dependency in step.depends_on
    )
    boxes = []
    for number, group in enumerate(groups):
        steps = [plan.step(name) for layer in group for name in layer]
        stuck = sum(step.irreversible for step in steps)
        first = number * size + 1
        span = f"{first}" if len(group) == 1 else f"{first}-{first + len(group) - 1}"
        what = "step" if chained else "layer"
        boxes.append(
            Box(
                title=f"{what}{'s' if len(group) > 1 else ''} {span}",
                lines=(_count(len(steps), "step"), f"{stuck} with no rollback" if stuck else ""),
                kind="risky" if stuck else "plain",
                tooltip=f"{steps[0].id} … {steps[-1].id}" if len(steps) > 1 else steps[0].id,
            )
        )
    arrows = [
        Arrow(tail, head, (_count(count, "dependency", "dependencies"),))
        for (tail, head), count in sorted(counts.items())
        if tail != head
    ]
    if chained:
        arrows = [Arrow(index - 1, index, kind="order") for index in range(1, len(boxes))]
        return Drawing(plan.name, boxes, arrows, "TB", row=ROW)
    return Drawing(plan.name, boxes, arrows, "TB" if len(boxes) > DEEPEST else "LR")


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"
