"""A specification written from a plan: every row of its tables and every step's failure once.

What is expected is what a rehearsal gives: read it, and keep what is meant. Where steps differ in nothing but
their name there is one outline with a line for each.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.spec.coverage import paths_of, rows_of
from fsm.spec.drafts import castings, last_attempt, several_failures
from fsm.spec.enabling import arrangements
from fsm.spec.feature_text import Block, outline_text, scenario_text
from fsm.spec.rehearsing import Told, end, end_words, rehearsed, words
from fsm.spec.story import Story
from fsm.spec.templates import TEMPLATES, Template

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Step

__all__ = ["Generated", "generate"]


@dataclass(frozen=True)
class Generated:
    """The beginning of a feature, its scenarios, and the rows and paths that none of them reaches."""

    header: str
    blocks: Sequence[Block]
    missed: Sequence[str]


_More = Callable[[Told, "Step"], Sequence[str]]
"""What is checked besides, of one step of an outline."""


def generate(path: Path, folder: Path) -> Generated:
    """The specification of the plan at `path`, for a feature in `folder`. Raises `Invalid`."""
    writer = _Writer(path, folder)
    blocks = [
        *writer.completes(),
        *writer.failures(),
        *writer.retries(),
        *writer.rollbacks(),
        *writer.templates(),
    ]
    return Generated(writer.header, blocks, writer.missed)


@dataclass
class _Writer:
    path: Path
    folder: Path
    there: dict[str, None] = field(init=False)
    seen: dict[str, None] = field(default_factory=dict)
    titles: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.file = os.path.relpath(self.path, self.folder)
        story = Story(self.folder)
        story.open_plan(self.file)
        self.plan: Plan = story.plan
        self.there = dict.fromkeys([*rows_of(self.plan), *paths_of(self.plan)])
        self.enabling = dict(self._enabling())

    @property
    def header(self) -> str:
        name = " ".join(self.plan.name.split())
        return f'Feature: {name}\n\n  Background:\n    Given the approved plan "{self.file}"\n'

    @property
    def missed(self) -> Sequence[str]:
        return [name for name in self.there if name not in self.seen]

    # The scenarios.

    def completes(self) -> Iterator[Block]:
        """All goes well; and each step that a condition keeps from running, running."""
        told = self._tell(["When somebody runs the plan"])
        if told is not None:
            ended_well = told.story.run.state == "completed"
            yield self._block("All goes well" if ended_well else "Nothing is arranged", told)
        for step_id, arranged in self.enabling.items():
            if not arranged:
                continue
            told = self._tell([*arranged, "When somebody runs the plan"])
            if told is not None:
                yield self._block(f"`{step_id}` runs where its condition holds", told)
        if any("→ skipped [" in name and " conditional" in name for name in self.missed):
            yield from self._skipped()

    def _skipped(self) -> Iterator[Block]:
        """A step whose condition does not hold, although it does as the plan stands."""
        for step in self.plan.steps:
            for arranged in arrangements(self.plan, step.condition or ""):
                lines = [*arranged, "When somebody runs the plan"]
                told = self._rehearsed(lines)
                if told is not None and told.story.run.record(step.id).state == "skipped":
                    self.seen |= told.taken
                    yield self._block(
                        f"`{step.id}` is skipped where its condition does not hold", told
                    )
                    return

    def failures(self) -> Iterator[Block]:
        """Each step fails for good; those of which the same comes stand in one outline."""
        yield from self._outlines(
            self.plan.steps,
            ['Given the step "<step>" fails', "When somebody runs the plan"],
            "A step fails: {end}",
            lambda told, step: [
                f'And the step "<step>" is {words(told.story.run.record(step.id).state)}',
                'And the step "<step>" was tried <times> time(s)',
            ],
        )

    def retries(self) -> Iterator[Block]:
        """Each step that is tried again fails once."""
        yield from self._outlines(
            [step for step in self.plan.steps if step.retry.attempts > 1],
            ['Given the step "<step>" fails 1 time, then succeeds', "When somebody runs the plan"],
            "A step fails once, and is tried again",
            lambda *_: ['And the step "<step>" was tried <times> time(s)'],
        )

    def rollbacks(self) -> Iterator[Block]:
        """All is undone; and each rollback fails."""
        undone = [step for step in self.plan.steps if step.rollback]
        arranged = [line for step in undone for line in self.enabling.get(step.id, ())]
        whole = [*dict.fromkeys(arranged), "When somebody runs the plan"]
        told = self._tell([*whole, "When somebody rolls the run back"])
        if told is not None and undone:
            yield self._block("All is undone, the last first", told)
        yield from self._outlines(
            undone,
            [
                'Given the rollback of "<step>" fails',
                "When somebody runs the plan",
                "When somebody rolls the run back",
            ],
            "A rollback fails: {end}",
            lambda *_: [
                'And the step "<step>" is rollback failed',
                'And the rollback of "<step>" was tried <times> time(s)',
            ],
            undoing=True,
        )

    def templates(self) -> Iterator[Block]:
        """The other rows, each by the first story that takes it."""
        for template in TEMPLATES:
            if self._wanted(template):
                casts = castings(self.plan, template)
                yield from self._first((template, cast) for cast in casts)
        for where in ("running", "paused"):
            drafts = several_failures(self.plan)
            several = [d for d in drafts if d[0].wants == (f"plan: step_failed {where}",)]
            yield from self._first(several, "[several_failed")

    # How they are made.

    def _wanted(self, template: Template) -> bool:
        return any(name.startswith(template.wants) for name in self.missed)

    def _first(
        self, drafts: Iterable[tuple[Template, Sequence[Step]]], condition: str = ""
    ) -> Iterator[Block]:
        """The first story that takes a row it is wanted for, one with that condition."""
        for template, cast in drafts:
            names = dict(zip("ab", (step.id for step in cast), strict=False))
            last = {f"last_{key}": last_attempt(s) for key, s in zip("ab", cast, strict=False)}
            arranged = [line for step in cast for line in self.enabling.get(step.id, ())]
            filled = (line.format(**names, **last) for line in template.lines)
            lines = [*dict.fromkeys(arranged), *filled]
            told = self._rehearsed(lines)
            wanted = [name for name in self.missed if name.startswith(template.wants)]
            if told is None or not any(n in told.taken for n in wanted if condition in n):
                continue
            self.seen |= told.taken
            shown = {key: f"`{step}`" for key, step in names.items()}
            yield self._block(template.title.format(**shown), told)
            return

    def _tell(self, lines: Sequence[str]) -> Told | None:
        """The story, if it can be told; what it takes counts as exercised."""
        told = self._rehearsed(lines)
        if told is not None:
            self.seen |= told.taken
        return told

    def _rehearsed(self, lines: Sequence[str]) -> Told | None:
        return rehearsed(lines, self.file, self.folder)

    def _outlines(
        self,
        steps: Iterable[Step],
        lines: Sequence[str],
        title: str,
        more: _More,
        *,
        undoing: bool = False,
    ) -> Iterator[Block]:
        """One outline for all the steps of which the same comes, and which need the same to run."""
        groups: dict[tuple[str, ...], list[tuple[Step, int]]] = {}
        ends: dict[tuple[str, ...], str] = {}
        for step in steps:
            arranged = self.enabling.get(step.id, [])
            named = (line.replace("<step>", step.id) for line in lines)
            told = self._rehearsed([*arranged, *named])
            if told is None:
                continue
            record = told.story.run.record(step.id)
            times = record.undo_attempt if undoing else record.attempt
            if not times:
                continue
            self.seen |= told.taken
            found = [*arranged, *lines[:-1], lines[-1], *end(told.story), *more(told, step)]
            groups.setdefault(tuple(found), []).append((step, times))
            ends[tuple(found)] = f"the run {end_words(told.story)}"
        for same, those in groups.items():
            name = title.format(end=ends[same])
            needed = [line for line in same if line.startswith("Given the parameter")]
            name += f" (where {_shown(needed)})" if needed else ""
            name = self._unique(name)
            rows = [("step", "times"), *((step.id, str(times)) for step, times in those)]
            text = outline_text(name, same, rows)
            yield Block(name, text)

    def _block(self, title: str, told: Told) -> Block:
        title = self._unique(title)
        return Block(title, scenario_text(title, told.lines))

    def _unique(self, title: str) -> str:
        """The title, with a number if another scenario has it."""
        self.titles[title] += 1
        number = self.titles[title]
        return title if number == 1 else f"{title} ({number})"

    # Conditions.

    def _enabling(self) -> Iterator[tuple[str, list[str]]]:
        """For each step that a condition keeps from running, the sentences that let it run."""
        for step in self.plan.steps:
            if step.condition is None:
                continue
            for lines in ([], *arrangements(self.plan, step.condition)):
                told = self._rehearsed([*lines, "When somebody runs the plan"])
                if told is not None and told.story.run.record(step.id).attempt:
                    yield step.id, list(lines)
                    break


def _shown(arranged: Iterable[str]) -> str:
    return ", ".join(
        line.removeprefix("Given the parameter ").replace('"', "`") for line in arranged
    )
