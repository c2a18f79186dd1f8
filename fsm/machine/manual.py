"""A machine driven by hand: whoever fires a trigger says which of the table's conditions hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from fsm.document import suggest
from fsm.errors import Problem
from fsm.machine.machine import Machine
from fsm.machine.spec import MachineSpec, Row

__all__ = [
    "Firing",
    "ManualRecord",
    "conditions_in",
    "manual_machine",
    "parse_firing",
    "row_taken",
    "unknown_conditions",
]


@dataclass(slots=True, eq=False)
class ManualRecord:
    """A record with nothing behind it: its conditions hold that are named in `holding`, and no others."""

    state: str
    holding: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Firing:
    """A trigger, and the conditions that hold while it is fired."""

    trigger: str
    holding: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.trigger}:{','.join(self.holding)}" if self.holding else self.trigger


def manual_machine(spec: MachineSpec) -> Machine[ManualRecord]:
    """The machine of a table that was proved, for records of this kind."""
    conditions = {name: _held(name) for name in conditions_in(spec)}
    return Machine(spec, conditions, prove=False)


def conditions_in(spec: MachineSpec) -> tuple[str, ...]:
    """Every condition that the table names, in its order."""
    return tuple(dict.fromkeys(name for row in spec.rows for name in row.literals))


def row_taken(spec: MachineSpec, state: str, firing: Firing) -> Row | None:
    """The row by which the firing leaves `state`; None if it is refused."""
    for row in spec.rows_from(state, firing.trigger):
        if all((name in firing.holding) is wanted for name, wanted in row.literals.items()):
            return row
    return None


def parse_firing(text: str, spec: MachineSpec, where: str = "") -> tuple[Firing, list[Problem]]:
    """The firing that is written `TRIGGER` or `TRIGGER:CONDITION,CONDITION`; blanks may follow `:` and `,`.

    With it what is wrong, in the name of `where`: names that the table does not have.
    """
    trigger, _, rest = text.partition(":")
    firing = Firing(trigger.strip(), tuple(filter(None, re.split(r"[\s,]+", rest))))
    problems = []
    if firing.trigger not in (triggers := spec.triggers()):
        hint = suggest(firing.trigger, triggers) or f"the triggers are: {', '.join(triggers)}"
        message = f"{spec.name} has no trigger `{firing.trigger}`"
        problems.append(Problem(message, hint, path=where))
    return firing, [*problems, *unknown_conditions(spec, firing.holding, where)]


def unknown_conditions(spec: MachineSpec, names: Iterable[str], where: str = "") -> list[Problem]:
    """A problem, in the name of `where`, for each of these that the table does not have."""
    known = conditions_in(spec)
    return [
        Problem(
            f"{spec.name} has no condition `{name}`",
            suggest(name, known) or f"the conditions are: {', '.join(known) or 'none'}",
            path=where,
        )
        for name in names
        if name not in known
    ]


def _held(name: str) -> Callable[[ManualRecord], bool]:
    return lambda record: name in record.holding
