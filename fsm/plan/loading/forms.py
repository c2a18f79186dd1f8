"""Which keys go together: a step is a command or an action, and so are its check, dry run and rollback.

Looks at keys only, as they were typed, so it has its say about a step whose values are wrong, too.
"""

from __future__ import annotations

from typing import get_type_hints

from pydantic.alias_generators import to_camel

from fsm.document import Data, Path
from fsm.plan.loading import authored
from fsm.plan.loading.findings import Findings

__all__ = ["check_forms"]

_SNAKE = get_type_hints(authored.Step).keys() | get_type_hints(authored.Rollback).keys()
_KNOWN = _SNAKE | set(map(to_camel, _SNAKE))
_INNER = ("check", "dry_run", "dryRun", "rollback")


def check_forms(step: dict[str, Data], path: Path, findings: Findings) -> None:
    """Add to `findings` what is missing or too much in the step at `path`, and in its inner calls."""
    _check(step, path, findings, inner=False, inherits=False)
    if "rollback" in step and True in (step.get("read_only"), step.get("readOnly")):
        findings.add(
            (*path, "rollback"),
            f"{findings.words(path)} is `read_only`, and has a `rollback`",
            "what changes nothing has nothing to undo: keep one of the two",
        )
    for key in _INNER:
        if key in step and isinstance(inner := step[key], dict):
            _check(inner, (*path, key), findings, inner=True, inherits="skill" in step)


def _check(
    call: dict[str, Data], path: Path, findings: Findings, *, inner: bool, inherits: bool
) -> None:
    if "run" in call:
        extra = next((key for key in ("skill", "action", "params") if key in call), None)
        if extra is not None:
            findings.add(
                (*path, extra),
                f"{findings.words(path)} has both `run` and `{extra}`",
                "an action has `skill`, `action` and `params`; a command has `run` alone",
            )
    elif "action" not in call:
        if "skill" in call:
            findings.add((*path, "skill"), f"{findings.words(path)} has no `action`", "name one")
        elif call.keys() <= _KNOWN:  # else it may be an unknown key that says what to do
            findings.add(
                path,
                f"{findings.words(path)} does nothing",
                "give it `run`, or an `action`"
                if inner
                else "give it `run`, or `skill` and `action`",
            )
    elif "skill" not in call and not inherits:
        hint = "name the skill that the action belongs to"
        findings.add((*path, "action"), f"{findings.words(path)} has no `skill`", hint)
