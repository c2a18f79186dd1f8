"""The actions of a declared skill: commands, run as the skill `shell` runs them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.actions.command import inspect_call
from fsm.actions.inspecting import joined, masked
from fsm.actions.masking import Masker
from fsm.actions.needs import Surroundings
from fsm.actions.python import wrong
from fsm.actions.rendering import rendered
from fsm.actions.shell import ShellAction
from fsm.actions.text import one_line, to_bytes
from fsm.engine.ports import Action, Failed, Inspection, Outcome, Task
from fsm.errors import Invalid, Problem
from fsm.plan.skill import SkillSpec
from fsm.plan.skill_code import SCRIPTS, changed_code, scripts_hash
from fsm.plan.template import TemplateError

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["DeclaredAction"]


class DeclaredAction(Action):
    """The actions of one skill as a plan keeps it: each renders its command, and `shell` runs that.

    `folder` is where its scripts lie, if it is made of scripts: these must still be what the plan knows.
    """

    def __init__(self, skill: SkillSpec, shell: ShellAction, folder: Path | None = None) -> None:
        self._skill = skill
        self._shell = shell
        self._around = Surroundings()
        self._folder = folder

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
                seen.append(inspect_call("run", {"command": self._placed(whole)}, there, found))
        return masked(joined(seen), Masker(secrets))

    async def perform(self, task: Task) -> Outcome:
        """Run the command that the purpose asks for; see `ShellAction.perform`."""
        try:
            return await self._shell.perform(self._as_command(task))
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
        if problems := list(wrong(spec, task.params)):
            raise Invalid(problems)
        if changed := self._changed():
            raise Invalid([changed])
        command, more = rendered(spec, declared, task.params)
        command = self._placed(command)
        words = command if isinstance(command, list) else ()
        if any(secret in to_bytes(str(word)) for word in words for secret in task.secrets):
            raise Invalid(
                [
                    Problem(
                        "the value of a secret would stand among the arguments of the command, "
                        "where every user of the machine sees it",
                        "the skill can declare the parameter `secret: true`, and give it by `env`",
                    )
                ]
            )
        return replace(
            task,
            action="run",
            params={"command": command},
            env=_joined(task.env, more),
            cwd=os.path.join(task.cwd, spec.cwd) if spec.cwd else task.cwd,  # noqa: PTH118
        )


def _joined(env: Mapping[str, str], more: Mapping[str, str | None]) -> dict[str, str]:
    """The environment with what a skill adds to it, and without what it takes out."""
    whole = {**env, **{name: value for name, value in more.items() if value is not None}}
    return {name: value for name, value in whole.items() if more.get(name, value) is not None}


def _masked(text: str, task: Task) -> str:
    return one_line(Masker(task.secrets).mask(text.encode(errors="replace")))
