"""When two situations need not both be looked at: keys that are equal for those with the same findings.

Five reductions, which `Keys(…, reduce=False)` leaves out (tests compare both):

- *What is over is forgotten.* Once a run rolls back, or was given up, no row of the tables leads forward
  again. Why a step has no effect is of no account then, only whether it is still to be undone; what stays
  done for ever was told when the rollback began. Likewise a failure that was mended, and whose step cannot
  run again, is but one of so many ("several" counts, it does not ask who).
- *Order of compensations.* In which order effects are undone decides a finding only for two steps of which
  one's rollback needs the other's outputs. Of all others only the set is kept: whether it is undone or
  fails, each of them does so in every order.
- *Failures that are tolerated.* After a failure with `on_failure: continue` a run goes on as after a success,
  and has one effect less: whatever is found of it is found of the success, too, which comes first. Not so
  for a step whose state or outputs somebody asks for, nor for one that proves what others did.
- *Failures that cannot come.* With no failure left to explore, how many there have been is of no account.
- *Symmetry.* Steps that stand side by side in the execution order, wait for the same steps, are waited for
  by the same, are declared alike, and are named by no template, can change places: the run would start the
  one wherever it starts the other, and no third step can come between them. Of situations that differ in
  nothing else, one is looked at; its findings hold for all members (`Keys.alike`).

Where a failed step with `on_failure: skip_dependents` differs from a completed one is kept, as is all that
conditions may ask for.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from operator import and_
from typing import Final

from fsm.plan.model import Plan
from fsm.plan.template import TemplateError, expression_references, references
from fsm.run.explore.outputs import template_texts
from fsm.run.explore.position import Board, Position, undo_order
from fsm.run.explore.skeleton import Need, likely_to_fail

__all__ = ["Keys"]

_FORWARD: Final = frozenset({"pending", "running", "paused", "completed"})
_MAY_RUN: Final = frozenset({"pending", "running", "failed"})


class Keys:
    """Makes the keys of one exploration. `redone` says whether completed steps may be sent back."""

    def __init__(
        self, plan: Plan, board: Board, needs: Sequence[Need], *, redone: bool, reduce: bool
    ) -> None:
        place = plan.positions
        self._plan = plan
        self._board = board
        self._redone = redone
        self._reduce = reduce
        self._related = frozenset(place[n] for need in needs for n in (need.step, need.of))
        self._needed = frozenset(place[need.of] for need in needs)
        named = _named(plan)
        self._groups = symmetric(plan, named) if reduce else ()
        self._reversible = [0xFFFF if step.rollback is not None else 0 for step in plan.steps]
        self._on_started = [
            i
            for i, step in enumerate(plan.steps)
            if step.rollback and step.rollback.on == "started"
        ]
        self._tolerated = [
            i
            for i, step in enumerate(plan.steps)
            if step.on_failure == "continue" and i not in named and not step.read_only
        ]
        self._numbers: dict[object, int] = {}
        self._forward: list[int] = []
        self._back: list[int] = []
        self._undecided = any(step.condition is not None for step in plan.steps)

    def alike(self, index: int) -> Sequence[int]:
        """The steps that this one stands for, itself included."""
        return next((group for group in self._groups if index in group), (index,))

    def key(self, position: Position, budget: tuple[int, int] | None) -> Hashable:
        """`budget`: how many failures, and failures of rollbacks, may still come; `None`: any number."""
        if not self._reduce:
            return (*position._replace(rows=self._full()), budget)
        forward = position.state in _FORWARD or (
            position.state == "failed" and not position.given_up
        )
        if forward:
            codes, rest = self._going_forward(position, budget)
        else:
            codes, rest = self._going_back(position)
        for group in self._groups:
            codes[group.start : group.stop] = array("H", sorted(codes[group.start : group.stop]))
        told = (position.state, position.given_up, budget, rest)
        return blake2b(codes.tobytes() + repr(told).encode(), digest_size=16).digest()

    def _full(self) -> bytes:
        """All but the numbers of the attempts, which only ever rise."""

        def told(number: int) -> int:
            state, attempt, *rest = self._board.rows[number]
            undo = rest[-2]
            return self._numbered((state, bool(attempt), *rest[:-2], bool(undo), rest[-1]))

        return array("I", map(told, self._board.numbers)).tobytes()

    def _going_forward(
        self, position: Position, budget: tuple[int, int] | None
    ) -> tuple[array[int], object]:
        self._look_at_rows()
        codes = array("H", map(self._forward.__getitem__, self._board.numbers))
        failed, completed = self._numbers[_TOLERATED], self._numbers[_COMPLETED]
        for index in self._tolerated:
            if codes[index] == failed:
                codes[index] = completed
        for index in undo_order(position, self._on_started):
            codes[index] |= 0x4000
        count, steps = 0, self._board.run.steps
        if budget is None or budget[0] or self._undecided:
            count = min(len(position.failed), self._plan.error_handling.several)
            for name in position.failed:
                index = self._plan.positions[name]
                if self._redone or steps[index].state in _MAY_RUN:
                    codes[index] |= 0x8000
        return codes, (count, position.given, undo_order(position, self._related))

    def _going_back(self, position: Position) -> tuple[array[int], object]:
        self._look_at_rows()
        steps = self._board.run.steps
        codes = array(
            "H",
            map(and_, map(self._back.__getitem__, self._board.numbers), self._reversible),
        )
        for index in undo_order(position, self._on_started):
            codes[index] = 1 + (steps[index].state == "rolling_back")
        for index in self._needed:
            codes[index] |= 4 * steps[index].outstanding + 8 * (steps[index].undo_attempt > 0)
        cancelled = tuple(sorted(position.in_flight))
        return codes, (cancelled, position.given, undo_order(position, self._related))

    def _look_at_rows(self) -> None:
        rows = self._board.rows
        while len(self._forward) < len(rows):
            state, _, _, _, concluded, outstanding, cause, *_ = rows[len(self._forward)]
            self._forward.append(self._numbered((state, concluded, outstanding, bool(cause))))
            self._back.append((1 + (state == "rolling_back")) if outstanding else 0)
        for row in (_TOLERATED, _COMPLETED):
            self._numbered(row)

    def _numbered(self, row: object) -> int:
        return self._numbers.setdefault(row, len(self._numbers))


_TOLERATED: Final = ("failed", True, False, False)
_COMPLETED: Final = ("completed", True, True, False)


def symmetric(plan: Plan, named: Collection[int]) -> Sequence[range]:
    """The groups of steps that can change places, each a stretch of the execution order.

    `named` are those that a template or a condition names, which never can.
    """
    dependents: Mapping[str, list[str]] = {step.id: [] for step in plan.steps}
    for step in plan.steps:
        for name in step.depends_on:
            dependents[name].append(step.id)
    kinds = [
        (
            frozenset(step.depends_on),
            tuple(dependents[step.id]),
            (step.condition, step.on_failure, step.read_only, likely_to_fail(plan, step)),
            step.rollback is not None and step.rollback.on,
            index if index in named or any(template_texts(step)) else -1,
        )
        for index, step in enumerate(plan.steps)
    ]
    groups: list[range] = []
    start = 0
    for index in range(1, len(kinds) + 1):
        if index == len(kinds) or kinds[index] != kinds[start]:
            if index - start > 1:
                groups.append(range(start, index))
            start = index
    return tuple(groups)


def _named(plan: Plan) -> frozenset[int]:
    """The steps of which a condition or a template asks something."""
    named: set[str] = set()
    for step in plan.steps:
        with suppress(TemplateError):
            if step.condition is not None:
                named |= expression_references(step.condition).steps
        for text in template_texts(step):
            with suppress(TemplateError):
                named |= references(text).steps
    return frozenset(plan.positions[name] for name in named)
