"""Reading a stored plan back: its document as JSON, every value checked, nothing assumed.

A document is written by `Plan.document` alone and its hash is verified before it comes here, so what is
wrong was written by a newer version, or is a defect: it is refused with its place and never guessed around.
No pydantic: reading 1,000 steps takes a few milliseconds, and to build its validators alone takes more than
all the rest of starting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import partial
from math import inf
from sys import float_info
from typing import Any, NoReturn

from fsm.errors import Damaged
from fsm.plan.model import Call, ErrorHandling, Outline, Plan, Retry, Rollback, Step

__all__ = ["READERS", "find_steps", "read_plan", "sketch"]

Read = Callable[[Any], Any]
"""From what JSON says to what the model holds. Raises `ValueError` for everything else."""


def read_plan(document: bytes) -> Plan:
    """The plan of which this is the `document`. Raises `ValueError`: at which key, and what it must be."""
    try:
        data = json.loads(document.decode(), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    plan: Plan = _reads(Plan)(data)
    return plan


def sketch(document: bytes, outline: Outline) -> Plan:
    """The same, but its steps are read one by one, when they are first asked for more than the outline tells.

    Raises `ValueError` as `read_plan` does, for all but the steps; these raise `Damaged`.
    """
    ids, after, starts = outline
    if not starts[0] < starts[-1] <= len(document) or not len(ids) == len(after) == len(starts) - 1:
        raise ValueError("does not fit its outline")
    head = json.loads(document[: starts[0]] + document[starts[-1] - 1 :])
    if head.pop("steps", None) != []:
        raise ValueError("does not fit its outline")
    steps = []
    for name, before, start, end in zip(ids, after, starts, starts[1:], strict=False):
        step = _new(Step)
        _set(step, "id", name)
        _set(step, "depends_on", tuple([ids[place] for place in before]) if before else ())
        _set(step, "_read", partial(_read_step, document, start, end - 1, name))
        steps.append(step)
    try:
        return Plan(**_fields(Plan, head), steps=tuple(steps))
    except (KeyError, TypeError, ValueError):
        raise ValueError(_first_fault(Plan, head)) from None


_new, _set = object.__new__, object.__setattr__


def _read_step(document: bytes, start: int, end: int, name: str) -> Step:
    try:
        step: Step = _reads(Step)(json.loads(document[start:end]))
        if step.id != name:
            raise ValueError(f"it is named `{step.id}`")
    except ValueError as error:
        raise Damaged(
            f"step `{name}` of the stored plan cannot be read by this version: {error}",
            "go on with the version of fsm that wrote it",
        ) from None
    return step


def find_steps(document: bytes) -> list[int]:
    """Where in the `document` of a plan its steps begin, in bytes, and where another would.

    Empty if its JSON is spaced, as `Plan.document` never is.
    """
    text = document.decode()
    scan = json.JSONDecoder().raw_decode
    try:
        key, at = scan(text, 1)
        while key != "steps":
            _, at = scan(text, at + 1)
            key, at = scan(text, at + 1)
        at += 1
        starts = [len(text[: at + 1].encode())]
        while text[at] != "]":
            begin = at + 1
            _, at = scan(text, begin)
            starts.append(starts[-1] + len(text[begin:at].encode()) + 1)
    except ValueError:
        return []
    return starts


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _reads(part: type) -> Read:
    def read(value: object) -> object:
        data = _mapping(value)
        try:
            return part(**_fields(part, data))
        except (KeyError, TypeError, ValueError):
            raise ValueError(_first_fault(part, data)) from None

    return read


def _fields(part: type, data: Mapping[str, Any]) -> dict[str, Any]:
    readers = READERS[part]
    return {key: readers[key](item) for key, item in data.items()}


def _first_fault(part: Any, data: Mapping[str, Any]) -> str:
    for key, item in data.items():
        if key not in READERS[part]:
            return f"`{key}` is no key of this version"
        try:
            READERS[part][key](item)
        except ValueError as error:
            return f"`{key}`: {error}"
    required = [f.name for f in fields(part) if f.default is f.default_factory is MISSING]
    missing = ", ".join(f"`{name}`" for name in required if name not in data)
    return f"{missing} is missing"


def _mapping(value: Any) -> Mapping[str, Any]:
    if type(value) is not dict:
        raise ValueError("must be a mapping")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("must be text")
    return value


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _integer(least: int, most: float = inf) -> Read:
    def read(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return read


def _number(least: float, most: float = float_info.max) -> Read:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("must be a number")
        if not least <= value <= most:
            raise ValueError(f"must be a number from {least:g} to {most:g}")
        return float(value)

    return read


def _one_of(*words: object) -> Read:
    def read(value: object) -> object:
        if value not in words or isinstance(value, bool | float):
            raise ValueError(f"must be one of {', '.join(map(str, words))}")
        return value

    return read


def _optional(reader: Read) -> Read:
    return lambda value: None if value is None else reader(value)


def _many(reader: Read, least: int = 0) -> Read:
    def read(value: object) -> tuple[Any, ...]:
        if type(value) is not list or len(value) < least:
            raise ValueError("must be a list" + " that is not empty" * bool(least))
        items = []
        for item in value:
            try:
                items.append(reader(item))
            except ValueError as error:
                raise ValueError(f"item {len(items) + 1}: {error}") from None
        return tuple(items)

    return read


def _env(value: object) -> Mapping[str, Any]:
    env = _mapping(value)
    for name, item in env.items():
        is_template = type(item) is dict and item.keys() == {"$template"}
        if type(item["$template"] if is_template else item) is not str:
            raise ValueError(f"`{name}`: must be text or a template")
    return env


def _skills(value: object) -> Mapping[str, Any]:
    skills = _mapping(value)
    for name, kept in skills.items():
        from fsm.plan.skill import restored

        try:
            restored(name, _mapping(kept))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"`{name}`: is no skill of this version ({error})") from None
    return skills


_texts = _many(_text)
_seconds = _number(0)
_answer = _one_of("pause", "rollback", "abort", "continue")

READERS: Mapping[type, Mapping[str, Read]] = {
    Retry: {
        "attempts": _integer(1, 1000),
        "delay_seconds": _seconds,
        "factor": _number(1),
        "max_delay_seconds": _seconds,
        "jitter": _number(0, 1),
    },
    Call: {"skill": _text, "action": _text, "params": _mapping},
    Rollback: {
        "call": _reads(Call),
        "retry": _reads(Retry),
        "timeout_seconds": _optional(_seconds),
        "on": _one_of("completed", "started"),
    },
    Step: {
        "id": _text,
        "name": _text,
        "description": _text,
        "call": _reads(Call),
        "depends_on": _texts,
        "condition": _optional(_text),
        "env": _env,
        "required_env": _texts,
        "cwd": _optional(_text),
        "makes": _texts,
        "timeout_seconds": _optional(_seconds),
        "retry": _reads(Retry),
        "idempotent": _flag,
        "read_only": _flag,
        "check": _optional(_reads(Call)),
        "dry_run": _optional(_reads(Call)),
        "rollback": _optional(_reads(Rollback)),
        "on_failure": _one_of("stop", "continue", "skip_dependents"),
        "checkpoint": _flag,
    },
    ErrorHandling: {
        "single_failure": _answer,
        "several": _integer(2),
        "multiple_failures": _answer,
        "rollback_failure": _one_of("alert"),
    },
    Plan: {
        "format": _one_of(1),
        "id": _text,
        "name": _text,
        "description": _text,
        "params": _mapping,
        "secrets": _texts,
        "env": _env,
        "required_env": _texts,
        "parallel": _integer(1, 1000),
        "checkpoint_interval": _optional(_integer(1)),
        "error_handling": _reads(ErrorHandling),
        "skills": _skills,
        "steps": _many(_reads(Step), least=1),
    },
}
"""How each key of each part is read. `tests/plan/test_stored.py` holds it to the fields' own annotations."""
