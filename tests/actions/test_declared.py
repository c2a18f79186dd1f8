"""Actions of declared skills, on real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.declared import DeclaredAction
from fsm.actions.shell import ShellAction
from fsm.document import parse_document
from fsm.engine.ports import Failed, Inspection, Succeeded
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


def seen(action: DeclaredAction, name: str, params: Any, folder: Path) -> Inspection:
    env = {"PATH": "/usr/bin:/bin"}
    return asyncio.run(action.inspect(name, params, folder, env, ()))


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
        [problem] = seen(action, name, {"x": given}, tmp_path)["inputs"]
        assert problem.message == told
        outcome = asyncio.run(action.perform(make_task("", action=name, params={"x": given})))
        assert isinstance(outcome, Failed)
        assert outcome.error.startswith(told)
    for name in ("after", "joined"):
        assert not any(seen(action, name, {"x": value}, tmp_path).values())
        outcome = asyncio.run(action.perform(make_task("", action=name, params={"x": value})))
        assert isinstance(outcome, Succeeded)
        assert outcome.tail.endswith(value)
    assert not any(seen(action, "allowed", {"x": value}, tmp_path).values())


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


def test_what_is_not_known_yet_is_no_reason_to_miss_the_rest(
    shell: ShellAction, tmp_path: Path
) -> None:
    action = skill(
        shell,
        """
    send:
      params: {x: text, to: text}
      needs: {commands: [no-such-tool], env: [NO_SUCH], files: [here]}
      run: [no-such-program, --, "{{ params.x }}"]
      check: [test, "{{ params.to }}"]
      env: {X: "{{ params.x }}"}
""",
    )
    found = seen(
        action, "send", {"x": {"$template": "{{ steps.a.outputs.b }}"}, "to": "-e"}, tmp_path
    )
    told = {aspect: [problem.message for problem in problems] for aspect, problems in found.items()}
    assert told == {
        "inputs": ["the value of `to` begins with `-`, and would be an option of the command"],
        "permissions": [
            "the command `no-such-tool` is not found",
            "the environment variable NO_SUCH is not set",
            "`no-such-program` is not found on PATH",
        ],
        "targets": [f"{tmp_path}/here does not exist"],
    }


def test_a_secret_among_the_arguments_is_refused_and_in_the_environment_masked(
    shell: ShellAction, make_task: MakeTask
) -> None:
    action = skill(
        shell,
        """
    loud: {params: {x: text}, run: [echo, "{{ params.x }}"]}
    show: {params: {x: {type: text, secret: true}}, env: {X: "{{ params.x }}"}, run: 'echo "$X"'}
""",
    )
    given = {"params": {"x": "hunter2-hunter2"}, "secrets": [b"hunter2-hunter2"]}
    outcome = asyncio.run(action.perform(make_task("", action="loud", **given)))
    assert isinstance(outcome, Failed)
    assert outcome.error.startswith("the value of a secret would stand among the arguments")
    assert shown(action, make_task, **given) == "***"  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["a\0b", "a\udcffb"])
def test_a_value_that_no_process_can_be_given_is_a_failure(
    shell: ShellAction, make_task: MakeTask, value: str
) -> None:
    action = skill(
        shell,
        """
    said: {params: {x: text}, run: [echo, "{{ params.x }}"]}
    given: {params: {x: text}, env: {X: "{{ params.x }}"}, run: [env]}
""",
    )
    for name in ("said", "given"):
        outcome = asyncio.run(action.perform(make_task("", action=name, params={"x": value})))
        assert isinstance(outcome, Failed)
        assert "the template becomes text" in outcome.error


def test_a_value_of_another_kind_is_refused_when_it_is_known(
    shell: ShellAction, make_task: MakeTask
) -> None:
    action = skill(shell, "    count: {params: {n: integer}, run: [seq, '{{ params.n }}']}")
    outcome = asyncio.run(action.perform(make_task("", action="count", params={"n": "1; id"})))
    assert isinstance(outcome, Failed)
    assert outcome.error == "`n` must be a whole number"


def test_a_variable_whose_template_is_null_is_not_set(
    shell: ShellAction, make_task: MakeTask
) -> None:
    action = skill(
        shell,
        """
    show:
      params: {x: {type: text, required: false}}
      env: {X: "{{ params.x }}"}
      run: 'echo "${X-unset}"'
""",
    )
    assert shown(action, make_task, {}, env={"X": "from outside"}) == "unset"
    assert shown(action, make_task, {"x": ""}) == ""
