"""Actions of declared skills, on real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fsm.actions import ShellAction
from fsm.actions.declared import DeclaredAction
from fsm.document import parse_document
from fsm.engine.ports import Failed, Succeeded
from fsm.errors import Problem
from fsm.plan.loading.skill_file import resolve_skill
from fsm.plan.skill import restored

from .conftest import MakeTask

SHOW = 'for word; do printf "%s|" "$word"; done'


def skill(shell: ShellAction, actions: str) -> DeclaredAction:
    """The skill as a plan keeps it: what was written into one and read again."""
    text = f"skill:\n  name: sample\n  actions:\n{actions}"
    spec = resolve_skill(parse_document(text, "sample.yaml"))
    return DeclaredAction(restored("sample", spec.stored(spec.actions)), shell)


def shown(action: DeclaredAction, make: MakeTask, params: Mapping[str, Any], **fields: Any) -> str:
    """What the action `show` prints; fails the test if it does not succeed."""
    task = make("", action="show", params=params, **fields)
    outcome = asyncio.run(action.perform(task))
    assert isinstance(outcome, Succeeded), outcome
    return outcome.tail


def faults(action: DeclaredAction, name: str, value: object, cwd: Path) -> list[Problem]:
    """What inspecting the call finds, whatever it looks at."""
    env = {"PATH": "/usr/bin:/bin"}
    found = asyncio.run(action.inspect(name, {"x": value}, cwd, env, ()))
    return [problem for problems in found.values() for problem in problems]


HOSTILE = [
    "$(touch hacked)",
    "`touch hacked`",
    "'; touch hacked; '",
    '"; touch hacked; "',
    "a b\tc",
    "first\nsecond",
    "*",
    "~",
    "../../etc/passwd",
    "@file",
    "{{ params.x }}",
    "\\",
    "",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_data_in_an_argument_and_in_the_environment(
    shell: ShellAction, make_task: MakeTask, tmp_path: Path, value: str
) -> None:
    action = skill(
        shell,
        f"""
    show:
      params: {{x: text}}
      run: [sh, -c, '{SHOW}', sh, "{{{{ params.x }}}}", end]
    text:
      params: {{x: text}}
      env: {{X: "{{{{ params.x }}}}"}}
      run: 'test "$X" = "$EXPECTED"'
""",
    )
    assert shown(action, make_task, {"x": value}) == f"{value}|end|"
    task = make_task("", action="text", params={"x": value}, env={"EXPECTED": value})
    assert isinstance(asyncio.run(action.perform(task)), Succeeded)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("value", ["-rf", "--upload-pack=x", "-", "--"])
def test_a_value_that_would_be_an_option_is_refused_before_and_while_it_runs(
    shell: ShellAction, make_task: MakeTask, tmp_path: Path, value: str
) -> None:
    action = skill(
        shell,
        """
    bare: {params: {x: text}, run: [echo, "{{ params.x }}"]}
    after: {params: {x: text}, run: [echo, --, "{{ params.x }}"]}
    joined: {params: {x: text}, run: [echo, "--name={{ params.x }}"]}
    allowed: {params: {x: {type: text, options: true}}, run: [printf, "%s", "{{ params.x }}"]}
    several: {params: {x: list}, run: [echo, "{{ params.x }}"]}
""",
    )
    told = "the value of `x` begins with `-`, and would be an option of the command"
    for name, given in (("bare", value), ("several", ["a", value])):
        [problem] = faults(action, name, given, tmp_path)
        assert problem.message == told
        outcome = asyncio.run(action.perform(make_task("", action=name, params={"x": given})))
        assert isinstance(outcome, Failed)
        assert outcome.error.startswith(told)
    for name in ("after", "joined"):
        assert not faults(action, name, value, tmp_path)
        outcome = asyncio.run(action.perform(make_task("", action=name, params={"x": value})))
        assert isinstance(outcome, Succeeded)
        assert outcome.tail.endswith(value)
    assert not faults(action, "allowed", value, tmp_path)


def test_an_option_that_the_skill_itself_writes_is_one(
    shell: ShellAction, make_task: MakeTask
) -> None:
    action = skill(
        shell,
        f"""
    show:
      params:
        force: {{default: false}}
        words: {{default: []}}
        message: {{type: text, required: false}}
      run:
        - sh
        - -c
        - '{SHOW}'
        - sh
        - "{{{{ '-f' if params.force else none }}}}"
        - "{{{{ ['-m', params.message] if params.message else none }}}}"
        - "{{{{ params.words }}}}"
""",
    )
    assert shown(action, make_task, {}) == ""
    assert shown(action, make_task, {"force": True, "message": "hi"}) == "-f|-m|hi|"
    assert shown(action, make_task, {"words": ["a", 7, True]}) == "a|7|true|"
