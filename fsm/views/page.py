"""The page of a plan in a terminal: aligned in its cells, cut to its width, colored if asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fsm.views.cells import cells, cut, padded, wrap
from fsm.views.text import shown

if TYPE_CHECKING:
    from fsm.views.plan import PlanView, StepView, Tool

__all__ = ["page"]

MOST_IN_FULL = 50
"""Beyond so many steps each has one line."""

MOST_LINES = 40
"""A script with more lines is cut to this many, where lines are cut too."""

GRAVE = frozenset({"irreversible", "irreversible_first", "unknown_after_crash"})
UNBOUNDED = 100_000

FULL = "`fsm plan --full`"

BOLD, DIM, RED, YELLOW = "1", "2", "31", "33"


def page(view: PlanView, *, width: int, color: bool, full: bool) -> str:
    """See `fsm.views.plan.plan_text`."""
    writer = _Page(max(width, 40) if width else UNBOUNDED, color)
    writer.plan(view, in_short=len(view.steps) > MOST_IN_FULL and not full)
    return "\n".join(writer.lines)


class _Page:
    def __init__(self, width: int, color: bool) -> None:
        self.width = width
        self.color = color
        self.lines: list[str] = []
        self.was_cut = False

    def plan(self, view: PlanView, in_short: bool) -> None:
        self.head(view)
        if in_short:
            self.title(f"Steps (! cannot be undone; {FULL} also shows rollbacks, terms and checks)")
            self.index(view.steps)
            self.title("Rollbacks")
            self.table(_rollbacks(view))
        else:
            self.title("Steps")
            for step in view.steps:
                self.step(step, view)
        if view.tools:
            self.title("Tools")
            self.table((shown(tool.name), _uses(tool), "") for tool in view.tools)
        self.title("If something fails")
        self.table((row.when, f"→ {row.then}", "") for row in view.errors)
        if view.risks:
            self.title("Risks")
            self.risks(view)
        self.lines.append("")
        if self.was_cut:
            note = f"… was cut to fit; {FULL} shows every command whole."
            self.lines += [self.paint(line, DIM) for line in wrap(note, self.width)]
        self.lines.append(f"{self.paint('digest', BOLD)}  {view.digest}")

    def head(self, view: PlanView) -> None:
        name, plan_id = shown(view.name), shown(view.id)
        title = name if name == plan_id else f"{name} ({plan_id})"
        self.lines += [self.paint(line, BOLD) for line in wrap(title, self.width)]
        if view.description:
            self.lines += wrap(shown(view.description.strip()), self.width)
        self.lines.append("")
        self.lines += wrap(_summary(view), self.width, hanging="  ")
        values = [
            ("params", [f"{shown(n)}={_value(v)}" for n, v in view.params.items()]),
            ("env", [f"{shown(n)}={shown(_value(v))}" for n, v in view.env.items()]),
            ("secrets", [shown(name) for name in view.secrets]),
        ]
        for key, items in values:
            if items:
                self.field("", key, "  ".join(items), 7)

    def step(self, step: StepView, view: PlanView) -> None:
        digits = len(str(len(view.steps)))
        mark = self.paint("!", RED) if step.irreversible else " "
        name, step_id = shown(step.name), shown(step.id)
        label = name if name == step_id else f"{name} ({step_id})"
        after = _after(_places(view, step.depends_on), max(self.width - 40, 24))
        after = f" · {after}" if after else ""
        room = self.width - digits - 4 - cells(after)
        label = self.fit(label, max(room, 10))
        self.lines.append(
            f"{mark} {step.number:>{digits}}  {self.paint(label, BOLD)}{self.paint(after, DIM)}"
        )
        margin = " " * (digits + 4)
        if step.description:
            self.lines.append(margin + self.cut(shown(step.description.strip()), len(margin)))
        if step.condition is not None:
            self.one_line(margin, "if", shown(step.condition))
        self.command(margin, "run", step.command)
        if step.does is not None:
            self.command(margin, "does", step.does)
        if step.cwd is not None:
            self.one_line(margin, "in", shown(step.cwd))
        if step.env:
            env = "  ".join(f"{shown(n)}={shown(_value(v))}" for n, v in step.env.items())
            self.one_line(margin, "env", env)
        for key, command in (("check", step.check), ("dry run", step.dry_run)):
            if command is not None:
                self.command(margin, key, command)
        if step.needs:
            self.one_line(margin, "needs", shown("; ".join(step.needs)))
        if step.undo is not None:
            self.command(margin, "undo", step.undo.command)
            if step.undo.terms:
                self.field(margin, "", " · ".join(step.undo.terms), 7)
        elif step.read_only:
            self.one_line(margin, "undo", "nothing to undo: it changes nothing")
        else:
            self.one_line(margin, "undo", "nothing: cannot be undone", RED)
        if step.terms:
            self.field(margin, "terms", " · ".join(step.terms), 7)

    def index(self, steps: Sequence[StepView]) -> None:
        """One line a step: mark, number, id, command, what it waits for and its terms in short."""
        places = {step.id: step.number for step in steps}
        digits = len(str(len(steps)))
        ids = [self.fit(shown(step.id), 24) for step in steps]
        afters = [_after(sorted(places[name] for name in step.depends_on), 24) for step in steps]
        widest_id, widest_after = max(map(cells, ids)), max(map(cells, afters))
        room = max(self.width - digits - widest_id - widest_after - 8, 12)
        commands = [self.fit(step.command.replace("\n", "\\n"), room) for step in steps]
        widest = max(map(cells, commands))
        for step, step_id, command, after in zip(steps, ids, commands, afters, strict=True):
            mark = self.paint("!", RED) if step.irreversible else " "
            line = f"{mark} {step.number:>{digits}}  {padded(step_id, widest_id)}  {command}"
            if after:
                line += " " * (widest - cells(command) + 2) + self.paint(after, DIM)
            self.lines.append(line)

    def risks(self, view: PlanView) -> None:
        places = {step.id: step.number for step in view.steps}
        rows = []
        for risk in view.risks:
            color = RED if risk.kind in GRAVE else YELLOW
            numbers = [places[step_id] for step_id in risk.steps]
            every = len(numbers) == len(view.steps) > 1
            where = "all" if every or not numbers else _numbers(numbers, 18)
            rows.append((where, risk.sentence, color))
        self.table(rows)

    # Pieces.

    def title(self, text: str) -> None:
        self.lines += ["", *(self.paint(line, BOLD) for line in wrap(text, self.width))]

    def table(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Two columns; the third value colors the first."""
        found = list(rows)
        keys = [self.fit(key, max(self.width // 2 - 4, 16)) for key, _, _ in found]
        widest = max(map(cells, keys), default=0)
        for key, (_, value, color) in zip(keys, found, strict=True):
            first, *rest = wrap(value, self.width - widest - 4)
            self.lines.append(f"  {self.paint(padded(key, widest), color)}  {first}")
            self.lines += [" " * (widest + 4) + line for line in rest]

    def field(self, margin: str, key: str, value: str, room: int) -> None:
        """A key and its value on as many lines as that takes."""
        first, *rest = wrap(value, self.width - len(margin) - room - 1)
        self.lines.append(f"{margin}{self.paint(key.ljust(room), DIM)} {first}")
        self.lines += [" " * (len(margin) + room + 1) + line for line in rest]

    def command(self, margin: str, key: str, value: str) -> None:
        """A command beside its key; a script of several lines as a block of its own."""
        if "\n" not in value:
            self.one_line(margin, key, value)
            return
        lines = value.split("\n")
        if self.width != UNBOUNDED and len(lines) > MOST_LINES:
            more = f"… {len(lines) - MOST_LINES + 1} more lines"
            lines = [*lines[: MOST_LINES - 1], more]
            self.was_cut = True
        self.lines.append(f"{margin}{self.paint(key, DIM)}")
        bar = f"{margin}  {self.paint('|', DIM)} "
        self.lines += [(bar + self.cut(line, len(margin) + 4)).rstrip() for line in lines]

    def one_line(self, margin: str, key: str, value: str, color: str = "") -> None:
        value = self.cut(value, len(margin) + 8)
        self.lines.append(f"{margin}{self.paint(key.ljust(7), DIM)} {self.paint(value, color)}")

    def cut(self, text: str, used: int) -> str:
        return self.fit(text, self.width - used)

    def fit(self, text: str, room: int) -> str:
        if self.width == UNBOUNDED:
            return text
        fitting = cut(text, room)
        self.was_cut = self.was_cut or fitting != text
        return fitting

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code and text.strip() else text


def _summary(view: PlanView) -> str:
    count, stuck = len(view.steps), view.irreversible
    steps = "1 step" if count == 1 else f"{count} steps"
    order = "one at a time" if view.parallel == 1 else f"up to {view.parallel} at once"
    if count == 1:
        order = ""
    line = ", ".join(filter(None, [steps, order])) + ". "
    if all(step.read_only for step in view.steps):
        return f"{line}{'It changes' if count == 1 else 'They change'} nothing."
    if not stuck:
        return line + ("It can be undone." if count == 1 else "All can be undone.")
    if len(stuck) == count:
        return line + ("It cannot be undone." if count == 1 else "None can be undone.")
    if len(stuck) <= 6:
        names = ", ".join(f"{step.number} {shown(step.name)}" for step in stuck)
    else:
        names = "steps " + _numbers([step.number for step in stuck], 60)
    return f"{line}Cannot be undone: {names}."


def _rollbacks(view: PlanView) -> Iterator[tuple[str, str, str]]:
    """How many steps are undone when, and all that cannot be, by name."""
    undos = [step.undo for step in view.steps if step.undo is not None]
    started = sum(undo.when_started for undo in undos)
    counts = {
        "undone if completed": len(undos) - started,
        "undone if started": started,
        "nothing to undo": sum(step.read_only for step in view.steps),
    }
    for kind, number in counts.items():
        if number:
            yield kind, "1 step" if number == 1 else f"{number} steps", ""
    stuck = view.irreversible
    if stuck:
        names = ", ".join(f"{step.number} {shown(step.name)}" for step in stuck)
        every = len(stuck) == len(view.steps)
        yield "cannot be undone", "all" if every else f"{len(stuck)}: {names}", RED


def _uses(tool: Tool) -> str:
    uses = [_step_words(tool.steps)] if tool.steps else []
    if tool.undos:
        uses.append(f"to undo {_step_words(tool.undos)}")
    return ", ".join(uses)


def _step_words(numbers: Sequence[int]) -> str:
    return f"step{'s' if len(numbers) > 1 else ''} {_numbers(numbers, 40)}"


def _after(numbers: Sequence[int], room: int) -> str:
    return f"after {_numbers(numbers, room - 6)}" if numbers else ""


def _places(view: PlanView, ids: Iterable[str]) -> list[int]:
    wanted = set(ids)
    return [step.number for step in view.steps if step.id in wanted]


def _numbers(numbers: Sequence[int], room: int = UNBOUNDED) -> str:
    """`1-3, 5`; if that is longer than `room`, the first of them and how many there are."""
    ranges = [f"{first}-{last}" if last > first else f"{first}" for first, last in _runs(numbers)]
    text = ", ".join(ranges)
    if len(text) <= room:
        return text
    total = f" … ({len(numbers)})"
    kept = ranges[:1]
    for item in ranges[1:]:
        if len(", ".join([*kept, item])) + len(total) > room:
            break
        kept.append(item)
    return ", ".join(kept) + total


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number != last + 1:
            yield first, last
            first = None
        first = number if first is None else first
        last = number
    if first is not None and last is not None:
        yield first, last


def _value(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=False))
