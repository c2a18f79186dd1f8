"""A state machine as data: states, and the rows of its transition table."""

from __future__ import annotations

from collections.abc import Mapping

from fsm.values import Value

__all__ = ["MachineSpec", "Row", "StateSpec"]


class StateSpec(Value):
    """A state. In a `final` one the machine has ended: a request may leave it, never a fact."""

    final: bool = False
    description: str = ""


class Row(Value, kw_only=True):
    """From each `source`, `trigger` leads to `dest` if all `conditions` and none of `unless` hold.

    `why` says in six words what the row is for. Rows of one `scenario` are those of an
    error table, drawn and printed apart; whoever builds the machine may let a policy say their `dest`.
    """

    trigger: str
    source: tuple[str, ...]
    dest: str
    conditions: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    why: str
    scenario: str | None = None

    @property
    def literals(self) -> Mapping[str, bool]:
        """What must be true (`conditions`) and false (`unless`); of a name in both, false."""
        return dict.fromkeys(self.conditions, True) | dict.fromkeys(self.unless, False)


class MachineSpec(Value, kw_only=True):
    """A machine, not yet proved (`fsm.machine.prove`). `facts` are the triggers that must be taken.

    Every other trigger is a request: it may be refused, with the conditions that do not hold.
    """

    name: str
    description: str = ""
    initial: str
    states: Mapping[str, StateSpec]
    facts: tuple[str, ...] = ()
    rows: tuple[Row, ...]

    def triggers(self) -> tuple[str, ...]:
        """Every trigger of the table once, in its order."""
        return tuple(dict.fromkeys(row.trigger for row in self.rows))

    def rows_from(self, state: str, trigger: str | None = None) -> tuple[Row, ...]:
        """The rows that leave `state`, only those of `trigger` if it is given, in table order."""
        return tuple(
            row for row in self.rows if state in row.source and trigger in (None, row.trigger)
        )
