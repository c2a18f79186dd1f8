"""What specifications exercised: rows of the tables, and the failure, retry and rollback paths of each step.

A row is named as people read it, `plan: step_failed running → paused [not tolerated]`, and so is a path,
`step test: retry`. Only rows that a scenario of the plan can reach are counted: a plan without rollbacks
owes nothing for the rows of a rollback, and rows that take several things at one moment (`_RACES`) are
told when they were taken, and never missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fsm.run import Run, plan_spec
from fsm.run import events as on
from fsm.run.policy import plan_machine
from fsm.run.step import step_machine

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.machine import MachineSpec, Row
    from fsm.plan.model import Plan, Step
    from fsm.spec.machines import MachineStory
    from fsm.spec.story import Story

__all__ = ["Coverage", "of_story", "paths_of", "row_name", "rows_of"]


@dataclass
class Coverage:
    """Of one plan or machine: the names of all that is there, in their order, and of what was exercised."""

    file: str
    name: str
    there: dict[str, None] = field(default_factory=dict)
    exercised: dict[str, None] = field(default_factory=dict)

    @property
    def missed(self) -> Sequence[str]:
        """What is there and was not exercised."""
        return [name for name in self.there if name not in self.exercised]

    @property
    def covered(self) -> int:
        """How many of those that are there were exercised."""
        return len(self.there) - len(self.missed)

    @property
    def percent(self) -> float:
        """The share that was exercised, in percent."""
        return 100 * self.covered / len(self.there) if self.there else 100.0

    def add(self, other: Coverage) -> None:
        """Take in what another scenario exercised."""
        self.there |= other.there
        self.exercised |= other.exercised

    def as_json(self) -> dict[str, JsonValue]:
        """All of it, as JSON."""
        return {
            "file": self.file,
            "name": self.name,
            "percent": round(self.percent, 1),
            "covered": [name for name in self.there if name in self.exercised],
            "missed": list(self.missed),
            "besides": [name for name in self.exercised if name not in self.there],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Coverage:
        """What `as_json` wrote."""

        def names(key: str) -> Iterator[str]:
            found = data[key]
            assert isinstance(found, list)
            return map(str, found)

        there = dict.fromkeys([*names("covered"), *names("missed")])
        exercised = dict.fromkeys([*names("covered"), *names("besides")])
        return cls(str(data["file"]), str(data["name"]), there, exercised)


def of_story(story: Story) -> list[Coverage]:
    """What a story exercised of its plan, and of its machine."""
    found = []
    if story.path is not None:
        plan = story.plan
        there = dict.fromkeys([*rows_of(plan), *paths_of(plan)])
        taken = dict.fromkeys(_taken(plan, story.tape.events))
        found.append(Coverage(str(story.path), plan.id, there, taken))
    if story.machine is not None:
        found.append(_of_machine(story.machine))
    return found


def row_name(machine: str, row: Row) -> str:
    """The row as people read it."""
    conditions = [*row.conditions, *(f"not {name}" for name in row.unless)]
    shown = f" [{', '.join(conditions)}]" if conditions else ""
    return f"{machine}: {row.trigger} {', '.join(row.source)} → {row.dest}{shown}"


def rows_of(plan: Plan) -> Iterator[str]:
    """The rows of the plan's own tables that its scenarios can reach."""
    has = _Has(plan)
    for machine, spec in _specs(plan):
        for row in spec.rows:
            if has.all_that(machine, row):
                yield row_name(machine, row)


def paths_of(plan: Plan) -> Iterator[str]:
    """What each step can go through besides success."""
    for step in plan.steps:
        yield f"step {step.id}: failure"
        if step.retry.attempts > 1:
            yield f"step {step.id}: retry"
        if step.rollback is not None:
            yield f"step {step.id}: rollback"
            yield f"step {step.id}: rollback failure"


def _specs(plan: Plan) -> Sequence[tuple[str, MachineSpec]]:
    return [("plan", plan_spec(plan.error_handling)), ("step", step_machine.spec)]


