"""Secrets that a plan hands to a skill: named in the plan, never valued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fsm.document import parse_document
from fsm.errors import Invalid
from fsm.plan.loading.load import resolve
from fsm.plan.model import Plan
from fsm.plan.skill import ActionSpec, Needs, Parameter, SkillSpec, Undo

TICKETS = SkillSpec(
    name="tickets",
    actions={
        "close": ActionSpec(
            name="close",
            params=(
                Parameter(name="issue", kind="text"),
                Parameter(name="token", kind="text", required=True, secret=True),
            ),
            needs=Needs(secrets=("TICKETS_KEY",)),
            undo=Undo(action="open"),
            has_check=True,
        ),
        "open": ActionSpec(
            name="open", params=(Parameter(name="token", kind="text", secret=True),)
        ),
    },
)


class Only:
    own: Sequence[str] = ()

    def find(self, name: str) -> SkillSpec | None:
        return TICKETS if name == "tickets" else None

    def names(self) -> Sequence[str]:
        return ["tickets"]


def loaded(params: str) -> Plan:
    text = (
        "plan:\n  id: p\n  secrets: [TOKEN]\n  params: {plain: x}\n  steps:\n"
        f"    - {{id: a, skill: tickets, action: close, params: {params}}}\n"
    )
    return resolve(parse_document(text, "plan.yaml", lenient=True), skills=lambda _: Only())


def test_a_secret_stays_a_template_in_the_plan_and_in_all_that_leans_on_the_step() -> None:
    plan = loaded('{token: "{{ secrets.TOKEN }}"}')
    step = plan.step("a")
    token: Any = {"$template": "{{ secrets.TOKEN }}"}
    assert step.call.params == {"token": token}
    assert step.check == step.call
    assert step.rollback is not None
    assert step.rollback.call.params == {"token": token}


def test_what_a_skill_needs_is_a_secret_of_the_plan() -> None:
    assert loaded('{token: "{{ secrets.TOKEN }}"}').secrets == ("TOKEN", "TICKETS_KEY")


@pytest.mark.parametrize(
    "value", ["hunter2", "''", "3", '"{{ params.plain }}"', "[a]", '"{{ run.id }}"']
)
def test_a_secret_parameter_takes_no_value(value: str) -> None:
    with pytest.raises(Invalid) as refused:
        loaded(f"{{token: {value}}}")
    assert [str(problem) for problem in refused.value.problems] == [
        "plan.yaml:6:55  `params.token` of step `a` is secret, and a plan never holds its value; "
        "name it under the plan's `secrets`, and write `{{ secrets.NAME }}`"
    ]
