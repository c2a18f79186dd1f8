from __future__ import annotations

from pathlib import Path

import pytest

from fsm.engine.site import Site
from fsm.plan.model import Call
from fsm.plan.template import TemplateError

from .world import plan, step

HEADER = {"$template": "Bearer {{ secrets.TOKEN }}"}
CALL = Call(skill="scripted", action="x", params={"headers": {"Authorization": HEADER}})


def site(**environ: str) -> Site:
    of = plan(step("a", call=CALL), secrets=("TOKEN",))
    return Site("r", of, Path("/"), Path("/logs"), environ)


def test_a_secret_is_rendered_for_the_action_alone() -> None:
    it = site(TOKEN="hunter2", OTHER="x")
    task = it.task(it.plan.steps[0], "run", CALL, 1, {})
    assert task.params == {"headers": {"Authorization": "Bearer hunter2"}}
    assert task.secrets == (b"hunter2",)
    assert b"hunter2" not in it.plan.document


def test_only_what_the_plan_declares_is_a_secret() -> None:
    it = site(TOKEN="hunter2", OTHER="x")
    other = Call(skill="s", action="x", params={"x": {"$template": "{{ secrets.OTHER }}"}})
    with pytest.raises(TemplateError):
        it.task(it.plan.steps[0], "run", other, 1, {})


def test_a_secret_that_is_not_set_is_refused() -> None:
    it = site()
    with pytest.raises(TemplateError):
        it.task(it.plan.steps[0], "run", CALL, 1, {})
