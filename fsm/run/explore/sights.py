"""What is worth telling of a situation, seen as the run comes to it; each with a shortest story."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from fsm.run import events as on
from fsm.run.explore.moves import Move, renders
from fsm.run.explore.skeleton import Need
from fsm.run.run import Run
from fsm.values import Value

__all__ = ["Lookout", "Sight", "Sighting", "Story", "told"]

_KEPT: Final = 3
"""So many ways to the same sight are kept: not each of them can be told as a scenario."""

Story = Any
"""`(story, move)`: what happened before, and then; `None`: the run has just started."""

Sight = Literal[
    "left_rolled_back",
    "left_failed",
    "unproved",
    "irreversible_before",
    "need_missing",
    "need_undone",
    "skipped",
    "rejected",
]


class Sighting(Value):
    """Something worth telling of a step (and another), by index, with a shortest way to it.

    `left_…`: the step's effect stays, and the run ended so of its own accord. `irreversible_before`: the
    step fails after the other one, which nothing undoes. `need_…`: its rollback begins, and the other's
    outputs are not there, or what they name is undone. `skipped`, `rejected`: its condition is false,
    cannot be decided.
    """

    sight: Sight
    step: int
    other: int
    cost: int
    story: Story


class Lookout:
    """Watches one run as it comes to its situations.

    `ran` are the steps that were started, `sightings` the cheapest ones of each kind and step, and `others`
    all the other steps that were seen with them. `now` is how much it cost to come here, and the story.
    """

    def __init__(self, run: Run, needs: Sequence[Need]) -> None:
        plan, place = run.plan, run.plan.positions
        self.ran: set[int] = set()
        self.sightings: dict[tuple[Sight, int], list[Sighting]] = {}
        self.others: dict[tuple[Sight, int], set[int]] = {}
        self.now: tuple[int, Story] = (0, None)
        self._run = run
        self._irreversible = [index for index, step in enumerate(plan.steps) if step.irreversible]
        self._proves = {
            index: proved
            for index, step in enumerate(plan.steps)
            if step.read_only
            and (proved := [place[n] for n in step.depends_on if not plan.step(n).read_only])
        }
        self._needs_of: dict[int, list[tuple[int, bool]]] = {}
        for need in needs:
            self._needs_of.setdefault(place[need.step], []).append((place[need.of], need.used))

    def before(self, event: on.Event, index: int) -> None:
        """Look while the event, of the step of that index, has not happened."""
        if isinstance(event, on.UndoStarted):
            self._look_at_needs(index)

    def after(self, event: on.Event, index: int, before: str) -> None:
        """Look at what came of it, in a run that was in the state `before`."""
        run = self._run
        match event:
            case on.StepStarted():
                self.ran.add(index)
            case on.StepSkipped():
                self._see("skipped", index)
            case on.StepFailed(attempt=0):
                self._see("rejected", index)
            case on.StepFailed():
                for other in self._irreversible:
                    if other != index and run.steps[other].outstanding:
                        self._see("irreversible_before", index, other)
        if run.state != before and index >= 0:
            self._look_at_end(before)

    def _look_at_needs(self, index: int) -> None:
        run = self._run
        for of, used in self._needs_of.get(index, ()):
            record = run.steps[of]
            if record.outstanding:
                continue
            if record.undo_attempt == 0:
                if not renders(run, run.steps[index].step, undo=True):
                    self._see("need_missing", index, of)
            elif used and of != index:
                self._see("need_undone", index, of)

    def _look_at_end(self, before: str) -> None:
        """A run that went forward, and now ends of its own accord: nobody is asked."""
        run = self._run
        if run.state == "completed":
            for index, proved in self._proves.items():
                done = [other for other in proved if run.steps[other].outstanding]
                if done and run.steps[index].state != "completed":
                    self._see("unproved", index, done[0])
        if before not in {"running", "paused"} or run.state in {"running", "paused", "completed"}:
            return
        undone = run.state in {"rolling_back", "rolled_back"}
        if run.state != "needs_intervention":
            for record in run.steps:
                step = record.step
                if record.outstanding and not step.read_only and not (undone and step.rollback):
                    self._see("left_rolled_back" if undone else "left_failed", record.index)

    def _see(self, sight: Sight, step: int, other: int = -1) -> None:
        cost, story = self.now
        self.others.setdefault((sight, step), set()).add(other)
        known = self.sightings.setdefault((sight, step), [])
        if len(known) == _KEPT and cost >= known[-1].cost:
            return
        known.append(Sighting(sight, step, other, cost, story))
        known.sort(key=lambda sighting: sighting.cost)
        del known[_KEPT:]


def told(story: Story) -> list[Move]:
    """The moves of a story, the first one first."""
    moves: list[Move] = []
    while story is not None:
        story, move = story
        moves.append(move)
    return moves[::-1]
