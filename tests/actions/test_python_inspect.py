"""What a skill written in Python says of a call before anything runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python.action import PythonAction
from fsm.actions.python.skill import Context, Lack, Skill
from fsm.engine.ports import Inspection
from fsm.plan.skill import Needs

LATER = {"$template": "{{ steps.a.outputs.issue }}"}


def seen(skill: Skill, cwd: Path, params: dict[str, Any], **env: str) -> Inspection:
    action = PythonAction(skill, cwd)
    return asyncio.run(action.inspect("close", params, cwd, env, [b"hunter2"]))


def said(inspection: Inspection) -> dict[str, list[str]]:
    return {aspect: list(map(str, problems)) for aspect, problems in inspection.items()}


def closing(needs: Needs | None = None, inspection: Any = None) -> Skill:
    skill = Skill("tickets")

    @skill.action(needs=needs)
    def close(issue: str, comment: str = "") -> None:
        """Close it."""

    if inspection is not None:
        close.inspect(inspection)
    return skill


def test_an_action_that_needs_nothing_is_held_to_its_parameters_only(tmp_path: Path) -> None:
    assert seen(closing(), tmp_path, {"issue": "A-1"}) == {"inputs": []}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"issue": 3}, ["`issue` must be text"]),
        ({}, ["`issue` is not given"]),
        ({"issue": "A-1", "hunter2": 1}, ["`***` is no parameter"]),
    ],
)
def test_wrong_parameters_are_inputs_and_nothing_else_is_asked(
    tmp_path: Path, params: dict[str, Any], words: list[str]
) -> None:
    def never(issue: str) -> Iterator[Lack]:
        raise AssertionError(issue)

    assert said(seen(closing(inspection=never), tmp_path, params)) == {"inputs": words}


def test_needs_are_permissions_but_for_files_which_are_targets(tmp_path: Path) -> None:
    needs = Needs(
        commands=("no-such",), env=("REGION",), secrets=("TOKEN",), files=("a.txt", "b.txt")
    )
    (tmp_path / "b.txt").touch()
    assert said(seen(closing(needs), tmp_path, {"issue": "A-1"}, TOKEN="x")) == {
        "inputs": [],
        "permissions": [
            "the command `no-such` is not found; install it, or mend PATH",
            "the environment variable REGION is not set; set it: export REGION=…",
        ],
        "targets": [
            f"{tmp_path}/a.txt does not exist; make it, or mend the skill's `needs`",
        ],
    }


def yields(issue: str) -> Iterator[Lack]:
    yield Lack("targets", f"there is no {issue}", "mend it")


def returns(issue: str) -> Sequence[Lack]:
    return [Lack("targets", f"there is no {issue}", "mend it")]


async def awaits(issue: str) -> Sequence[Lack]:
    await asyncio.sleep(0)
    return [Lack("targets", f"there is no {issue}", "mend it")]


async def yields_later(issue: str) -> AsyncIterator[Lack]:
    await asyncio.sleep(0)
    yield Lack("targets", f"there is no {issue}", "mend it")


@pytest.mark.parametrize("inspection", [yields, returns, awaits, yields_later])
def test_an_inspection_may_be_written_in_any_way(tmp_path: Path, inspection: Any) -> None:
    found = seen(closing(inspection=inspection), tmp_path, {"issue": "hunter2"})
    assert said(found) == {"inputs": [], "targets": ["there is no ***; mend it"]}


def test_an_inspection_is_not_asked_before_its_parameters_are_known(tmp_path: Path) -> None:
    assert seen(closing(inspection=yields), tmp_path, {"issue": LATER}) == {"inputs": []}


def test_permissions_in_words_are_what_the_inspection_looks_at(tmp_path: Path) -> None:
    def refuses(context: Context) -> Iterator[Lack]:
        if not context.env.get("ROLE"):
            yield Lack("permissions", "you are nobody")

    skill = closing(Needs(permissions=("close tickets",)), refuses)
    found = said(seen(skill, tmp_path, {"issue": "A-1"}))
    assert found == {"inputs": [], "targets": [], "permissions": ["you are nobody"]}
    found = said(seen(skill, tmp_path, {"issue": "A-1"}, ROLE="boss"))
    assert found == {"inputs": [], "targets": [], "permissions": []}


def test_a_secret_that_an_action_needs_is_a_permission(tmp_path: Path) -> None:
    found = said(seen(closing(Needs(secrets=("TOKEN",))), tmp_path, {"issue": "A-1"}))
    assert found["permissions"] == ["the secret TOKEN is not set; set it with: export TOKEN=…"]


def test_an_inspection_that_raises_is_a_problem_in_one_line(tmp_path: Path) -> None:
    def breaks() -> None:
        raise ConnectionError("no route\nto hunter2")

    found = said(seen(closing(inspection=breaks), tmp_path, {"issue": "A-1"}))
    words = "cannot be inspected: ConnectionError: no route to ***"
    assert found == {"inputs": [], "targets": [words]}
