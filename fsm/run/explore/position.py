"""Where a run stands as one small value, and back: so that one run can look at many situations in turn.

To take a run apart costs what the last facts touched, to put it together what differs from where it stood
before: exploring a thousand steps would otherwise copy a thousand records a fact.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from fsm.plan.model import Plan
from fsm.run.explore.outputs import Outputs
from fsm.run.run import Run
from fsm.run.step import StepRecord

__all__ = ["Board", "Position", "undo_order"]

_NAMES: Final = (
    *("state", "attempt", "tries", "waiting", "concluded", "outstanding", "cause"),
    *("undo_attempt", "undo_tries"),
)
_row = attrgetter(*_NAMES)
_LONG: Final = 8192
"""From so many bytes on it is worth while to pack them."""

_STRETCH: Final = 64
"""So many records are compared at once."""


class Position(NamedTuple):
    """`rows` holds for each step the number of a row of the board's; lists of steps are by index."""

    state: str
    rows: bytes
    ready: tuple[int, ...]
    in_flight: tuple[int, ...]
    undo: bytes
    failed: frozenset[str]
    causes: frozenset[int]
    unsettled: int
    given_up: bool
    given: tuple[int, ...]


class Board:
    """One run of the plan, which is put now here, now there.

    `outputs` are those that each step may have, by its index. `numbers` are the rows as they stand, and
    `rows` what each number means: the fields of a record, in the order of `Board.fields`.
    """

    fields: Final = _NAMES

    def __init__(self, plan: Plan, outputs: Sequence[tuple[int, Sequence[Outputs]]]) -> None:
        self.run = Run(plan, "simulated")
        self.rows: list[tuple[object, ...]] = []
        self._stirred: list[bool] = []
        self._number: dict[tuple[object, ...], int] = {}
        self._outputs = outputs
        self._known = {
            id(each): n for _, ways in outputs for n, each in enumerate(ways, start=1) if each
        }
        self.numbers = array("I", map(self._numbered, self.run.steps))

    def take(self, touched: Iterable[int] | None = None) -> Position:
        """Where the run stands. `touched` are the steps whose records changed since; `None`: any may."""
        steps, numbers = self.run.steps, self.numbers
        for index in range(len(steps)) if touched is None else touched:
            numbers[index] = self._numbered(steps[index])
        run = self.run
        ready = sorted({i for i in run._ready if _is_ready(steps[i])})
        return Position(
            run.state,
            _packed(numbers),
            tuple(ready),
            tuple(run.in_flight),
            _packed(array("I", run._undo)),
            frozenset(run.failed),
            frozenset(run.causes),
            run.unsettled,
            run.given_up,
            tuple(self._known.get(id(steps[i].outputs), 0) for i, _ in self._outputs),
        )

    def put(self, to: Position) -> None:
        """Let the run stand there."""
        run, steps = self.run, self.run.steps
        numbers = _unpacked(to.rows)
        if numbers != self.numbers:
            for start in range(0, len(numbers), _STRETCH):
                now, then = (a[start : start + _STRETCH] for a in (self.numbers, numbers))
                if now == then:
                    continue
                for index, (one, other) in enumerate(zip(now, then, strict=True), start):
                    if one != other:
                        self._set(steps[index], other)
            self.numbers = numbers
        for index in run._ready:
            steps[index].queued = False
        for index in to.ready:
            steps[index].queued = True
        run._ready = list(to.ready)  # sorted, and so a heap
        run.state = to.state
        run.in_flight = {index: steps[index] for index in to.in_flight}
        run._undo = {index: steps[index] for index in _unpacked(to.undo)}
        run.failed = set(to.failed)
        run.causes = set(to.causes)
        run.unsettled = to.unsettled
        run.given_up = to.given_up
        for (index, ways), number in zip(self._outputs, to.given, strict=True):
            steps[index].outputs = ways[number - 1] if number else {}

    def _set(self, record: StepRecord, number: int) -> None:
        for name, value in zip(_NAMES, self.rows[number], strict=True):
            setattr(record, name, value)

    def _numbered(self, record: StepRecord) -> int:
        row = _row(record)
        number = self._number.get(row)
        if number is None:
            number = self._number[row] = len(self.rows)
            self.rows.append(row)
            plain = record.state in {"pending", "completed"}
            self._stirred.append(not plain or bool(record.cause) or record.undo_tries > 0)
        return number

    def stirred(self, number: int) -> bool:
        """Whether a record with this row may be changed by a person's word on the whole run."""
        return self._stirred[number]


def _is_ready(record: StepRecord) -> bool:
    return record.state == "pending" and not record.waiting


def _packed(numbers: array[int]) -> bytes:
    raw = numbers.tobytes()
    return b"z" + zlib.compress(raw, 1) if len(raw) >= _LONG else b"r" + raw


def _unpacked(packed: bytes) -> array[int]:
    return array("I", zlib.decompress(packed[1:]) if packed[:1] == b"z" else packed[1:])


def undo_order(position: Position, among: Collection[int]) -> tuple[int, ...]:
    """The order in which these steps' effects came, of those that are to be undone."""
    if not among:
        return ()
    return tuple(index for index in _unpacked(position.undo) if index in among)
