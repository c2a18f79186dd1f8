"""A plan as a drawing: its steps, what each waits for, and what a run or a coverage says of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal

from fsm.plan.graph import layers
from fsm.views.calls import command_text
from fsm.views.cells import cut
from fsm.views.drawings.drawing import Arrow, Box, Cluster, Colour, Drawing, Mark, wrapped
from fsm.views.text import count, shown

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Step

__all__ = ["plan_drawing"]

WITH_NOTES = 60
"""Up to so many steps each box has room for the step's rollback and condition."""

_MOST_STEPS = 500
"""Beyond so many steps a box is a layer of the plan, several layers, or a group of steps."""

MOST_GROUPS = 24
ROW = 10
ROW_WITH_COUNTS = 6
ROW_WITH_NOTES = 4
"""So many boxes stand side by side on a page; a longer chain is folded into rows."""

_WORST: Sequence[Colour] = ("bad", "doubt", "active", "undone", "good", "off")


def plan_drawing(
    plan: Plan,
    most_arrows: int,
    marks: Mapping[str, Mark] | None = None,
    critical: Sequence[str] = (),
    subtitle: str = "",
) -> Drawing:
    """The plan's steps and what each waits for. A step that cannot be undone has a red border.

    A sequential plan in which nothing waits for anything is the chain of its order, dashed. Steps whose ids
    share what stands before their first dot, such as `eu.build` and `eu.deploy`, stand in one frame. Plans
    too large to be read are drawn as groups or layers with counts.

    `marks` colours steps, by their id, and writes the notes below their names: so a run says
    `{"build": Mark("bad", ("failed",))}`, and a coverage `{"build": Mark("good", ("failure covered",))}`.
    `critical` names steps, each waiting for the one before it, that stand out with the arrows between them.
    """
    marks = marks or {}
    arrows = sum(len(step.depends_on) for step in plan.steps)
    chained = plan.parallel == 1 and not arrows
    if len(plan.steps) > _MOST_STEPS or arrows > most_arrows:
        return _collapsed(plan, chained, marks, subtitle)
    boxes = [_box(plan, step, marks, step.id in critical) for step in plan.steps]
    clusters = [
        Cluster(name, tuple(plan.positions[step_id] for step_id in ids))
        for name, ids in _groups(plan).items()
    ]
    row = ROW_WITH_NOTES if len(plan.steps) <= WITH_NOTES else ROW
    if chained:
        drawn = [Arrow(place - 1, place, kind="order") for place in range(1, len(boxes))]
    else:
        drawn = list(_dependencies(plan, critical))
    rows = _rows(len(boxes), clusters, row) if chained or _is_chain(plan) else []
    if len(rows) > 1:
        return Drawing(
            plan.name, boxes, drawn, "TB", rows=rows, subtitle=subtitle, clusters=clusters
        )
    found = _layers(plan)
    depth = len(boxes) if chained else len(found)
    upright = depth > row and max(map(len, found)) <= depth
    direction: Literal["TB", "LR"] = "TB" if upright else "LR"
    return Drawing(plan.name, boxes, drawn, direction, subtitle=subtitle, clusters=clusters)


def _rows(number: int, clusters: Sequence[Cluster], size: int) -> list[int]:
    """With which boxes of a chain a new row begins: a frame has rows of its own; none if it has gaps."""
    frame = {place: index for index, cluster in enumerate(clusters) for place in cluster.boxes}
    runs = [(key, list(places)) for key, places in groupby(range(number), frame.get)]
    framed = [key for key, _ in runs if key is not None]
    if len(framed) > len(set(framed)) or number <= size:
        return []
    return [place for _, places in runs for place in places[::size]]


def _is_chain(plan: Plan) -> bool:
    """Whether each step waits for the one before it, and for no other."""
    return all(b.depends_on == (a.id,) for a, b in pairwise(plan.steps))


def _dependencies(plan: Plan, critical: Sequence[str]) -> Iterator[Arrow]:
    path = set(pairwise(critical))
    for index, step in enumerate(plan.steps):
        for dependency in step.depends_on:
            thick = (dependency, step.id) in path
            yield Arrow(plan.positions[dependency], index, thick=thick)


def _groups(plan: Plan) -> dict[str, list[str]]:
    """Steps that share what stands before the first dot of their id, where there are two or more."""
    named: defaultdict[str, list[str]] = defaultdict(list)
    for step in plan.steps:
        name, dot, _ = step.id.partition(".")
        if dot:
            named[name].append(step.id)
    return {name: ids for name, ids in named.items() if len(ids) > 1}


