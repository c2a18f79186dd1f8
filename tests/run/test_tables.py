"""The two shipped tables: proved, in every variant a plan can make of them, and fired pair by pair."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import pytest

from fsm.engine.ports import FINAL_STATES
from fsm.errors import TransitionRefused
from fsm.machine import Conditions, Machine, MachineSpec, load_table, prove
from fsm.plan.model import ErrorHandling, Response
from fsm.run import plan_spec
from fsm.run import policy as policy_module
from fsm.run import step as step_module

from .stories import RESPONSES

TABLES = {"plan": load_table("plan"), "step": load_table("step")}
FUNCTIONS: dict[str, Collection[str]] = {
    "plan": policy_module._conditions,
    "step": step_module._conditions,
}
BOTH = pytest.mark.parametrize("name", TABLES)
EVERY_POLICY = pytest.mark.parametrize(("single", "multiple"), list(product(RESPONSES, repeat=2)))


@BOTH
def test_a_shipped_table_is_proved(name: str) -> None:
    assert prove(TABLES[name], FUNCTIONS[name]) == []


@EVERY_POLICY
def test_the_plan_machine_of_every_policy_is_proved(single: Response, multiple: Response) -> None:
    policy = ErrorHandling(single_failure=single, multiple_failures=multiple)
    assert prove(plan_spec(policy), FUNCTIONS["plan"]) == []


def test_the_plan_machine_without_a_policy_is_the_table_itself() -> None:
    assert plan_spec(ErrorHandling()) == TABLES["plan"]


@EVERY_POLICY
def test_a_policy_changes_the_dests_of_its_scenarios_and_nothing_else(
    single: Response, multiple: Response
) -> None:
    spec = plan_spec(ErrorHandling(single_failure=single, multiple_failures=multiple))
    leads = {
        "pause": "paused",
        "rollback": "rolling_back",
        "abort": "aborting",
        "continue": "running",
    }
    found = set()
    for row, shipped in zip(spec.rows, TABLES["plan"].rows, strict=True):
        assert replace(row, dest=shipped.dest) == shipped
        if row.scenario is None:
            assert row.dest == shipped.dest
        elif row.source == ("running",):
            found.add((row.scenario, row.dest))
    assert found == {("single_failure", leads[single]), ("multiple_failures", leads[multiple])}


def test_the_engine_knows_the_final_states_of_the_plan_table() -> None:
    assert {name for name, state in TABLES["plan"].states.items() if state.final} == FINAL_STATES


@BOTH
def test_every_row_says_why_in_eight_words_at_most(name: str) -> None:
    for row in TABLES[name].rows:
        assert 1 <= len(row.why.split()) <= 8, row.why


@BOTH
def test_every_condition_that_is_registered_is_used(name: str) -> None:
    used = {word for row in TABLES[name].rows for word in row.literals}
    assert used == set(FUNCTIONS[name])


@dataclass
class Light:
    """A record that holds nothing but a state."""

    state: str


def pairs() -> Iterator[tuple[str, str, str]]:
    for name, spec in TABLES.items():
        for state, trigger in product(spec.states, spec.triggers()):
            yield name, state, trigger


@pytest.mark.parametrize(("name", "state", "trigger"), list(pairs()))
def test_every_state_and_trigger_fires_as_its_row_says_or_is_refused_by_name(
    name: str, state: str, trigger: str
) -> None:
    spec = TABLES[name]
    rows = spec.rows_from(state, trigger)
    conditions = sorted({word for row in rows for word in row.literals})
    fired = set()
    for values in product((True, False), repeat=len(conditions)):
        truths = dict(zip(conditions, values, strict=True))
        holding = [r for r in rows if all(truths[w] is wanted for w, wanted in r.literals.items())]
        machine, record = _machine(spec, truths), Light(state)
        if holding:
            fired.add(machine.fire(record, trigger))
            assert record.state == holding[0].dest
            assert len(holding) == 1
            continue
        with pytest.raises(TransitionRefused) as refused:
            machine.fire(record, trigger, subject="it")
        assert record.state == state
        error = refused.value
        assert (error.subject, error.state, error.trigger) == ("it", state, trigger)
        assert set(error.allowed) == {r.trigger for r in spec.rows_from(state)}
        assert {word.removeprefix("not ") for word in error.failed} <= set(conditions)
        assert bool(error.failed) == bool(rows)
    assert fired == {row.dest for row in rows}
    if trigger in spec.facts and rows:
        assert find_refused(spec, state, trigger, conditions) is None


def find_refused(
    spec: MachineSpec, state: str, trigger: str, conditions: list[str]
) -> dict[str, bool] | None:
    """A case in which the fact would not be taken, if there is one."""
    for values in product((True, False), repeat=len(conditions)):
        truths = dict(zip(conditions, values, strict=True))
        if not _machine(spec, truths).may(Light(state), trigger):
            return truths
    return None


def _machine(spec: MachineSpec, truths: dict[str, bool]) -> Machine[Light]:
    conditions: Conditions[Light] = Conditions()
    for name in {word for row in spec.rows for word in row.literals}:
        conditions.add(partial(_answer, truths.get(name, False)), name)
    return Machine(spec, conditions, prove=False)


def _answer(holds: bool, _: Light) -> bool:
    return holds
