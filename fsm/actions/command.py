"""The parameters of `shell.run`: read, and judged before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from fsm.actions.output.text import one_line, to_bytes
from fsm.actions.syntax import command_it_starts_with, syntax_error
from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.ports import Inspection

__all__ = ["Programs", "argument_vector", "inspect_call"]

_LONGEST_BYTES = 32 * os.sysconf("SC_PAGESIZE") - 1  # MAX_ARG_STRLEN of execve(2), its NUL aside
_MEND_PROGRAM = "mend the path, or `cwd`; a step that makes it says so: `makes: [PATH]`"
_KINDS = {
    bool: "a truth value",
    int: "a number",
    float: "a number",
    dict: "a mapping",
    list: "a list",
}


class Programs:
    """Where programs are, as long as that does not change: each is looked for once, however many need it."""

    def __init__(self) -> None:
        self._on_path: dict[tuple[str, str, str], bool] = {}

    def has(self, program: str, cwd: Path, env: Mapping[str, str]) -> bool:
        """Whether the kernel and the shell would find it from that folder, and may execute it."""
        if "/" in program:
            return _is_program(str(cwd / program))
        path = env.get("PATH", os.defpath)
        key = (program, str(cwd), path)
        if key not in self._on_path:
            folders = (cwd / each for each in path.split(":"))
            self._on_path[key] = any(_is_program(f"{folder}/{program}") for folder in folders)
        return self._on_path[key]


def argument_vector(action: str, params: Mapping[str, JsonValue]) -> list[str]:
    """What to execute: a list with what templates gave as text, text under `sh -c`. Raises `Invalid`."""
    command = params.get("command")
    if isinstance(command, list) and not all(isinstance(word, str) for word in command):
        params = {**params, "command": _as_words(command)}
    problems = list(_wrong(action, params))
    if problems:
        raise Invalid(problems)
    command = params["command"]
    return (
        [str(word) for word in command] if isinstance(command, list) else ["sh", "-c", str(command)]
    )


def _as_words(command: Sequence[JsonValue]) -> list[JsonValue]:
    """The values of templates as arguments. Raises `Invalid` for those that are none, with what to write."""
    from fsm.plan.template import TemplateError, as_text

    words: list[JsonValue] = []
    for index, value in enumerate(command):
        try:
            words.append(as_text(value))
        except TemplateError as error:
            place = f"element {index + 1} of the command"
            raise Invalid([Problem(f"{place}: {error.message}", error.hint)]) from None
    return words


def inspect_call(
    action: str,
    params: Mapping[str, JsonValue],
    cwd: Path,
    env: Mapping[str, str],
    programs: Programs,
) -> Inspection:
    """What would keep the call from working, as far as that can be told without running anything."""
    problems = list(_wrong(action, params))
    command = params.get("command")
    if problems or _is_open(command):
        return {"inputs": problems}
    if isinstance(command, list):
        program = command[0]
        if _is_open(program):
            return {"inputs": []}
        return {"inputs": [], "permissions": list(_missing(str(program), cwd, env, programs))}
    text = str(command)
    if complaint := syntax_error(text):
        hint = "try it with: sh -n -c '…'"
        return {"inputs": [Problem(f"the shell cannot read it: {complaint}", hint)]}
    first = command_it_starts_with(text)
    missing = _missing(first, cwd, env, programs) if first else ()
    return {"inputs": [], "permissions": [*_missing("sh", cwd, env, programs), *missing]}


def _wrong(action: str, params: Mapping[str, JsonValue]) -> Iterator[Problem]:
    if action != "run":
        yield Problem(f"the skill `shell` has no action `{action}`", "it has one: `run`")
        return
    for name in params:
        if name != "command":
            from difflib import get_close_matches

            close = get_close_matches(name, ["command"])
            yield Problem(
                f"`shell.run` has no parameter `{name}`",
                "did you mean `command`?" if close else "it has one: `command`",
            )
    command = params.get("command")
    if command is None:
        yield Problem("no command is given", "write: command: make test")
    elif isinstance(command, list):
        if not command:
            yield Problem("the command is an empty list", "its first element is the program")
        for index, word in enumerate(command):
            yield from _wrong_word(f"element {index + 1} of the command", word)
        if command and command[0] == "":
            yield Problem("the command's first element is empty", "it is the program to run")
    elif isinstance(command, str):
        yield from _wrong_word("the command", command)
        if not command.strip():
            yield Problem("the command is empty", "write: command: make test")
    elif not _is_open(command):
        kind = _KINDS[type(command)]
        yield Problem(f"the command is {kind}", "write text for a shell, or a list of arguments")


def _wrong_word(what: str, word: JsonValue) -> Iterator[Problem]:
    if _is_open(word) or (isinstance(word, int) and not isinstance(word, bool)):
        return
    if not isinstance(word, str):
        kind = _KINDS.get(type(word), "nothing")
        yield Problem(f"{what} is {kind}, not text", "put it in quotes")
    elif "\0" in word:
        yield Problem(f"{what} holds a NUL byte", "no program can be given one")
    elif len(word) * 4 > _LONGEST_BYTES and len(to_bytes(word)) > _LONGEST_BYTES:
        limit = f"{_LONGEST_BYTES:,} bytes"
        yield Problem(f"{what} is longer than {limit}", "put it in a file and pass its name")


def _is_open(value: JsonValue) -> TypeGuard[dict[str, JsonValue]]:
    """Whether the value depends on outputs yet to come (`Action.inspect`)."""
    return isinstance(value, dict) and value.keys() == {"$template"}


def _missing(
    program: str, cwd: Path, env: Mapping[str, str], programs: Programs
) -> Iterator[Problem]:
    """The problem that the program cannot be found as the kernel and the shell look for it."""
    name = one_line(to_bytes(program))
    if programs.has(program, cwd, env):
        return
    if "/" not in program:
        yield Problem(f"`{name}` is not found on PATH", "install it, or write its path")
        return
    path = cwd / program
    if os.path.isfile(path):  # noqa: PTH113 (of a name that no file can have, Path raises)
        message, hint = f"`{name}` may not be executed", f"allow it: chmod +x {name}"
    else:
        message, hint = f"there is no program `{name}` in {cwd}", _MEND_PROGRAM
    yield Problem(message, hint, lacks=str(path))


def _is_program(path: str) -> bool:
    try:
        return os.access(path, os.X_OK) and os.path.isfile(path)  # noqa: PTH113
    except ValueError:  # a name that no file can have
        return False
