"""What a call runs, in words for people: the command as they would type it, and the tools it needs."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from fsm.plan.model import Call
from fsm.plan.template import is_template, with_sources
from fsm.views.text import shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.skill import ActionSpec

__all__ = ["command_text", "done_by", "is_shell_text", "script_text", "tools_of"]

SHELLS = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"})

BUILTINS = frozenset(
    """. : [ [[ alias bg break cd command continue echo eval exec exit export false fg for getopts
    hash jobs kill local printf pwd read readonly return select set shift source test times trap true
    type ulimit umask unalias unset wait""".split()  # noqa: SIM905 - a list would take 45 lines
)
KEYWORDS = frozenset(
    "! { } ( ) if then elif else fi do done while until time".split()  # noqa: SIM905 - the same
)
PREFIXES = frozenset({"command", "exec"})
"""Builtins that run the program after them."""

LOST = frozenset({"case", "function"})
"""Words after which a plain reading can no longer tell programs from other words."""

PUNCTUATION = "();<>|&\n"


def command_text(call: Call) -> str:
    """The call as a person would type it, on one line: `git push origin main`, `skill.action name=…`.

    Templates stand as their author wrote them.
    """
    return shown(_written(call))


def script_text(call: Call) -> str:
    """The same, except that text for a shell keeps its lines."""
    text = _written(call)
    if call.skill != "shell" or isinstance(call.params.get("command"), list):
        return shown(text)
    return "\n".join(shown(line) for line in text.split("\n"))


def _written(call: Call) -> str:
    params = {name: with_sources(value) for name, value in call.params.items()}
    if call.skill == "shell":
        command = params.get("command")
        words = command if isinstance(command, list) else None
        return shlex.join(map(str, words)) if words else str(command).strip()
    named = " ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in params.items()
    )
    return f"{call.skill}.{call.action} {named}".strip()


def is_shell_text(call: Call) -> bool:
    """Whether a shell reads the command: a string, or a list such as `[bash, -c, …]`."""
    return call.skill == "shell" and _script(call.params.get("command")) is not None


def tools_of(call: Call, spec: ActionSpec | None = None) -> tuple[str, ...]:
    """The programs a command starts, each once, or `skill NAME` and the programs that it needs.

    `spec` is what the plan keeps of the action, if it is of a skill.

    Of text for a shell it is what a plain reading finds: words in the place of a command that are no
    builtins. Programs that appear only when the shell expands something are not found.
    """
    if call.skill != "shell":
        return tuple(dict.fromkeys((f"skill {call.skill}", *_tools_of_action(spec))))
    command = call.params.get("command")
    found: list[str] = []
    if isinstance(command, list) and command:
        first = command[0]
        found.append(_program(str(with_sources(first))))
        if is_template(first):
            return tuple(found)
    script = _script(command)
    if script is not None:
        found += _programs(script)
    return tuple(dict.fromkeys(found))


def _tools_of_action(spec: ActionSpec | None) -> Iterator[str]:
    if spec is not None:
        yield from spec.needs.commands
        for command in (spec.run, spec.check, spec.dry_run):
            if command is not None:
                yield from tools_of(_as_command(command))
        if spec.call is not None:
            yield f"skill {spec.call['skill']}"


def _as_command(command: JsonValue) -> Call:
    """The call that runs what a declared action does, its templates as they stand."""
    return Call(skill="shell", action="run", params={"command": command})


def done_by(spec: ActionSpec) -> Call | None:
    """What a declared action does: a command, or a call of another skill."""
    if spec.call is not None:
        return Call(**spec.call)
    return None if spec.run is None else _as_command(spec.run)


def _script(command: JsonValue) -> str | None:
    """The text that a shell reads, if the command has one."""
    if isinstance(command, str):
        return command
    if not isinstance(command, list) or not command:
        return None
    words = [word if isinstance(word, str) else "" for word in command]
    if os.path.basename(words[0]) not in SHELLS:  # noqa: PTH119 - a path of any system, not ours
        return None
    for place, word in enumerate(words[1:-1], 1):
        if re.fullmatch(r"-[a-zA-Z]*c", word):
            return words[place + 1]
        if not word.startswith("-"):
            break
    return None


def _program(word: str) -> str:
    """`/usr/bin/git` is git; a program of the project's own (`./build.sh`) keeps its path."""
    return os.path.basename(word) if word.startswith("/") else word  # noqa: PTH119


@lru_cache(maxsize=64)
def _programs(script: str) -> Sequence[str]:
    """The programs that the text names, each once. Asked of one text several times, which may be long."""
    found: dict[str, None] = {}
    for words in _commands(script):
        for word in words:
            if word in KEYWORDS or word in PREFIXES or re.match(r"[A-Za-z_]\w*\+?=", word):
                continue
            if word not in BUILTINS and re.fullmatch(r"[\w./~+@:,%-]+", word):
                found[_program(word)] = None
            break
    return [*found]


def _commands(script: str) -> Iterator[list[str]]:
    """The words of each simple command, redirections left out, as far as a plain reading goes."""
    words: list[str] = []
    skipping = False
    for token in _tokens(script):
        if token.startswith("<<") or (token in LOST and not words):
            break
        if token.startswith("()"):
            words = []  # the name of a function
        elif not token or token.strip(PUNCTUATION):  # a word, which may have held quotes
            if not skipping:
                words.append(token)
            skipping = False
        elif "<" in token or ">" in token:
            skipping = True
            if words and words[-1].isdigit():
                words.pop()
        else:
            yield words
            words, skipping = [], False
    yield words


def _tokens(script: str) -> Iterator[str]:
    text = re.sub(r"(?m)(^|\s)#.*$", "", script.replace("\\\n", " "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars=PUNCTUATION)
    lexer.commenters, lexer.whitespace, lexer.whitespace_split = "", " \t\r", True
    with suppress(ValueError):  # a quote that never ends
        yield from lexer
