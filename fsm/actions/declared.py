"""The actions of a declared skill: commands, run as the skill `shell` runs them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.actions.command import inspect_call
from fsm.actions.inspecting import masked
from fsm.actions.masking import Masker
from fsm.actions.python import missing
from fsm.actions.shell import ShellAction
from fsm.actions.text import one_line
from fsm.engine.ports import Action, Aspect, Failed, Inspection, Outcome, Task
from fsm.errors import Invalid, Problem
from fsm.plan.skill import ActionSpec, SkillSpec
from fsm.plan.template import (
    TemplateError,
    as_text,
    is_template,
    references,
    render_text,
    templates,
)

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["DeclaredAction"]

_LITERAL = re.compile(r"'(-[^']*)'|\"(-[^\"]*)\"")


class DeclaredAction(Action):
    """The actions of one skill as a plan keeps it: each renders its command, and `shell` runs that."""

    def __init__(self, skill: SkillSpec, shell: ShellAction) -> None:
        self._skill = skill
        self._shell = shell

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        """What it needs and does not find, and what keeps its commands from working."""
        spec = self._skill.actions.get(action)
        if spec is None:
            return {"inputs": [Problem(f"skill `{self._skill.name}` has no action `{action}`")]}
        seen: dict[Aspect, list[Problem]] = {"inputs": []}
        for aspect, problems in _inspections(spec, params, cwd, env):
            known = seen.setdefault(aspect, [])
            known += [problem for problem in problems if problem not in known]
        return masked(seen, Masker(secrets)) if any(seen.values()) else seen

    async def perform(self, task: Task) -> Outcome:
        """Run the command that the purpose asks for; see `ShellAction.perform`."""
        try:
            return await self._shell.perform(self._as_command(task))
        except TemplateError as error:
            return Failed(_masked(str(error), task))
        except Invalid as error:
            return Failed(_masked("; ".join(map(str, error.problems)), task))

    def recollect(self, task: Task) -> Outcome | None:
        """What the shim saw of an attempt whose runner died. See `Action`."""
        return self._shell.recollect(task)

    def recorded(self) -> None:
        """Every outcome that `perform` gave is durably recorded. See `Action`."""
        self._shell.recorded()

    def close(self) -> None:
        """Let go what starts the processes. See `Action`."""
        self._shell.close()

    def _as_command(self, task: Task) -> Task:
        """The task as `shell` performs it. Raises `TemplateError`, and `Invalid`."""
        spec = self._skill.actions.get(task.action)
        if spec is None:
            raise Invalid([Problem(f"skill `{self._skill.name}` has no action `{task.action}`")])
        declared = {"check": spec.check, "dry_run": spec.dry_run}.get(task.purpose) or spec.run
        command, more = _rendered(spec, declared, task.params)
        return replace(
            task,
            action="run",
            params={"command": command},
            env=_joined(task.env, more),
            cwd=os.path.join(task.cwd, spec.cwd) if spec.cwd else task.cwd,  # noqa: PTH118
        )


def _inspections(
    spec: ActionSpec, params: Mapping[str, JsonValue], cwd: Path, env: Mapping[str, str]
) -> Iterator[tuple[Aspect, Sequence[Problem]]]:
    yield from missing(spec.needs, cwd, env).items()
    if any(templates(dict(params))):
        return
    for command in (spec.run, spec.check, spec.dry_run):
        if command is None:
            continue
        try:
            whole, more = _rendered(spec, command, params)
        except TemplateError as error:
            yield "inputs", [Problem(error.message, error.hint)]
        except Invalid as error:
            yield "inputs", error.problems
        else:
            joined = _joined(env, more)
            yield from inspect_call("run", {"command": whole}, cwd / spec.cwd, joined).items()


def _rendered(
    spec: ActionSpec, command: JsonValue, params: Mapping[str, JsonValue]
) -> tuple[JsonValue, Mapping[str, str | None]]:
    """The command and the environment that it adds, rendered. Raises `TemplateError`, and `Invalid`.

    Every parameter has a name there: one that is optional and was not given is null.
    """
    known = {parameter.name: parameter.default for parameter in spec.params} | dict(params)
    names = {"params": known}
    env = {name: _text(value, names) for name, value in spec.env.items()}
    if not isinstance(command, list):
        return command, env
    words: list[JsonValue] = []
    for item in command:
        if not is_template(item):
            words.append(item)
            continue
        found = list(_arguments(item["$template"], names))
        if "--" not in words:
            _refuse_options(spec, item["$template"], found)
        words += found
    return words, env


def _arguments(template: str, names: Mapping[str, object]) -> Iterator[str]:
    value = render_text(template, names)
    if isinstance(value, list):
        yield from map(as_text, value)
    elif value is not None:
        yield as_text(value)


def _text(value: JsonValue, names: Mapping[str, object]) -> str | None:
    rendered = render_text(value["$template"], names) if is_template(value) else value
    return None if rendered is None else as_text(rendered)


def _refuse_options(spec: ActionSpec, template: str, arguments: Iterable[str]) -> None:
    """Raises `Invalid` if a parameter's value would be taken for an option of the command (F62).

    What the author of the skill wrote into the template as an option is one; so is what a parameter may
    give that says so, and a negative number.
    """
    if not template.startswith("{{"):
        return
    used = [spec.parameter(name) for name in sorted(references(template).params)]
    if all(p is None or p.options or p.kind in ("integer", "number") for p in used):
        return
    own = [first or second for first, second in _LITERAL.findall(template)]
    for argument in arguments:
        joined = any(argument.startswith(word) for word in own if word.endswith("="))
        if argument.startswith("-") and argument not in own and not joined:
            told = ", ".join(f"`{p.name}`" for p in used if p is not None)
            raise Invalid(
                [
                    Problem(
                        f"the value of {told} begins with `-`, and would be an option of the command",
                        "the skill can say `--` before it, or `options: true` of the parameter",
                    )
                ]
            )


def _joined(env: Mapping[str, str], more: Mapping[str, str | None]) -> dict[str, str]:
    joined = dict(env)
    for name, value in more.items():
        if value is None:
            joined.pop(name, None)
        else:
            joined[name] = value
    return joined


def _masked(text: str, task: Task) -> str:
    return one_line(Masker(task.secrets).mask(text.encode(errors="replace")))