def _box(plan: Plan, step: Step, marks: Mapping[str, Mark], critical: bool) -> Box:
    number = plan.positions[step.id] + 1
    with_notes = len(plan.steps) <= WITH_NOTES
    first, *rest = wrapped(step.name if with_notes else step.id, 28)
    mark = marks.get(step.id)
    said = mark.notes if mark else ()
    notes = said[:1]
    if with_notes:
        notes = _marked_notes(step, said) if marks else tuple(_notes(step))
    facts = [*_facts(number, step), *said, *(["on the critical path"] if critical else [])]
    return Box(
        title=f"{number} {first}",
        lines=(*rest, *notes),
        kind="risky" if step.irreversible else "plain",
        tooltip="\n".join(facts),
        id=f"step-{step.id}",
        colour=mark.colour if mark else None,
        thick=critical,
    )


def _marked_notes(step: Step, said: Collection[str]) -> tuple[str, ...]:
    stuck = ("no rollback",) if step.irreversible else ()
    return (*(cut(shown(note), 32) for note in said), *stuck)


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


def _collapsed(plan: Plan, chained: bool, marks: Mapping[str, Mark], subtitle: str) -> Drawing:
    """Boxes for groups of steps, and arrows with the count of the dependencies between them."""
    titled = _named_groups(plan) or _layer_groups(plan, chained)
    group_of = {name: place for place, (_, names) in enumerate(titled) for name in names}
    counts = Counter(
        (group_of[dependency], group_of[step.id])
        for step in plan.steps
        for dependency in step.depends_on
    )
    boxes = [_group_box(plan, title, names, marks) for title, names in titled]
    arrows = [
        Arrow(tail, head, (_dependency_count(count_),), short=str(count_))
        for (tail, head), count_ in sorted(counts.items())
        if tail != head
    ]
    if chained:
        arrows = [Arrow(index - 1, index, kind="order") for index in range(1, len(boxes))]
    if [(arrow.tail, arrow.head) for arrow in arrows] == [*pairwise(range(len(boxes)))]:
        rows = range(0, len(boxes), ROW if chained else ROW_WITH_COUNTS)
        return Drawing(plan.name, boxes, arrows, "TB", rows=rows, subtitle=subtitle)
    upright = len(boxes) > ROW
    return Drawing(plan.name, boxes, arrows, "TB" if upright else "LR", subtitle=subtitle)


def _named_groups(plan: Plan) -> list[tuple[str, list[str]]]:
    """The plan's own groups, if they hold every step and are few enough."""
    groups = _groups(plan)
    whole = sum(map(len, groups.values())) == len(plan.steps) and len(groups) <= MOST_GROUPS
    return [(shown(name), ids) for name, ids in groups.items()] if whole else []


def _layer_groups(plan: Plan, chained: bool) -> list[tuple[str, list[str]]]:
    """Layers, or runs of them as even as they can be."""
    found = [[step.id] for step in plan.steps] if chained else _layers(plan)
    size = -(-len(found) // MOST_GROUPS)
    what = "step" if chained else "layer"
    titled = []
    for first in range(0, len(found), size):
        group = found[first : first + size]
        span = f"{first + 1}" if len(group) == 1 else f"{first + 1}-{first + len(group)}"
        names = [name for layer in group for name in layer]
        titled.append((f"{what}{'s' if len(group) > 1 else ''} {span}", names))
    return titled


def _group_box(plan: Plan, title: str, names: Sequence[str], marks: Mapping[str, Mark]) -> Box:
    stuck = sum(plan.step(name).irreversible for name in names)
    said = [marks[name] for name in names if name in marks]
    notes = Counter(mark.notes[0] for mark in said if mark.notes)
    colours = {mark.colour for mark in said}
    return Box(
        title=title,
        lines=(
            count(len(names), "step"),
            *(f"{number} {note}" for note, number in notes.items()),
            *([f"{stuck} with no rollback"] if stuck else []),
        ),
        kind="risky" if stuck else "plain",
        tooltip=f"{names[0]} … {names[-1]}" if len(names) > 1 else names[0],
        colour=next((colour for colour in _WORST if colour in colours), None),
    )


def _dependency_count(number: int) -> str:
    return f"{number} {'dependency' if number == 1 else 'dependencies'}"
