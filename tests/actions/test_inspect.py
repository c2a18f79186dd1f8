"""What is found out about a command before anything runs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.actions.shell import ShellAction
from fsm.actions.syntax import syntax_error
from fsm.engine.ports import Inspection

ENV = {"PATH": os.environ["PATH"]}


def inspect(params: dict[str, Any], cwd: Path = Path("/"), action: str = "run") -> list[str]:
    return [
        str(problem)
        for problems in inspection(params, cwd, ENV, action).values()
        for problem in problems
    ]


def inspection(
    params: dict[str, Any], cwd: Path, env: dict[str, str], action: str = "run"
) -> Inspection:
    return asyncio.run(ShellAction().inspect(action, params, cwd, env, [b"hunter2"]))


@pytest.mark.parametrize(
    "command",
    [
        "true", ["true"], "echo $HOME", "cd / && ls", "X=1 no-such", "if true; then ls; fi", ": > x",
        "f() { ls; }; f", "no-such || true", "( ls )", "'no such'", "$PROGRAM x", "{ ls; }", "! false",
        "f () { :; }", "# only words", "ls\n# more\nls", ["sh", "-c", "if"],
        [{"$template": "{{ steps.a.outputs.b }}"}, "x"], ["echo", {"$template": "{{ x }}"}, 3],
        {"$template": "{{ steps.a.outputs.b }}"}, "/bin/ls", "[ -f x ] && ls", "exec ls", "ls>x",
    ],
)  # fmt: skip
def test_what_can_work_is_not_complained_about(command: Any) -> None:
    assert inspect({"command": command}) == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "no command is given; write: command: make test"),
        ({"command": ""}, "the command is empty; write: command: make test"),
        ({"command": []}, "the command is an empty list; its first element is the program"),
        ({"command": [""]}, "the command's first element is empty; it is the program to run"),
        ({"command": 3}, "the command is a number; write text for a shell, or a list of arguments"),
        ({"command": ["a", 1.10]}, "element 2 of the command is a number, not text; put it in quotes"),
        ({"command": [True]}, "element 1 of the command is a truth value, not text; put it in quotes"),
        ({"command": ["a", None]}, "element 2 of the command is nothing, not text; put it in quotes"),
        ({"command": ["a", ["b"]]}, "element 2 of the command is a list, not text; put it in quotes"),
        ({"command": "a\0"}, "the command holds a NUL byte; no program can be given one"),
        (
            {"command": ["echo", "x" * 131_072]},
            "element 2 of the command is longer than 131,071 bytes; put it in a file and pass its name",
        ),
        ({"command": "ls", "comand": 1}, "`shell.run` has no parameter `comand`; did you mean `command`?"),
        ({"command": "ls", "x": 1}, "`shell.run` has no parameter `x`; it has one: `command`"),
        ({"command": ["no-such"]}, "`no-such` is not found on PATH; install it, or write its path"),
        ({"command": "no-such -v"}, "`no-such` is not found on PATH; install it, or write its path"),
        ({"command": "no-such;ls"}, "`no-such` is not found on PATH; install it, or write its path"),
        (
            {"command": ["./no-such"]},
            "there is no program `./no-such` in /; mend the path, or `cwd`; "
            "a step that makes it says so: `makes: [PATH]`",
        ),
        ({"command": ["/etc/passwd"]}, "`/etc/passwd` may not be executed; allow it: chmod +x /etc/passwd"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_one_kind_problem(params: dict[str, Any], words: str) -> None:
    assert inspect(params) == [words]


def test_another_action_is_unknown() -> None:
    assert inspect({"command": "ls"}, action="walk") == [
        "the skill `shell` has no action `walk`; it has one: `run`"
    ]


def test_a_path_is_taken_from_the_working_folder_and_path_from_the_environment(
    tmp_path: Path,
) -> None:
    program = tmp_path / "bin" / "tool"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert inspect({"command": ["bin/tool"]}, tmp_path) == []
    there = inspection({"command": ["tool"]}, tmp_path, {"PATH": "bin"})
    assert there == {"inputs": [], "permissions": []}
    missing = inspection({"command": ["tool"]}, tmp_path, {"PATH": "/bin"})
    assert missing["inputs"] == []
    assert len(missing["permissions"]) == 1


def test_what_depends_on_outputs_is_not_looked_at() -> None:
    later = {"$template": "{{ steps.a.outputs.tool }}"}
    assert inspection({"command": [later]}, Path("/"), ENV) == {"inputs": []}


def test_a_secret_in_what_is_wrong_is_masked() -> None:
    (problem,) = inspect({"command": ["no-hunter2"]})
    assert problem == "`no-***` is not found on PATH; install it, or write its path"


@pytest.mark.parametrize(
    "command",
    ["if true; then", "echo 'a", "a && ", "done", "(ls", "a;;b", "| a", "&& a", "a &&\n|| b"],
)
def test_a_string_that_the_shell_cannot_read_is_shown_with_its_complaint(command: str) -> None:
    (problem,) = inspect({"command": command})
    assert problem.startswith("the shell cannot read it: ")
    assert len(problem.splitlines()) == 1


def test_inspecting_runs_nothing(tmp_path: Path) -> None:
    inspect(
        {"command": f"touch {tmp_path}/a > {tmp_path}/b; (touch {tmp_path}/c) `touch {tmp_path}/d`"}
    )
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(
        st.sampled_from(
            ["a", "if", "fi", "'", "'x y'", '"', '"$b"', "$", "${c}", "${", ";", "&&", "||", "|", "\n",
             " ", "\t", "=", "[", "{", "}", "!", "#", "\\", "done", "(", ")", "in", "&"]
        ),
        max_size=8,
    ).map("".join)
)  # fmt: skip
def test_what_is_not_asked_of_the_shell_is_what_it_would_accept(command: str) -> None:
    done = subprocess.run(["/bin/sh", "-n", "-c", command], stderr=subprocess.PIPE, check=False)
    assert bool(syntax_error(command)) == (done.returncode != 0)


def test_ten_thousand_ordinary_strings_take_no_process_each() -> None:
    began = time.process_time()
    for n in range(10_000):
        assert not syntax_error(f"make -C \"$DIR/part-{n}\" VERSION={n} && echo 'done {n}' | cat")
    assert time.process_time() - began < 2


def test_a_hostile_string_is_judged_in_linear_time() -> None:
    began = time.process_time()
    for text in ("a " * 50_000 + "(", "'a'" * 30_000 + "'", "a;" * 50_000 + ";", '"$a' * 30_000):
        syntax_error(text)
    assert time.process_time() - began < 2


def test_a_program_is_looked_for_once_however_many_steps_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real = os.access

    def access(path: str, mode: int) -> bool:
        looked.append(path)
        return real(path, mode)

    monkeypatch.setattr("fsm.actions.command.os.access", access)
    shell, env = ShellAction(), {"PATH": f"{tmp_path}:bin"}
    for _ in range(3):
        found = asyncio.run(shell.inspect("run", {"command": ["tool"]}, tmp_path, env, ()))
        assert len(found["permissions"]) == 1
    assert looked == [f"{tmp_path}/tool", f"{tmp_path}/bin/tool"]
    (tmp_path / "elsewhere" / "bin").mkdir(parents=True)
    (tmp_path / "elsewhere" / "bin" / "tool").touch(0o755)
    found = asyncio.run(
        shell.inspect("run", {"command": ["tool"]}, tmp_path / "elsewhere", env, ())
    )
    assert found["permissions"] == []
