"""A story about a machine that a user declared: one record, and the conditions that hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from fsm.document import suggest
from fsm.errors import Invalid, Problem, TransitionRefused
from fsm.machine import Conditions, Machine, MachineSpec, Row, load_machine

__all__ = ["MachineStory"]


@dataclass
class MachineStory:
    """The machine in the file at `path`, in a state. `holding` are the conditions that hold.

    `refusal` is why the last trigger that was fired was refused; `taken` are the rows that were taken.
    """

    path: Path
    state: str = ""
    holding: set[str] = field(default_factory=set)
    refusal: TransitionRefused | None = None
    taken: list[Row] = field(default_factory=list)
    _now: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.state = self.known(self.state, self.spec.states, "state") or self.spec.initial

    @cached_property
    def spec(self) -> MachineSpec:
        """The table. Raises `Invalid` with every finding."""
        return load_machine(self.path)

    @cached_property
    def conditions(self) -> Collection[str]:
        """The conditions that the table names."""
        return list(dict.fromkeys(name for row in self.spec.rows for name in row.literals))

    @cached_property
    def _machine(self) -> Machine[MachineStory]:
        functions: Conditions[MachineStory] = Conditions()
        for name in self.conditions:
            functions.add(partial(_holds, name), name)
        return Machine(self.spec, functions, prove=False)

    def hold(self, name: str, holds: bool) -> None:
        """From now on the condition holds, or does not."""
        self.known(name, self.conditions, "condition")
        (self.holding.add if holds else self.holding.discard)(name)

    def fire(self, trigger: str, conditions: Iterable[str] = ()) -> None:
        """Fire the trigger while these conditions hold as well; a refusal is kept in `refusal`."""
        self.refusal = None
        self._look(trigger, conditions)
        try:
            with self._machine.watched(self.taken.append):
                self._machine.fire(self, trigger)
        except TransitionRefused as refused:
            self.refusal = refused

    def refused(self, trigger: str) -> TransitionRefused | None:
        """Why the trigger would be refused now; `None` if it would not be. Nothing changes."""
        self._look(trigger, ())
        if self._machine.may(self, trigger):
            return None
        failed = self._machine.failed_conditions(self, trigger)
        allowed = self._machine.allowed(self.state)
        return TransitionRefused(self.spec.name, self.state, trigger, failed, allowed)

    def _look(self, trigger: str, conditions: Iterable[str]) -> None:
        """Let these conditions hold beside the others, for the next question."""
        self.known(trigger, self.spec.triggers(), "trigger")
        named = [self.known(name, self.conditions, "condition") for name in conditions]
        self._now = frozenset(self.holding | set(named))

    def known(self, name: str, known: Collection[str], what: str) -> str:
        """The name, if it is one of those known, or empty. Raises `Invalid` with the near names."""
        if name and name not in known:
            hint = suggest(name, known) or f"it has: {', '.join(known)}"
            raise Invalid([Problem(f"the machine {self.spec.name} has no {what} `{name}`", hint)])
        return name


def _holds(name: str, story: MachineStory) -> bool:
    return name in story._now
