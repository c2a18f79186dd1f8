"""Actions of a Python skill that run in a process of their own: it can be ended, and outlives its runner."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsm.actions.output.masking import MASK
from fsm.actions.output.text import one_line
from fsm.actions.python.action import PythonAction, wrong
from fsm.actions.python.signature import arguments
from fsm.actions.python.skill import ActionFailed, Context, Skill, SkillAction
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Failed, Outcome, Succeeded, Task
from fsm.plan.template import printable
from fsm.run.events import MASKED

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["CALL", "RETURNED", "ApartAction", "code_named"]

CALL = "FSM_CALL"
"""The environment variable that tells the process what to call, as JSON."""

RETURNED = "returned"
"""The output of the process that holds all outputs of the action, as JSON."""

_ROOT = str(Path(__file__).parents[3])
_BEGIN = (
    "import sys; sys.path.append(sys.argv.pop()); "
    "from fsm.actions.python.child import main; sys.exit(main())"
)

_MOST_SHOWN = 500


class ApartAction(PythonAction):
    """The actions of the skill at `reference` (`module:object`), run and undone by `shell` in a child.

    One with a parameter `child` that is false is called here all the same; so are probes and trials. Code
    that a call names must be as `approved`, if that is given (`SkillSpec.calls`).
    """

    def __init__(
        self,
        skill: Skill,
        folder: Path,
        reference: str,
        shell: ShellAction,
        approved: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(skill, folder)
        self._actions = skill.actions
        self._approved = approved
        self._root = folder
        self._reference = reference
        self._shell = shell

    async def perform(self, task: Task) -> Outcome:
        """Call it in a process of its own, or here. See `Action`."""
        if changed := self._changed(task):
            return Failed(changed)
        if not _is_apart(task):
            return await super().perform(task)
        outcome = await self._shell.perform(self._as_command(task))
        return _concluded(outcome)

    def recollect(self, task: Task) -> Outcome | None:
        """How the process ended whose runner died. See `Action`."""
        outcome = self._shell.recollect(task) if _is_apart(task) else None
        return None if outcome is None else _concluded(outcome)

    def recorded(self) -> None:
        """Every outcome that `perform` gave is durably recorded. See `Action`."""
        self._shell.recorded()

    def close(self) -> None:
        """Let go what starts the processes. See `Action`."""
        self._shell.close()

    def _changed(self, task: Task) -> str:
        action = self._actions.get(task.action)
        if self._approved is None or action is None or action.code is None:
            return ""
        for problem in wrong(action.spec, task.params):
            return _brief(problem.message)
        try:
            name, digest = code_named(action, task.params, self._root)
        except ActionFailed as error:
            return _brief(str(error))
        if self._approved.get(name) == digest:
            return ""
        return f"{_brief(name)} is not as it was approved; approve the plan as it is now, and run it anew"

    def _code(self, task: Task) -> str:
        action = self._actions.get(task.action)
        if self._approved is None or action is None or action.code is None:
            return ""
        return self._approved.get(_name(_naming(action, task.params)), "")

    def _as_command(self, task: Task) -> Task:
        call = {
            "reference": self._reference,
            "action": task.action,
            "params": task.params,
            "cwd": task.cwd,
            "folder": str(self._root),
            "run_id": task.run_id,
            "step_id": task.step_id,
            "attempt": task.attempt,
            "code": self._code(task),
            "kept": str(Path(task.log).parent / f"{task.step_id}@kept"),
        }
        # -P: nothing is imported from the folder that happens to be the current one (F78).
        command: list[JsonValue] = [sys.executable, "-P", "-c", _BEGIN, _ROOT]
        env = {**task.env, CALL: json.dumps(call)}
        return replace(task, action="run", params={"command": command}, env=env)


def code_named(
    action: SkillAction, params: Mapping[str, JsonValue], folder: Path
) -> tuple[str, str]:
    """What names the code that the call runs, and its SHA-256; "" for code that is not Python's.

    Nothing of it is run. Raises `ActionFailed` if it is not there.
    """
    assert action.code is not None
    naming = _naming(action, params)
    for name, value in naming.items():
        if not isinstance(value, str):
            raise ActionFailed(f"`{name}` must be plain text, so that the code can be approved")
    code = action.code(context=Context(cwd=folder, folder=folder, env={}), **naming)
    return _name(naming), "" if code is None else sha256(code).hexdigest()


def _naming(action: SkillAction, params: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """The parameters that name the code of the call."""
    assert action.code is not None
    own = [each for each in arguments(action.code) if not each.takes_context]
    given = {each.name: params.get(each.name, "") for each in own}
    return {each.name: given[each.name] for each in own if given[each.name] or each.is_required}


def _name(naming: Mapping[str, JsonValue]) -> str:
    return ", ".join(map(str, naming.values()))


def _is_apart(task: Task) -> bool:
    return task.purpose in ("run", "rollback") and task.params.get("child", True) is True


def _concluded(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Failed) and outcome.exit_code == 1 and outcome.tail:
        said = [line for line in outcome.tail.splitlines() if not line.startswith("[fsm]")]
        return replace(outcome, error=one_line(said[-1].encode())) if said else outcome
    return _with_returned(outcome)


def _with_returned(outcome: Outcome) -> Outcome:
    """The outcome with what the action returned as its outputs, each of the type that it has."""
    if not isinstance(outcome, Succeeded) or RETURNED not in outcome.outputs:
        return outcome
    outputs: dict[str, Any] = dict(outcome.outputs)
    told = outputs.pop(RETURNED)
    text = told[MASKED] if isinstance(told, Mapping) else told
    try:
        returned = json.loads(text)
    except ValueError:
        return Failed("its outputs cannot be read once secrets are masked in them")
    for name, value in returned.items() if text is not told else ():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if MASK.decode() in shown:
            returned[name] = {MASKED: shown}
    return replace(outcome, outputs=outputs | returned)


def _brief(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
