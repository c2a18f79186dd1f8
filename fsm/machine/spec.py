"""A state machine as data: states, and the rows of its transition table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fsm.document import suggest
from fsm.errors import Invalid, Problem
from fsm.values import Value

__all__ = ["MachineSpec", "Row", "StateSpec"]


class StateSpec(Value):
    """A state. In a `final` one the machine has ended: a request may leave it, never a fact."""

    final: bool = False
    description: str = ""


class Row(Value, kw_only=True):
    """From each `source`, `trigger` leads to `dest` if all `conditions` and none of `unless` hold.

    `why` says in six words what the row is for. Rows of one `scenario` get their `dest` from a
    policy (`MachineSpec.with_dests`).
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
            replace(row, dest=dests.get(row.scenario or "", row.dest)) for row in self.rows
        )
        return replace(self, rows=rows)

    def _place(self) -> str:
        return f"machine {self.name}"
