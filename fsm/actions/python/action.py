"""The actions of a skill written in Python, as the engine asks for them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsm.actions.inspecting import masked
from fsm.actions.needs import Surroundings
from fsm.actions.output.log import Log
from fsm.actions.output.masking import Masker
from fsm.actions.output.printing import printed_to
from fsm.actions.python.calling import called, called_here, failed, outputs_of
from fsm.actions.python.signature import arguments
from fsm.actions.python.skill import ActionFailed, Context, Lack, Skill, SkillAction
from fsm.engine.ports import Action, Aspect, Failed, Inspection, Outcome, Succeeded, Task
from fsm.errors import Problem
from fsm.plan.skill import ActionSpec, converted, value_fault
from fsm.plan.template import templates

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["PythonAction", "named", "wrong"]


class PythonAction(Action):
    """The actions of one `Skill`. `folder` is the folder that file actions do not leave."""

    def __init__(self, skill: Skill, folder: Path) -> None:
        self._skill = skill
        self._folder = folder
        self._around = Surroundings()

    async def inspect(
        self,
        action: str,
        params: Mapping[str, JsonValue],
        cwd: Path,
        env: Mapping[str, str],
        secrets: Sequence[bytes],
    ) -> Inspection:
        """What it needs and does not find, and what its own inspection misses."""
        found = self._skill.actions.get(action)
        if found is None:
            problem = Problem(f"skill `{self._skill.name}` has no action `{action}`")
            return {"inputs": [problem]}
        spec = found.spec
        seen: dict[Aspect, list[Problem]] = {"inputs": list(wrong(spec, params))}
        for aspect, problems in (await self._around.missing(spec.needs, cwd, env)).items():
            seen[aspect] = list(problems)
        own = found.inspection
        if own is not None and not seen["inputs"] and _knows(own, params):
            seen.setdefault("targets", [])
            if spec.needs.permissions:
                seen.setdefault("permissions", [])
            context = Context(cwd=cwd, folder=self._folder, env=env)
            try:
                with printed_to(lambda _: None):
                    lacks = await _lacks(own, named(found, own, params, context))
                for lack in lacks:
                    problem = Problem(str(lack.message), str(lack.hint))
                    seen.setdefault(lack.aspect, []).append(problem)
            except ActionFailed as error:
                seen["targets"].append(Problem(str(error)))
            except Exception as error:
                told = f"cannot be inspected: {type(error).__name__}: {error}"
                seen.setdefault("targets", []).append(Problem(told))
        return masked(seen, Masker(secrets)) if any(seen.values()) else seen

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
            kept=Path(f"{os.path.dirname(task.log)}/{task.step_id}@kept"),  # noqa: PTH120
            is_first=task.is_first,
            code=self._code(task),
            note=log.note,
        )
        function, concludes = _function(action, task)
        try:
            call = called_here if task.purpose == "dry_run" else called
            with printed_to(log.write):
                returned = await call(function, named(action, function, task.params, context))
            return concludes(returned, task)
        except Exception as error:
            return failed(error, masker, log)
        finally:
            log.close()

    def _code(self, task: Task) -> str:  # noqa: ARG002 - only some calls name code
        """The SHA-256 of the code that the call names, as it was approved; "" if it names none."""
        return ""

    def recorded(self) -> None:
        """Nothing is shared between calls, and so nothing is to be recollected. See `Action`."""

    def close(self) -> None:
        """Nothing is to be freed. See `Action`."""


async def _lacks(inspection: Callable[..., Any], named: Mapping[str, Any]) -> Sequence[Lack]:
    """What the inspection yields or returns, however it is written."""
    if inspect.isasyncgenfunction(inspection):
        return [lack async for lack in inspection(**named)]
    return tuple(await called_here(inspection, named) or ())


def _function(
    action: SkillAction, task: Task
) -> tuple[Callable[..., Any], Callable[[Any, Task], Outcome]]:
    if task.purpose == "check" and action.probe is not None:
        return action.probe, _told
    if task.purpose == "dry_run" and action.trial is not None:
        return action.trial, lambda _, __: Succeeded()
    return action.function, _concluded


def _concluded(returned: Any, task: Task) -> Outcome:
    if returned is None:
        return Succeeded()
    return outputs_of(returned if isinstance(returned, Mapping) else {"result": returned}, task)


def _told(there: bool | Mapping[str, Any] | None, task: Task) -> Outcome:
    if there is None:
        return Failed("it cannot be told whether it was done", 2)
    if isinstance(there, Mapping):
        return outputs_of(there, task)
    return Succeeded() if there else Failed("it is not done", 1)


def wrong(spec: ActionSpec, params: Mapping[str, JsonValue]) -> Iterator[Problem]:
    """What is wrong with the parameters that are known."""
    for parameter in spec.params:
        if parameter.required and parameter.name not in params:
            yield Problem(f"`{parameter.name}` is not given")
    for name, value in params.items():
        known = spec.parameter(name)
        if known is None:
            yield Problem(f"`{name}` is no parameter")
        elif not any(templates(value)) and (fault := value_fault(known, value)):
            yield Problem(f"`{name}` {fault}")


def _knows(function: Callable[..., Any], params: Mapping[str, JsonValue]) -> bool:
    """Whether all that the function takes is known: no template is left in it."""
    return not any(
        any(templates(params[argument.name]))
        for argument in arguments(function)
        if argument.name in params
    )


def named(
    action: SkillAction,
    function: Callable[..., Any],
    params: Mapping[str, JsonValue],
    context: Context,
) -> dict[str, Any]:
    """What the function takes, as its annotations ask. Raises `ActionFailed` for a wrong value."""
    for problem in wrong(action.spec, params):
        raise ActionFailed(problem.message)
    return {
        argument.own: context
        if argument.takes_context
        else converted(argument.annotation, params[argument.name])
        for argument in arguments(function)
        if argument.takes_context or argument.name in params
    }
