"""What an author may type in a table: its shapes and short forms, private to reading it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictBool

from fsm.machine.spec import MachineSpec, Row, StateSpec

__all__ = ["AuthoredMachine", "AuthoredRow", "AuthoredState"]

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


class _Authored(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class AuthoredState(_Authored):
    final: StrictBool = False
    description: str = ""


class AuthoredRow(_Authored):
    trigger: Trigger
    source: Names
    dest: Name
    conditions: Names = ()
    unless: Names = ()
    why: Annotated[str, AfterValidator(_why)]
    scenario: Name | None = None


class AuthoredMachine(_Authored):
    name: Name
    description: str = ""
    initial: Name
    states: Annotated[dict[Name, AuthoredState], BeforeValidator(_null_states)]
    facts: Names = ()
    rows: tuple[AuthoredRow, ...]

    def spec(self) -> MachineSpec:
        """The machine itself."""
        return MachineSpec(
            name=self.name,
            description=self.description,
            initial=self.initial,
            states={name: StateSpec(**dict(state)) for name, state in self.states.items()},
            facts=self.facts,
            rows=tuple(Row(**dict(row)) for row in self.rows),
        )