def _taken(plan: Plan, events: Iterable[on.Event]) -> Iterator[str]:
    """The rows and paths that these facts went through; the journal is folded once more, and watched."""
    rows: list[str] = []
    machines = (("plan", plan_machine(plan.error_handling)), ("step", step_machine))
    with ExitStack() as watching:
        for name, machine in machines:
            note = lambda row, name=name: rows.append(row_name(name, row))  # noqa: E731
            watching.enter_context(machine.watched(note))
        run = Run(plan)
        for event in events:
            run.apply(event)
            match event:
                case on.StepFailed(step=step):
                    retried = run.record(step).state == "pending"
                    rows.append(f"step {step}: {'retry' if retried else 'failure'}")
                case on.UndoCompleted(step=step):
                    rows.append(f"step {step}: rollback")
                case on.UndoFailed(step=step):
                    rows.append(f"step {step}: rollback failure")
    yield from rows


def _of_machine(machine: MachineStory) -> Coverage:
    spec = machine.spec
    there = dict.fromkeys(row_name(spec.name, row) for row in spec.rows)
    taken = dict.fromkeys(row_name(spec.name, row) for row in machine.taken)
    return Coverage(str(machine.path), spec.name, there, taken)


_RACES = frozenset(
    {
        ("step_failed", "rolling_back"),
        ("step_failed", "aborting"),
        ("step_failed", "needs_intervention"),
        ("rollback_failed", "aborting"),
        ("runner_lost", "aborting"),
    }
)
"""Rows of the plan machine that are taken only if two things end at the same moment."""

_OF_A_ROLLBACK = frozenset(
    {
        ("rollback_failed", "rolling_back"),
        ("rollback_failed", "needs_intervention"),
        ("runner_lost", "rolling_back"),
        ("runner_lost", "needs_intervention"),
        ("pause", "rolling_back"),
    }
)
"""Rows of the plan machine that are taken only while something is being compensated."""


class _Has:
    """What a plan has, and so which rows its runs can take."""

    def __init__(self, plan: Plan) -> None:
        steps = plan.steps
        self.rollback = any(step.rollback for step in steps)
        self.retry = any(step.retry.attempts > 1 for step in steps)
        self.check = any(step.check for step in steps)
        self.idempotent = any(step.idempotent for step in steps)
        self.condition = any(step.condition is not None for step in steps)
        self.open_condition = any(re.search(r"\bsteps\b", s.condition or "") for s in steps)
        self.tolerated = any(step.on_failure != "stop" for step in steps)
        stopping = sum(step.on_failure == "stop" for step in steps)
        self.stopping = stopping > 0
        self.several = stopping >= plan.error_handling.several
        skipping = {step.id for step in steps if step.on_failure == "skip_dependents"}
        self.skipping = bool(skipping)
        self.dependents = any(skipping & set(step.depends_on) for step in steps)
        self.question = any(not step.idempotent for step in steps)
        self.unknowable = any(map(_is_unknowable, steps))
        self.continuing = plan.error_handling.single_failure == "continue"

    def all_that(self, machine: str, row: Row) -> bool:
        """Whether the plan has all that the row needs."""
        return all(self._of_plan(row) if machine == "plan" else self._of_step(row))

    def _of_step(self, row: Row) -> Iterator[bool]:
        needs = {
            "idempotent": self.idempotent,
            "attempts_left": self.retry,
            "dependency_failed": self.dependents,
            "skipped_for_failure": self.dependents,
            "conditional": self.condition,
        }
        yield from (needs.get(name, True) for name in row.conditions)
        if row.trigger == "reject":
            yield self.open_condition
        if row.trigger.startswith("found_"):
            yield self.check
        if row.dest == "rolling_back" or row.source == ("rolling_back",):
            yield self.rollback

    def _of_plan(self, row: Row) -> Iterator[bool]:
        places = {(row.trigger, source) for source in row.source}
        yield not places <= _RACES
        if places <= _OF_A_ROLLBACK:
            yield self.rollback
        needs = {
            "tolerated": self.tolerated,
            "several_failed": self.several,
            "failure_remains": self.skipping,
            "unknown": self.unknowable,
        }
        yield from (needs.get(name, True) for name in row.conditions)
        if row.trigger == "step_failed" and "tolerated" in row.unless:
            yield self.stopping
        if (row.trigger, row.source) == ("resume", ("failed",)):
            yield self.skipping
        if (row.trigger, row.source) == ("mark", ("needs_intervention",)):
            yield self.rollback or self.unknowable
        if row.trigger == "stall":
            yield self.question or (self.continuing and self.stopping)


def _is_unknowable(step: Step) -> bool:
    """Whether a rollback may meet the step interrupted, and not know what it left."""
    copes = step.rollback is not None and step.rollback.on == "started"
    return not step.read_only and not copes
