"""The actions of a skill written in Python, as the engine asks for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsm.actions.calling import called, failed, outputs_of
from fsm.actions.masking import Masker
from fsm.actions.output import Log
from fsm.actions.skill import Context, Lack, Skill, SkillAction, arguments
from fsm.engine.ports import Action, Failed, Outcome, Succeeded, Task
from fsm.errors import Problem
from fsm.plan.skill import Needs, converted, value_fault
from fsm.plan.template import templates

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["PythonAction", "missing"]


class PythonAction(Action):
    """The actions of one `Skill`. `folder` is the folder that file actions do not leave."""

    def __init__(self, skill: Skill, folder: Path) -> None:
        self._skill = skill
        self._folder = folder

    def inspect(
        self, action: str, params: Mapping[str, JsonValue], cwd: Path, env: Mapping[str, str]
    ) -> Sequence[Problem]:
        """What it needs and does not find, and what its own inspection misses."""
        found = self._skill.actions.get(action)
        if found is None:
            return [Problem(f"skill `{self._skill.name}` has no action `{action}`")]
        problems = list(missing(found.spec.needs, cwd, env))
        if found.inspection is not None and _knows(found.inspection, params):
            context = Context(cwd=cwd, folder=self._folder, env=env)
            lacks: Iterable[Lack] = found.inspection(
                **_named(found, found.inspection, params, context)
            )
            problems += [Problem(lack.message, lack.hint) for lack in lacks or ()]
        return problems

    async def perform(self, task: Task) -> Outcome:
        """Call the function that the purpose asks for. What a probe gives is told by the exit code."""
        masker = Masker(task.secrets)
        action = self._skill.actions.get(task.action)
        if action is None:
            return Failed(f"skill `{self._skill.name}` has no action `{task.action}`")
        log = Log(task.log, masker)
        context = Context(
            cwd=Path(task.cwd),
            folder=self._folder,
            env=task.env,
            run_id=task.run_id,
            step_id=task.step_id,
            attempt=task.attempt,
            idempotency_key=task.env.get("FSM_IDEMPOTENCY_KEY", ""),
            note=log.note,
        )
        function, concludes = _function(action, task)
        try:
            returned = await called(function, _named(action, function, task.params, context))
            return concludes(returned, masker)
        except Exception as error:
            return failed(error, masker)
        finally:
            log.close()

    def recorded(self) -> None:
        """Nothing is shared between calls, and so nothing is to be recollected. See `Action`."""

    def close(self) -> None:
        """Nothing is to be freed. See `Action`."""


def missing(needs: Needs, cwd: Path, env: Mapping[str, str]) -> Iterable[Problem]:
    """What of these needs is not here."""
    for name in needs.commands:
        if shutil.which(name, path=env.get("PATH", os.defpath)) is None:
            yield Problem(f"the command `{name}` is not found", "install it, or mend PATH")
    for name in (*needs.env, *needs.secrets):
        if not env.get(name):
            yield Problem(f"the environment variable {name} is not set", f"set it: export {name}=…")
    for name in needs.files:
        if not (cwd / name).exists():
            yield Problem(f"{cwd / name} does not exist", "make it, or mend the skill's `needs`")


def _function(
    action: SkillAction, task: Task
) -> tuple[Callable[..., Any], Callable[[Any, Masker], Outcome]]:
    if task.purpose == "check" and action.probe is not None:
        return action.probe, _told
    if task.purpose == "dry_run" and action.trial is not None:
        return action.trial, lambda _, __: Succeeded()
    return action.function, _concluded


def _concluded(returned: Any, masker: Masker) -> Outcome:
    if returned is None:
        return Succeeded()
    return outputs_of(returned if isinstance(returned, Mapping) else {"result": returned}, masker)


def _told(there: bool | None, _: Masker) -> Outcome:
    if there is None:
        return Failed("it cannot be told whether it was done", 2)
    return Succeeded() if there else Failed("it is not done", 1)


def _knows(function: Callable[..., Any], params: Mapping[str, JsonValue]) -> bool:
    """Whether all that the function takes is known: no template is left in it."""
    return not any(
        any(templates(params[argument.name]))
        for argument in arguments(function)
        if argument.name in params
    )


def _named(
    action: SkillAction,
    function: Callable[..., Any],
    params: Mapping[str, JsonValue],
    context: Context,
) -> dict[str, Any]:
    """The arguments that the function takes, as its annotations ask. Raises `ValueError` for a wrong one."""
    for name, value in params.items():
        parameter = action.spec.parameter(name)
        fault = "is no parameter" if parameter is None else value_fault(parameter, value)
        if fault:
            raise ValueError(f"`{name}` {fault}")
    return {
        argument.own: context
        if argument.takes_context
        else converted(argument.annotation, params[argument.name])
        for argument in arguments(function)
        if argument.takes_context or argument.name in params
    }
