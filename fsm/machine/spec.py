"""A state machine as data: states, and the rows of its transition table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictBool

from fsm.document import suggest
from fsm.errors import Invalid, Problem

__all__ = ["MachineSpec", "Row", "StateSpec"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is no name: a letter, then at most 63 letters, digits, `_` and `-`")
    return text


def _trigger(text: str) -> str:
    # A record keeps its state in the attribute of this name; `transitions` refuses it as a trigger.
    if text == "state":
        raise ValueError("is taken: every record has a `state`")
    return text


def _why(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: say in six words why the row is there")
    return text


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _null_states(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {name: {} if state is None else state for name, state in value.items()}


Name = Annotated[str, AfterValidator(_name)]
Trigger = Annotated[Name, AfterValidator(_trigger)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_several)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class StateSpec(_Frozen):
    """A state. In a `final` one the machine has ended: a request may leave it, never a fact."""

    final: StrictBool = False
    description: str = ""


class Row(_Frozen):
    """From each `source`, `trigger` leads to `dest` if all `conditions` and none of `unless` hold.

    `why` says in six words what the row is for. Rows of one `scenario` get their `dest` from a
    policy (`MachineSpec.with_dests`).
    """

    trigger: Trigger
    source: Names
    dest: Name
    conditions: Names = ()
    unless: Names = ()
    why: Annotated[str, AfterValidator(_why)]
    scenario: Name | None = None

    @property
    def literals(self) -> Mapping[str, bool]:
        """What must be true (`conditions`) and false (`unless`); of a name in both, false."""
        return dict.fromkeys(self.conditions, True) | dict.fromkeys(self.unless, False)


class MachineSpec(_Frozen):
    """A machine, not yet proved (`fsm.machine.prove`). `facts` are the triggers that must be taken.

    Every other trigger is a request: it may be refused, with the conditions that do not hold.
    """

    name: Name
    description: str = ""
    initial: Name
    states: Annotated[dict[Name, StateSpec], BeforeValidator(_null_states)]
    facts: Names = ()
    rows: tuple[Row, ...]

    def triggers(self) -> tuple[str, ...]:
        """Every trigger of the table once, in its order."""
        return tuple(dict.fromkeys(row.trigger for row in self.rows))

    def rows_from(self, state: str, trigger: str | None = None) -> tuple[Row, ...]:
        """The rows that leave `state`, only those of `trigger` if it is given, in table order."""
        return tuple(
            row for row in self.rows if state in row.source and trigger in (None, row.trigger)
        )

    def with_dests(self, dests: Mapping[str, str]) -> MachineSpec:
        """This machine with every row of each scenario in `dests` leading to the state named there.

        Raises Invalid, with all problems, for a scenario that no row has and a state that is not
        declared. The result is another table: prove it before use.
        """
        scenarios = {row.scenario for row in self.rows if row.scenario is not None}
        problems = [
            Problem(
                f"no row has the scenario `{name}`", suggest(name, scenarios), path=self._place()
            )
            for name in dests
            if name not in scenarios
        ]
        problems += [
            Problem(
                f"the scenario `{scenario}` cannot lead to `{state}`, which is no state",
                suggest(state, self.states),
                path=self._place(),
            )
            for scenario, state in dests.items()
            if state not in self.states
        ]
        if problems:
            raise Invalid(problems)
        rows = tuple(
            row.model_copy(update={"dest": dests.get(row.scenario or "", row.dest)})
            for row in self.rows
        )
        return self.model_copy(update={"rows": rows})

    def _place(self) -> str:
        return f"machine {self.name}"
