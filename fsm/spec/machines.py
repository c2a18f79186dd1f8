"""A story about a machine that a user declared: one record, and the conditions that hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fsm.document import suggest
from fsm.errors import Invalid, Problem, TransitionRefused
from fsm.machine import Machine, MachineSpec, Row, load_machine
from fsm.machine.manual import ManualRecord, conditions_in, manual_machine

__all__ = ["MachineStory"]


@dataclass
class MachineStory:
    """The machine in the file at `path`, from the state `initial` on. `always` are conditions that hold.

    `refusal` is why the last trigger that was fired was refused; `taken` are the rows that were taken.
    """

    path: Path
    initial: str = ""
    always: set[str] = field(default_factory=set)
    refusal: TransitionRefused | None = None
    taken: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        initial = self.known(self.initial, self.spec.states, "state") or self.spec.initial
        self._record = ManualRecord(initial)

    @property
    def state(self) -> str:
        """Where it stands."""
        return self._record.state

    @cached_property
    def spec(self) -> MachineSpec:
        """The table. Raises `Invalid` with every finding."""
        return load_machine(self.path)

    @cached_property
    def conditions(self) -> Collection[str]:
        """The conditions that the table names."""
        return conditions_in(self.spec)

    @cached_property
    def _machine(self) -> Machine[ManualRecord]:
        return manual_machine(self.spec)

    def hold(self, name: str, holds: bool) -> None:
        """From now on the condition holds, or does not."""
        self.known(name, self.conditions, "condition")
        (self.always.add if holds else self.always.discard)(name)

    def fire(self, trigger: str, conditions: Iterable[str] = ()) -> None:
        """Fire the trigger while these conditions hold as well; a refusal is kept in `refusal`."""
        self.refusal = None
        self._look(trigger, conditions)
        try:
            with self._machine.watched(self.taken.append):
                self._machine.fire(self._record, trigger)
        except TransitionRefused as refused:
            self.refusal = refused

    def refused(self, trigger: str) -> TransitionRefused | None:
        """Why the trigger would be refused now; `None` if it would not be. Nothing changes."""
        self._look(trigger, ())
        machine, record = self._machine, self._record
        if machine.may(record, trigger):
            return None
        failed = machine.failed_conditions(record, trigger)
        allowed = machine.allowed(record.state)
        return TransitionRefused(self.spec.name, record.state, trigger, failed, allowed)

    def _look(self, trigger: str, conditions: Iterable[str]) -> None:
        """Let these conditions hold beside the others, for the next question."""
        self.known(trigger, self.spec.triggers(), "trigger")
        named = [self.known(name, self.conditions, "condition") for name in conditions]
        self._record.holding = self.always | set(named)

    def known(self, name: str, known: Collection[str], what: str) -> str:
        """The name, if it is one of those known, or empty. Raises `Invalid` with the near names."""
        if name and name not in known:
            hint = suggest(name, known) or f"it has: {', '.join(known)}"
            raise Invalid([Problem(f"the machine {self.spec.name} has no {what} `{name}`", hint)])
        return name
