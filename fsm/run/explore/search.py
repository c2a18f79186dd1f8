"""Every outcome of every step, in every order, on the pure core: each situation looked at once.

What may happen: each attempt in flight may end next, well (with each of the outputs that conditions tell
apart) or for good badly; so may each compensation. Where the run rests, a person resumes it, or has it
rolled back; and, where a rollback needs the outputs of another step, has that step done anew (`--from`).
The run's own commands are carried out at once, as the executor does. Not explored: crashes of the runner,
pauses and aborts by persons, marks.

Situations are looked at in the order of how much must go wrong to get there, so what is found first comes
with a shortest story.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from fsm.plan.model import Plan
from fsm.run import events as on
from fsm.run.explore.keys import Keys
from fsm.run.explore.moves import FORCED, Move, begin, fact, follow, renders
from fsm.run.explore.outputs import Choices, template_texts
from fsm.run.explore.position import Board, Position
from fsm.run.explore.sights import Lookout, Story
from fsm.run.explore.skeleton import Need, bare
from fsm.values import Value

__all__ = ["Bounds", "Search"]

_WRONG: Final = 1000
_CHOSEN: Final = 100
_OVERTAKEN: Final = 1
Budget = tuple[int, int] | None
"""How many failures of steps, and of rollbacks, may still come; `None`: any number."""


class Bounds(Value):
    """How far to look: so many failures of steps and of rollbacks in one run (`None`: any number), and so
    many situations in all."""

    failures: int | None = None
    rollback_failures: int | None = None
    situations: int = 100_000


@dataclass(slots=True)
class Search:
    """Explores one plan. After `run`: what was seen, and how much was looked at.

    `seen` is what is worth telling. `situations` counts different situations, `ways` the ways
    between them, `rests` by state the situations in which nothing moves. `cut` says that
    `Bounds.situations` ended it; runs in which fewer than `reached` things go wrong, or are asked for by
    persons, were all looked at.
    """

    plan: Plan
    needs: Sequence[Need]
    choices: Choices
    bounds: Bounds
    reduce: bool = True
    seen: Lookout = field(init=False)
    situations: int = 0
    ways: int = 0
    rests: dict[str, int] = field(default_factory=dict)
    cut: bool = False
    reached: int = 0
    _templated: frozenset[int] = field(init=False)
    _redone: Sequence[int] = field(init=False)
    _ways_of: dict[int, int] = field(init=False)
    _prices: dict[tuple[int, int], int] = field(init=False)
    _near: list[list[int]] = field(init=False)
    _board: Board = field(init=False)
    _keys: Keys = field(init=False)
    _touched: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        plan, place = bare(self.plan), self.plan.positions
        outputs = [(place[name], ways) for name, ways in self.choices.of.items()]
        self._ways_of = {index: len(ways) for index, ways in outputs}
        self._prices = {
            (index, choice): _CHOSEN if way.keys() == ways[0].keys() else _WRONG
            for index, ways in outputs
            for choice, way in enumerate(ways)
            if choice
        }
        self._board = Board(plan, outputs)
        self.seen = Lookout(self._board.run, self.needs)
        steps = list(enumerate(plan.steps))
        self._templated = frozenset(index for index, step in steps if any(template_texts(step)))
        others = {need.of for need in self.needs if need.used and need.of != need.step}
        self._redone = sorted(place[name] for name in others if plan.step(name).rollback)
        redone, reduce = bool(self._redone), self.reduce
        self._keys = Keys(self.plan, self._board, self.needs, redone=redone, reduce=reduce)
        self._near = [[index] for index, _ in steps]
        for index, step in steps:
            for name in step.depends_on:
                self._near[place[name]].append(index)

    def run(self) -> Search:
        """Look at every situation within the bounds."""
        begin(self._board.run, self._apply)
        number, budget = count(), self._budget()
        start = self._board.take()
        key = self._keys.key(start, budget)
        best: dict[Hashable, int] = {key: 0}
        todo: list[tuple[int, int, Hashable, Position, Budget, Story]] = []
        heappush(todo, (0, next(number), key, start, budget, None))
        while todo and not self.cut:
            cost, _, key, position, budget, story = heappop(todo)
            if best[key] < cost:
                continue
            self.situations += 1
            self.reached = cost // _WRONG
            if not position.in_flight:
                self.rests[position.state] = self.rests.get(position.state, 0) + 1
            for move, price in self._moves(position, budget):
                self.ways += 1
                self.seen.now = now, then = cost + price, (story, move)
                following, left = self._moved(position, budget, move)
                key = self._keys.key(following, left)
                if now < best.get(key, now + 1):
                    best[key] = now
                    heappush(todo, (now, next(number), key, following, left, then))
            self.cut = len(best) >= self.bounds.situations and bool(todo)
        return self

    def alike(self, index: int) -> Sequence[int]:
        """The steps of which this one was looked at in place of all."""
        return self._keys.alike(index)

    def _budget(self) -> Budget:
        bounds, most = self.bounds, len(self.plan.steps) + 1
        if bounds.failures is None and bounds.rollback_failures is None:
            return None
        return (
            most if bounds.failures is None else bounds.failures,
            most if bounds.rollback_failures is None else bounds.rollback_failures,
        )

    # What may happen next.

    def _moves(self, position: Position, budget: Budget) -> Iterator[tuple[Move, int]]:
        if not position.in_flight:
            yield from self._words(position)
        elif position.state == "rolling_back":
            [index] = position.in_flight
            if not self._renders(position, index, undo=True):
                yield Move("undo_fails", index, FORCED), 0
                return
            yield Move("undone", index), 0
            if budget is None or budget[1]:
                yield Move("undo_fails", index), _WRONG
        else:
            for index in position.in_flight:
                if not self._renders(position, index, undo=False):
                    yield Move("fails", index, FORCED), 0
                    return  # it fails before anything else ends
            for place, index in enumerate(position.in_flight):
                for choice in range(self._ways_of.get(index, 1)):
                    price = place * _OVERTAKEN + self._prices.get((index, choice), 0)
                    yield Move("completes", index, choice), price
                if budget is None or budget[0]:
                    yield Move("fails", index), place * _OVERTAKEN + _WRONG

    def _words(self, position: Position) -> Iterator[tuple[Move, int]]:
        if position.state == "paused" or (position.state == "failed" and not position.given_up):
            yield Move("resume"), _WRONG
            if self._redone:
                self._board.put(position)
            steps = self._board.run.steps
            for index in [i for i in self._redone if steps[i].state == "completed"]:
                yield Move("from", index), _WRONG + _CHOSEN
        if position.state in {"paused", "failed", "completed", "needs_intervention"}:
            yield Move("rollback"), _WRONG

    def _renders(self, position: Position, index: int, *, undo: bool) -> bool:
        if index not in self._templated:
            return True
        self._board.put(position)
        return renders(self._board.run, self._board.run.steps[index].step, undo=undo)

    def _moved(self, position: Position, budget: Budget, move: Move) -> tuple[Position, Budget]:
        board = self._board
        board.put(position)
        self._touched.clear()
        self._apply(fact(board.run, move, self.choices.of))
        follow(board.run, self._apply)
        if budget is not None:
            failures, undos = budget
            failures -= move.what == "fails"
            undos -= move.what == "undo_fails"
            budget = (max(failures, 0), max(undos, 0))
        return board.take(self._touched), budget

    # What the run makes of it.

    def _apply(self, event: on.Event) -> None:
        run = self._board.run
        before = run.state
        index = run.plan.positions.get(getattr(event, "step", ""), -1)
        self._touched.update(self._touched_by(event) if index < 0 else self._near[index])
        self.seen.before(event, index)
        run.apply(event)
        self.seen.after(event, index, before)

    def _touched_by(self, event: on.Event) -> Iterable[int]:
        """The steps whose records a person's word may change: those that are not simply done, or to do."""
        if isinstance(event, on.RunResumed) and event.from_steps:
            return range(len(self._board.numbers))
        stirred = self._board.stirred
        found = [i for i, number in enumerate(self._board.numbers) if stirred(number)]
        return [near for index in found for near in self._near[index]]
