"""What is wrong with a skill written in Python, told before any plan uses it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, get_args

from fsm.actions.python.signature import arguments, is_secret
from fsm.actions.python.skill import Skill, SkillAction
from fsm.errors import Problem
from fsm.plan.skill import Needs, Risk, Undo, annotation_fault

__all__ = ["faults"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NAMED = "give it a name of letters, digits, `_`, `.` and `-`, at most 64"
_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def faults(skill: Skill) -> Iterator[Problem]:
    """Each fault of its name and its actions, with the next move."""
    if not isinstance(skill.name, str) or not _NAME.fullmatch(skill.name):
        yield Problem(f"{skill.name!r} is no name of a skill", _NAMED)
    for name, action in skill.actions.items():
        for problem in _of_action(skill, action):
            yield Problem(f"action `{name}`: {problem.message}", problem.hint)


def _of_action(skill: Skill, action: SkillAction) -> Iterator[Problem]:
    if not isinstance(action.name, str) or not _NAME.fullmatch(action.name):
        yield Problem("that is no name of an action", _NAMED)
    yield from _of_options(skill, action)
    functions = [action.function, action.probe, action.trial, action.inspection]
    try:
        taken = [arguments(function) for function in functions if function is not None]
    except TypeError as error:
        yield Problem(str(error), "import or define it where the module can see it")
        return
    yield from _of_signature(action)
    for argument in taken[0]:
        if not argument.takes_context and (fault := annotation_fault(argument.annotation)):
            yield Problem(
                f"`{argument.own}` {fault}", "annotate it with a type that pydantic knows"
            )
        elif is_secret(argument.annotation) and argument.default not in (
            None,
            "",
            inspect.Parameter.empty,
        ):
            yield Problem(f"`{argument.own}` is secret, and has a default", "take it out")
    known = {argument.name for argument in taken[0]}
    for argument in (each for others in taken[1:] for each in others):
        if not argument.takes_context and argument.name not in known:
            message = (
                f"its check, trial or inspection takes `{argument.own}`, which it does not have"
            )
            yield Problem(message, "these take parameters of the action, and a `Context`")


def _of_signature(action: SkillAction) -> Iterator[Problem]:
    for parameter in inspect.signature(action.function).parameters.values():
        if parameter.kind not in _KINDS:
            yield Problem(f"`{parameter}` cannot be given by name", "name each parameter")
        elif parameter.default is not parameter.empty and not _is_json(parameter.default):
            yield Problem(
                f"the default of `{parameter.name}` is not JSON", "write text, a number …"
            )


def _of_options(skill: Skill, action: SkillAction) -> Iterator[Problem]:
    risk, undo, needs = (action.options[name] for name in ("risk", "undo", "needs"))
    if risk not in get_args(Risk):
        words = ", ".join(f"`{word}`" for word in get_args(Risk))
        yield Problem(f"{risk!r} is no risk", f"it is one of {words}")
    if not isinstance(needs, Needs):
        yield Problem(f"its `needs` are {type(needs).__name__}", "write `fsm.Needs(commands=(…,))`")
    if undo is not None and not isinstance(undo, Undo):
        yield Problem(f"its `undo` is {type(undo).__name__}", "name an action of the skill")
    elif undo is not None and undo.action not in skill.actions:
        names = ", ".join(f"`{name}`" for name in skill.actions)
        yield Problem(
            f"its `undo` is `{undo.action}`, which the skill does not have", f"it has {names}"
        )


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
