"""A proved table that drives records through one shared `transitions.Machine`.

The only importer of `transitions`, and it keeps the library's surprises in (FACTS.md): records
are never registered, no string of a table reaches its import-by-name, a refusal is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from transitions import Machine as _TransitionsMachine
from transitions.core import Event

from fsm.errors import Invalid, Problem, TransitionRefused
from fsm.machine.conditions import Condition, Stateful
from fsm.machine.spec import MachineSpec, Row

if TYPE_CHECKING:
    from fsm.machine.proof import Finding

__all__ = ["Machine"]

R = TypeVar("R", bound=Stateful)


_Literals = tuple[tuple[str, Condition[R], bool], ...]
"""Each condition of a row as it is shown, its function, and what the function must return."""


class _Event(Event):
    """The library's event without its hooks, of which a table has none: they were most of its time.

    As in the library, the first row of the record's state whose conditions hold is taken. Conditions are
    asked about the record alone, and are as truthy as Python; the library compares with `== True`.
    """

    def trigger(self, model: Any, *_: object, **__: object) -> bool:
        condition: Any
        for transition in self.transitions[model.state]:
            for condition in transition.conditions:
                if bool(condition.func(model)) is not condition.target:
                    break
            else:
                model.state = transition.dest
                return True
        return False


class _Core(_TransitionsMachine):
    event_cls = _Event


class Machine(Generic[R]):
    """Drives any number of records through one table; it keeps nothing about them.

    Raises Invalid, with every finding, if the proof of `spec` fails or a condition of the table has
    no function in `conditions`. `prove=False` leaves out the proof (for the tables that ship with
    the package, which a test proves), not the look-up of the conditions.
    """

    def __init__(
        self,
        spec: MachineSpec,
        conditions: Mapping[str, Condition[R]] | None = None,
        *,
        prove: bool = True,
    ) -> None:
        functions = dict(conditions or {})
        if prove or not all(functions.keys() >= row.literals.keys() for row in spec.rows):
            _refuse_findings(spec, functions, prove)
        self.spec = spec
        self._rows: dict[tuple[str, str], list[_Literals[R]]] = {}
        self._allowed: dict[str, dict[str, None]] = {}
        core = _Core(
            model=None,
            states=[{"name": name, "final": s.final} for name, s in spec.states.items()],
            initial=spec.initial,
            auto_transitions=False,
            send_event=True,
            queued=False,
            name=spec.name,
        )
        for row in spec.rows:
            core.add_transition(
                row.trigger,
                list(row.source),
                row.dest,
                conditions=[functions[name] for name in row.conditions],
                unless=[functions[name] for name in row.unless],
            )
            literals = _literals(row, functions)
            for state in row.source:
                self._rows.setdefault((state, row.trigger), []).append(literals)
                self._allowed.setdefault(state, {})[row.trigger] = None
        self._fire: dict[tuple[str, str], Callable[[R], bool]] = {
            (state, trigger): core.events[trigger].trigger for state, trigger in self._rows
        }

    def fire(self, record: R, trigger: str, *, subject: str = "") -> str:
        """Fire `trigger` and return the record's new state.

        Raises TransitionRefused, in the name of `subject` (else of the machine), if no row admits
        it; whatever a condition raises passes through. Either way the state is unchanged.
        """
        fire = self._fire.get((record.state, trigger))
        if fire is None or not fire(record):
            raise TransitionRefused(
                subject or self.spec.name,
                record.state,
                trigger,
                self.failed_conditions(record, trigger),
                self.allowed(record.state),
            )
        return record.state

    @contextmanager
    def watched(self, taken: Callable[[Row], None]) -> Iterator[None]:
        """While the context lasts, tell each row that `fire` takes, once it was taken."""
        firing = self._fire
        self._fire = {key: self._telling(key, fire, taken) for key, fire in firing.items()}
        try:
            yield
        finally:
            self._fire = firing

    def _telling(
        self, key: tuple[str, str], fire: Callable[[R], bool], taken: Callable[[Row], None]
    ) -> Callable[[R], bool]:
        rows = tuple(zip(self.spec.rows_from(*key), self._rows[key], strict=True))

        def tell(record: R) -> bool:
            holding = (
                row
                for row, literals in rows
                if all(bool(test(record)) is wanted for _, test, wanted in literals)
            )
            row = next(holding, None)
            fired = fire(record)
            if fired and row is not None:
                taken(row)
            return fired

        return tell

    def may(self, record: R, trigger: str) -> bool:
        """Whether `fire` would succeed now."""
        return any(
            all(bool(test(record)) is wanted for _, test, wanted in literals)
            for literals in self._rows.get((record.state, trigger), ())
        )

    def allowed(self, state: str) -> tuple[str, ...]:
        """The triggers that have a row in `state`, in table order, whatever their conditions."""
        return tuple(self._allowed.get(state, ()))

    def failed_conditions(self, record: R, trigger: str) -> tuple[str, ...]:
        """What keeps the rows of `trigger` from firing now: NAME, or "not NAME" of an `unless`.

        Empty if no row has this state and trigger, and if `fire` would succeed.
        """
        failed: dict[str, None] = {}
        for literals in self._rows.get((record.state, trigger), ()):
            wrong = [shown for shown, test, wanted in literals if bool(test(record)) is not wanted]
            if not wrong:
                return ()
            failed |= dict.fromkeys(wrong)
        return tuple(failed)


def _refuse_findings(spec: MachineSpec, known: Collection[str], prove: bool) -> None:
    from fsm.machine import proof

    check = proof.prove if prove else proof.find_unknown_conditions
    findings = list(check(spec, known))
    if findings:
        raise Invalid(_problem(spec, finding) for finding in findings)


def _literals(row: Row, functions: Mapping[str, Condition[R]]) -> _Literals[R]:
    return (
        *((name, functions[name], True) for name in row.conditions),
        *((f"not {name}", functions[name], False) for name in row.unless),
    )


def _problem(spec: MachineSpec, finding: Finding) -> Problem:
    place = ".".join(str(part) for part in finding.path)
    return Problem(finding.message, finding.hint, path=f"machine {spec.name}: {place}")
