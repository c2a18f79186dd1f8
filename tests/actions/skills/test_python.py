"""The skill `python`: a function, in a process of its own and in this one."""

from __future__ import annotations

import asyncio
import os
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python.apart import ApartAction, code_named
from fsm.actions.python.skill import ActionFailed, Context
from fsm.actions.shell import ShellAction
from fsm.actions.skills.python import python
from fsm.engine.ports import Failed, Outcome, Succeeded, Task

from .conftest import Steps
from .performing import Performing

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


def compiled_from_another_text(path: Path) -> None:
    """Beside the source lies what Python would take for its compiled form: of the same size and time."""
    source, times = path.read_text(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text(source.replace("as approved", "as smuggled"))
    os.utime(path, ns=times)
    py_compile.compile(str(path))
    path.write_text(source)
    os.utime(path, ns=times)


@pytest.mark.parametrize("child", [True, False])
def test_what_is_run_is_the_source_and_not_what_is_kept_compiled_beside_it(
    steps: Steps, folder: Path, child: bool
) -> None:
    (folder / "job.py").write_text("def go(): return 'as approved'\n")
    compiled_from_another_text(folder / "job.py")
    assert outputs(steps, "job.py:go", child=child) == {"result": "as approved"}


def test_so_is_a_module_that_is_imported_from_a_folder(steps: Steps, folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "job.py").write_text("def go(): return 'as approved'\n")
    compiled_from_another_text(folder / "lib" / "job.py")
    assert outputs(steps, "job:go", import_from="lib") == {"result": "as approved"}
    assert len(list((folder / "lib" / "__pycache__").iterdir())) == 1


def test_a_file_that_is_swapped_once_it_was_looked_at_is_not_run(folder: Path) -> None:
    (folder / "tasks.py").write_text(TASKS)
    context = Context(cwd=folder, folder=folder, env={}, code="0" * 64)
    with pytest.raises(ActionFailed, match=r"tasks\.py has changed while the step began"):
        python.actions["call"](function="tasks.py:nothing", context=context)
    assert not (folder / "tasks.py.imported").exists()


def test_the_process_is_told_what_was_approved(folder: Path) -> None:
    (folder / "tasks.py").write_text(TASKS)
    params: dict[str, Any] = {"function": "tasks.py:nothing"}
    approved = dict([code_named(python.actions["call"], params, folder)])
    shell = ShellAction()
    action = ApartAction(python, folder, REFERENCE, shell, approved)
    told: list[Task] = []

    async def swapped(task: Task) -> Outcome:
        """Between the look and the start."""
        (folder / "tasks.py").write_text(TASKS + "\n")
        told.append(task)
        return await performed(task)

    performed = shell.perform
    shell.perform = swapped  # type: ignore[method-assign]
    outcome = asyncio.run(action.perform(Performing(python, folder).task("call", **params)))
    shell.close()
    assert told
    assert isinstance(outcome, Failed)
    assert "has changed while the step began" in outcome.tail
    assert not (folder / "tasks.py.imported").exists()
