"""The actions of a declared skill: commands, run as the skill `shell` runs them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from fsm.actions.command import Programs, inspect_call
from fsm.actions.inspecting import joined, masked
from fsm.actions.needs import Surroundings
from fsm.actions.output.masking import Masker
from fsm.actions.output.text import one_line, to_bytes
from fsm.actions.python.action import wrong
from fsm.actions.rendering import given, rendered
from fsm.actions.shell import ShellAction
from fsm.actions.withheld import WithheldAction
from fsm.engine.ports import Action, Failed, Inspection, Outcome, Task
from fsm.errors import Invalid, Problem
from fsm.plan.skill import ActionSpec, SkillSpec
from fsm.plan.skill_code import SCRIPTS, changed_code, scripts_hash
from fsm.plan.template import TemplateError

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["DeclaredAction"]

_LEAST_SECRET_BYTES = 8
"""A shorter value may stand there by chance (`fsm.engine.preflight.exposed`)."""


class DeclaredAction(Action):
    """The actions of one skill as a plan keeps it: each renders its command, and `shell` runs that.

    `folder` is where its scripts lie, if it is made of scripts: these must still be what the plan knows.
    `others` are the skills that it may call.
    """

    def __init__(
        self,
        skill: SkillSpec,
        shell: ShellAction,
        folder: Path | None = None,
        others: Mapping[str, Action] = MappingProxyType({}),
    ) -> None:
        self._skill = skill
        self._shell = shell
        self._programs = Programs()
        self._around = Surroundings(self._programs)
        self._folder = folder
        self._others = others

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
            problem = Problem(f"skill `{self._skill.name}` has no action `{action}`")
            return {"inputs": [problem]}
        faults = list(wrong(spec, params))
        seen: list[Inspection] = [{"inputs": faults}]
        seen.append(await self._around.missing(spec.needs, cwd, env))
        if changed := self._changed():
            seen.append({"permissions": [changed]})
        for command in (spec.run, spec.check, spec.dry_run):
            if command is None or faults:
                continue
            try:
                whole, more = rendered(spec, command, params)
            except TemplateError as error:
                seen.append({"inputs": [Problem(error.message, error.hint)]})
            except Invalid as error:
                seen.append({"inputs": error.problems})
            else:
                there, found = cwd / spec.cwd, _joined(env, more)
                params_of = {"command": self._placed(whole)}
                seen.append(inspect_call("run", params_of, there, found, self._programs))
        if spec.call is not None and not faults:
            seen.append(await self._called(spec, params, cwd, env, secrets))
        return masked(joined(seen), Masker(secrets))

    async def _called(
        self,
        spec: ActionSpec,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        """What the action says that this one calls."""
        assert spec.call is not None
        try:
            told = given(spec, params)
            _, more = rendered(spec, None, params)
        except TemplateError as error:
            return {"inputs": [Problem(error.message, error.hint)]}
        other, there = self._other(spec), cwd / spec.cwd
        return await other.inspect(spec.call["action"], told, there, _joined(env, more), secrets)

    def _other(self, spec: ActionSpec) -> Action:
        assert spec.call is not None
        name = spec.call["skill"]
        missing = WithheldAction(Problem(f"no skill is called `{name}`"))
        return self._others.get(name, missing)

    async def perform(self, task: Task) -> Outcome:
        """Run the command that the purpose asks for; see `ShellAction.perform`."""
        try:
            action, task = self._delegated(task)
            return await action.perform(task)
        except TemplateError as error:
            return Failed(_masked(str(error), task))
        except Invalid as error:
            return Failed(_masked("; ".join(map(str, error.problems)), task))

    def _changed(self) -> Problem | None:
        if self._folder is None:
            return None
        try:
            if scripts_hash(self._folder) == self._skill.code:
                return None
        except OSError as error:
            return Problem(f"{error.filename} cannot be read: {error.strerror}", "put it back")
        return changed_code(self._skill.name, str(self._folder))

    def _placed(self, command: JsonValue) -> JsonValue:
        """The command with the path of its script from wherever it is run."""
        if self._folder is None or not isinstance(command, list):
            return command
        place = next(n for n, word in enumerate(command) if str(word).startswith(f"{SCRIPTS}/"))
        return [*command[:place], str(self._folder / str(command[place])), *command[place + 1 :]]

    def recollect(self, task: Task) -> Outcome | None:
        """What the shim saw of an attempt whose runner died. See `Action`."""
        try:
            action, task = self._delegated(task)
        except (TemplateError, Invalid):
            return None
        return action.recollect(task)

    def recorded(self) -> None:
        """Every outcome that `perform` gave is durably recorded. See `Action`."""
        self._shell.recorded()

    def close(self) -> None:
        """Let go what starts the processes. See `Action`."""
        self._shell.close()

    def _delegated(self, task: Task) -> tuple[Action, Task]:
        """Who performs the task, and as what. Raises `TemplateError`, and `Invalid`."""
        spec = self._skill.actions.get(task.action)
        if spec is None:
            raise Invalid([Problem(f"skill `{self._skill.name}` has no action `{task.action}`")])
        declared = {"check": spec.check, "dry_run": spec.dry_run}.get(task.purpose) or spec.run
        if problems := list(wrong(spec, task.params)):
            raise Invalid(problems)
        cwd = os.path.join(task.cwd, spec.cwd) if spec.cwd else task.cwd  # noqa: PTH118
        if declared is not None or spec.call is None:
            return self._shell, self._as_command(replace(task, cwd=cwd), spec, declared)
        _, more = rendered(spec, None, task.params)
        params, env = given(spec, task.params), _joined(task.env, more)
        action = spec.call["action"]
        return self._other(spec), replace(task, action=action, params=params, env=env, cwd=cwd)

    def _as_command(self, task: Task, spec: ActionSpec, declared: JsonValue) -> Task:
        """The task as `shell` performs it. Raises `TemplateError`, and `Invalid`."""
        if changed := self._changed():
            raise Invalid([changed])
        command, more = rendered(spec, declared, task.params)
        command = self._placed(command)
        words = command if isinstance(command, list) else ()
        long = [secret for secret in task.secrets if len(secret) >= _LEAST_SECRET_BYTES]
        if any(secret in to_bytes(str(word)) for word in words for secret in long):
            raise Invalid(
                [
                    Problem(
                        "the value of a secret would stand among the arguments of the command, "
                        "where every user of the machine sees it",
                        "the skill can declare the parameter `secret: true`, and give it by `env`",
                    )
                ]
            )
        env = _joined(task.env, more)
        return replace(task, action="run", params={"command": command}, env=env)


def _joined(env: Mapping[str, str], more: Mapping[str, str | None]) -> dict[str, str]:
    """The environment with what a skill adds to it, and without what it takes out."""
    kept = {name: value for name, value in more.items() if value is not None}
    whole = {**env, **kept}
    for name in more.keys() - kept.keys():
        whole.pop(name, None)
    return whole


def _masked(text: str, task: Task) -> str:
    return one_line(Masker(task.secrets).mask(text.encode(errors="replace")))
