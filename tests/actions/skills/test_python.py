"""The skill `python`: a function, in a process of its own and in this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.skills.python import python
from fsm.engine.ports import Failed, Succeeded

from .conftest import Steps

REFERENCE = "fsm.actions.skills.python:python"
TASKS = """
from __future__ import annotations

import asyncio
import os

from fsm import ActionFailed

open(f"{__file__}.imported", "w").close()


def add(a: int, b: float = 1.5) -> float:
    return a + b


async def later(names: list[str]) -> dict[str, object]:
    await asyncio.sleep(0)
    return {"count": len(names), "names": names, "pid": os.getpid()}


def echo(value: str) -> dict[str, str]:
    print(value.encode(errors="replace"))
    return {"value": value}


def fail() -> None:
    raise ActionFailed("the tank is empty")


def where() -> dict[str, object]:
    import sys
    return {"path": [os.path.abspath(p) for p in sys.path], "call": os.environ.get("FSM_CALL")}


def nothing() -> None: ...


def unspeakable() -> object:
    return object()
"""


@pytest.fixture
def steps(folder: Path) -> Iterator[Steps]:
    (folder / "tasks.py").write_text(TASKS)
    steps = Steps(python, folder, REFERENCE)
    yield steps
    steps.shell.close()


def outputs(steps: Steps, function: str, **params: Any) -> Any:
    outcome = steps.perform("call", {"function": function, **params})
    assert isinstance(outcome, Succeeded), outcome
    return outcome.outputs


@pytest.mark.parametrize("child", [True, False])
def test_what_a_function_returns_are_typed_outputs(steps: Steps, child: bool) -> None:
    found = outputs(steps, "tasks.py:later", args={"names": ["a", "b"]}, child=child)
    assert (found["count"], found["names"]) == (2, ["a", "b"])
    assert (found["pid"] == os.getpid()) is not child
    assert outputs(steps, "tasks.py:add", args={"a": 2}, child=child) == {"result": 3.5}
    assert outputs(steps, "tasks.py:nothing", child=child) == {}


@pytest.mark.parametrize("child", [True, False])
def test_arguments_are_checked_by_their_annotations(steps: Steps, child: bool) -> None:
    assert outputs(steps, "tasks.py:add", args={"a": "2"}, child=child) == {"result": 3.5}
    said = steps.error("call", function="tasks.py:add", args={"a": "two", "c": 1}, child=child)
    assert "tasks.py:add: `a`: input should be a valid integer" in said
    assert "`c`: unexpected keyword argument" in said


@pytest.mark.parametrize("child", [True, False])
def test_a_failure_says_why(steps: Steps, child: bool) -> None:
    assert "the tank is empty" in steps.error("call", function="tasks.py:fail", child=child)
    outcome = steps.perform("call", {"function": "tasks.py:unspeakable", "child": child})
    assert isinstance(outcome, Failed)
    assert "it returned what is not JSON" in outcome.tail


@pytest.mark.parametrize(
    "value",
    [
        "$(touch pwned)",
        "`touch pwned`",
        "'\"",
        "a\nb\n",
        "-rf",
        "../..",
        "returned=1",
        "a\0b",
    ],
)
@pytest.mark.parametrize("child", [True, False])
def test_a_hostile_value_is_a_value(steps: Steps, folder: Path, value: str, child: bool) -> None:
    assert outputs(steps, "tasks.py:echo", args={"value": value}, child=child) == {"value": value}
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("child", [True, False])
def test_what_is_no_unicode_breaks_nothing(steps: Steps, child: bool) -> None:
    found = outputs(steps, "tasks.py:echo", args={"value": "\udcff"}, child=child)
    assert found["value"] in ("\udcff", "?")


def test_hostile_functions_are_no_functions(steps: Steps, folder: Path) -> None:
    for function in (
        "tasks.py",
        "tasks.py:",
        ":add",
        "tasks.py:add()",
        "tasks.py:a b",
        "../x.py:add",
        "/etc/x.py:add",
        "os;os:getcwd",
        "tasks.py:$(touch pwned)",
        "no_such_module:x",
        "json.no_such:x",
        "tasks.py:missing",
        "json:missing",
    ):
        for purpose in ("run", "dry_run"):
            assert steps.error("call", purpose, function=function), function  # type: ignore[arg-type]
    assert not (folder / "pwned").exists()


def test_a_dry_run_imports_nothing_and_finds_what_is_wrong(steps: Steps, folder: Path) -> None:
    def tried(function: str, **args: Any) -> str:
        return steps.error("call", "dry_run", function=function, args=args)

    assert "needs the argument `a`" in tried("tasks.py:add")
    assert "takes no argument `c`" in tried("tasks.py:add", a=1, c=2)
    assert "has no function `missing`" in tried("tasks.py:missing")
    (folder / "broken.py").write_text("def x(:\n")
    assert "cannot be read" in tried("broken.py:x")
    given = {"function": "tasks.py:add", "args": {"a": 1}}
    assert isinstance(steps.perform("call", given, "dry_run"), Succeeded)
    assert isinstance(
        steps.perform("call", {"function": "json:dumps", "args": {"obj": 1}}, "dry_run"), Succeeded
    )
    assert not (folder / "tasks.py.imported").exists()


def test_nothing_is_imported_from_the_working_folder_unless_the_plan_says_so(
    steps: Steps, folder: Path
) -> None:
    (folder / "json.py").write_text("open('shadowed', 'w').close()\n")
    (folder / "mine.py").write_text("def f() -> int: return 7\n")
    path = outputs(steps, "tasks.py:where")["path"]
    assert str(folder) not in path
    assert not (folder / "shadowed").exists()
    assert "import_from" in steps.error("call", function="mine:f")
    (folder / "json.py").unlink()
    assert outputs(steps, "mine:f", import_from=".") == {"result": 7}
    given = {"function": "mine:f", "import_from": "."}
    assert isinstance(steps.perform("call", given, "dry_run"), Succeeded)
    assert "leads out of" in steps.error("call", function="mine:f", import_from="..")


def test_what_it_was_given_is_not_handed_to_processes_that_it_starts(steps: Steps) -> None:
    assert outputs(steps, "tasks.py:where")["call"] is None


def test_secrets_are_masked_in_outputs_and_log(steps: Steps) -> None:
    steps.secrets = [b"hunter22"]
    found = outputs(steps, "tasks.py:echo", args={"value": "x hunter22 y"})
    assert found == {"value": {"$masked": "x *** y"}}
    assert "hunter22" not in steps.log()


def test_python_m_fsm_does_not_import_from_the_working_folder(folder: Path) -> None:
    import subprocess

    (folder / "click.py").write_text("open('shadowed', 'w').close()\n")
    done = subprocess.run(
        [sys.executable, "-m", "fsm", "--help"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not (folder / "shadowed").exists()
