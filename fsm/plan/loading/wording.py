"""pydantic's findings in words for people: which key, of which step, must be what, and is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from fsm.document import Path, suggest
from fsm.plan.loading import authored, authored_skill, phases, values
from fsm.plan.loading.findings import PHASES, SKILL, Findings, quoted

__all__ = ["explain"]

_PATTERNS = {
    values.ID: "must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit",
    values.ENV_NAME: "must be the name of an environment variable: letters, digits and `_`",
    values.PARAM_NAME: "must be letters, digits, `_`, `.` or `-`, and begin with a letter or `_`",
    values.NOT_BLANK: "must not be empty",
}
_TYPES = {
    "bool_type": "must be `true` or `false`",
    "dict_type": "must be a mapping",
    "finite_number": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "string_type": "must be text",
    "too_short": "must not be empty",
}
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than_equal": ("le", "must be at most {}"),
}
_HINTS = {"parallel": "say how many steps may run at once, such as `parallel: 4`"}

_NEEDED = ("id", "attempts", "workflow_id", "phases", "name", "command")
_NEEDED_OF_SKILLS = ("name", "actions", "run", "action")
_NUMBER = re.compile(r"[-+]?[0-9.]{1,20}")

_CALL = get_type_hints(authored.Call).keys()
_KEYS: Mapping[str, Iterable[str]] = {
    "": get_type_hints(authored.Step).keys(),
    "plan": get_type_hints(authored.PlanKeys).keys(),
    "retry": get_type_hints(authored.Retry).keys(),
    "check": _CALL,
    "dry_run": _CALL,
    "rollback": get_type_hints(authored.Rollback).keys(),
    "error_handling": get_type_hints(authored.ErrorHandling).keys(),
    "multiple_failures": get_type_hints(authored.MultipleFailures).keys(),
    "specification": get_type_hints(phases.Shape).keys(),
    "phases": get_type_hints(phases.Phase).keys(),
}
_KEYS_OF_SKILLS: Mapping[str, Iterable[str]] = {
    "": get_type_hints(authored_skill.Action).keys(),
    "skill": get_type_hints(authored_skill.SkillKeys).keys(),
    "params": get_type_hints(authored_skill.ParameterKeys).keys(),
    "needs": get_type_hints(authored_skill.Needs).keys(),
    "undo": get_type_hints(authored_skill.Undo).keys(),
    "call": get_type_hints(authored_skill.SkillCall).keys(),
}

_FOREIGN = {
    "after": "depends_on",
    "args": "params",
    "cmd": "run",
    "command": "run",
    "compensate": "rollback",
    "condition": "if",
    "deps": "depends_on",
    "dir": "cwd",
    "directory": "cwd",
    "environment": "env",
    "exec": "run",
    "inputs": "params",
    "max_parallel": "parallel",
    "need": "depends_on",
    "needs": "depends_on",
    "on_error": "on_failure",
    "parameters": "params",
    "requires": "depends_on",
    "retries": "retry",
    "script": "run",
    "shell": "run",
    "tasks": "steps",
    "title": "name",
    "undo": "rollback",
    "uses": "skill",
    "vars": "params",
    "variables": "params",
    "when": "if",
    "with": "params",
    "workdir": "cwd",
    "working_directory": "cwd",
}
"""What other tools call it: near in meaning, not in letters."""

_FOREIGN_TO_PHASES = {
    "cmd": "command",
    "id": "name",
    "max_attempts": "retry_count",
    "plan": "workflow_id",
    "retries": "retry_count",
    "retry": "retry_count",
    "run": "command",
    "script": "command",
    "state": "state_backend",
    "steps": "phases",
    "workflow": "workflow_id",
}


_FOREIGN_TO_SKILLS = {
    "args": "params",
    "arguments": "params",
    "cmd": "run",
    "command": "run",
    "compensate": "undo",
    "enum": "choices",
    "environment": "env",
    "exec": "run",
    "inputs": "params",
    "kind": "type",
    "parameters": "params",
    "probe": "check",
    "requires": "needs",
    "rollback": "undo",
    "script": "run",
    "tasks": "actions",
    "values": "choices",
    "variables": "env",
    "workdir": "cwd",
}

_FOREIGN_TYPES = {
    "array": "list",
    "bool": "boolean",
    "dict": "mapping",
    "float": "number",
    "int": "integer",
    "map": "mapping",
    "object": "mapping",
    "str": "text",
    "string": "text",
}


def explain(error: ValidationError, at: Path, findings: Findings) -> None:
    """Add every finding of `error`, which is about what stands at `at`, to `findings`."""
    for details in error.errors(include_url=False):
        path = findings.real((*at, *details["loc"]))
        match details["type"]:
            case "extra_forbidden":
                _unknown_key(path, findings)
            case "missing":
                key = _snake(str(details["loc"][-1]))
                findings.add(path, f"{findings.words(path)} has no `{key}`", "it needs one")
            case _ if details["input"] is None:
                needed = _NEEDED_OF_SKILLS if findings.form is SKILL else _NEEDED
                hint = "it needs a value" if path[-1] in needed else "fill it or leave it out"
                findings.add(path, f"{findings.words(path)} is empty", hint)
            case _:
                message, hint = _wrong(details, path)
                findings.add(path, f"{findings.words(path)} {message}", hint)


def _unknown_key(path: Path, findings: Findings) -> None:
    *above, key = path
    owner = tuple(above)
    assert isinstance(key, str)
    known = sorted(_known(owner, findings))
    twin = _snake(key)
    if twin in known and key in (twin, to_camel(twin)):
        message = f"{findings.words(owner)} has both `{twin}` and `{to_camel(twin)}`"
        findings.add(path, message, "keep one of the two")
        return
    of_phases = findings.form is PHASES
    meant = _meant(twin, findings)
    if meant is not None and meant in known:
        hint = f"did you mean `{meant}`?"
    else:
        hint = suggest(key, known)
        if not hint and of_phases and twin in {*_KEYS[""], *_KEYS["plan"]}:
            hint = "a plan has it: a file that begins with `plan:`"
        hint = hint or "it may have: " + ", ".join(f"`{name}`" for name in known)
    findings.add(path, f"{findings.words(owner)} has no key `{quoted(key)}`", hint)


def _known(owner: Path, findings: Findings) -> Iterable[str]:
    """The keys that there are where `owner` leads to."""
    if findings.form is SKILL:
        inner = owner[len(SKILL.steps) + 1 :]
        return _KEYS_OF_SKILLS[str(inner[0]) if inner else "" if owner[1:] else "skill"]
    kind = next(
        (_snake(name) for name in reversed(owner) if isinstance(name, str)), findings.form.whole
    )
    return _KEYS["" if kind == "steps" else kind]


def _meant(key: str, findings: Findings) -> str | None:
    if findings.form is SKILL:
        return _FOREIGN_TO_SKILLS.get(key)
    own = _FOREIGN_TO_PHASES if findings.form is PHASES else {}
    return own.get(key) or _FOREIGN.get(key)


def _wrong(details: ErrorDetails, path: Path) -> tuple[str, str]:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    key = path[-1] if path else ""
    hint = _HINTS.get(str(key), "")
    but = f", not {_described(value)}"
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return words.format(f"{context[name]:g}") + but, hint
    if kind == "string_pattern_mismatch":
        words = _PATTERNS[context["pattern"]]
        return words + (but if str(value).strip() else ""), hint
    if kind == "literal_error":
        allowed = context["expected"].replace("'", "`")
        meant = _FOREIGN_TYPES.get(str(value), "") if key == "type" or "params" in path[-2:] else ""
        hint = (
            f"did you mean `{meant}`?" if meant else suggest(str(value), allowed.split("`")[1::2])
        )
        return f"must be {allowed}{but}", hint
    if kind == "string_type" and isinstance(value, int | float):
        hint = "put it in quotes"
    words = _TYPES.get(kind, details["msg"])
    return (words, hint) if kind == "too_short" else (words + but, hint)


def _described(value: Any) -> str:
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            if not value:
                return "empty text"
            return f"the text `{value}`" if _NUMBER.fullmatch(value) else f"`{quoted(value)}`"
        case int() | float():
            return f"`{value}`"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return "an empty value"


def _snake(key: str) -> str:
    """`dependsOn` and `depends-on` as `depends_on`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key).replace(
        "-", "_"
    )
