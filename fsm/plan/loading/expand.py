"""From what an author typed to what a plan is: short forms spelled out, templates resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fsm.document import Path
from fsm.plan.loading.commands import Commands
from fsm.plan.loading.findings import STEPS, Findings
from fsm.plan.loading.skilled import Skilled
from fsm.plan.loading.texts import May, Texts, Use
from fsm.plan.model import ONCE, Call, ErrorHandling, Retry, Rollback, Step
from fsm.plan.template import references, templates

__all__ = ["Expander", "expand_error_handling"]

Typed = Mapping[str, Any]
"""A mapping that `fsm.plan.loading.authored` has checked: keys in snake_case, durations in seconds."""

_TYPED = {"timeout_seconds": "timeout"}
_CONTRARY = {"rollback": "read_only", "read_only": "rollback"}
_RETRY_FIELDS = {"delay": "delay_seconds", "max_delay": "max_delay_seconds"}


class Expander:
    """Makes steps. What is wrong goes to `findings`; a call that is not whole becomes None."""

    def __init__(
        self, texts: Texts, commands: Commands, skilled: Skilled, findings: Findings
    ) -> None:
        self._texts = texts
        self._commands = commands
        self._skilled = skilled
        self._findings = findings
        self._retries: dict[Retry, Retry] = {}  # steps that retry alike share one value

    def step(
        self, typed: Typed, index: int, step_id: str, depends_on: tuple[str, ...]
    ) -> Step | None:
        """The step declared at `index`. `step_id` is "" if it has no id of its own."""
        use = Use((*STEPS, index), step_id, May.STEP)
        call = self._call(typed, use, None)
        if call is None:
            return None
        own = None if "run" in typed else call
        fields: dict[str, Any] = {"id": typed["id"], "name": typed["id"], "call": call}
        for key in ("name", "description", "cwd"):
            if key in typed:
                fields[key] = self._texts.now(typed[key], use.at(key).path, step_id)
        if "makes" in typed:
            fields["makes"] = self._paths(typed["makes"], use.at("makes").path, step_id)
        if depends_on:
            fields["depends_on"] = depends_on
        if "if" in typed:
            fields["condition"] = self._texts.condition(typed["if"], use.at("if"))
        if "env" in typed:
            fields["env"], fields["required_env"] = self._commands.env(typed["env"], use.at("env"))
        if "check" in typed:
            fields["check"] = self._form(typed["check"], use.at("check"), own)
        if "dry_run" in typed:
            fields["dry_run"] = self._dry_run(typed["dry_run"], use, own)
        if "rollback" in typed:
            fields["rollback"] = self._rollback(typed["rollback"], use, own)
        fields["idempotent"] = fields["read_only"] = typed.get("read_only", False)
        if own is not None:
            self._derive(fields, own, typed, use)
        for key in ("idempotent", "on_failure", "checkpoint"):
            if key in typed:
                fields[key] = typed[key]
        return Step(**fields, **self._limits(typed, use))

    def _paths(self, typed: str | list[str], path: Path, step_id: str) -> tuple[str, ...]:
        if isinstance(typed, str):
            return (self._texts.now(typed, path, step_id),)
        return tuple(
            self._texts.now(each, (*path, place), step_id) for place, each in enumerate(typed)
        )

    def _derive(self, fields: dict[str, Any], own: Call, typed: Typed, use: Use) -> None:
        """Add what the step's skill says, wherever the plan says nothing."""
        said = {**fields.get("env", {}), **dict.fromkeys(fields.get("required_env", ()))}
        for key, value in self._skilled.derived(own, typed["id"], use.path).items():
            if key == "required_env":
                needed = tuple(name for name in value if name not in said)
                fields[key] = (*fields.get(key, ()), *needed)
            elif _TYPED.get(key, key) not in typed and _CONTRARY.get(key, "") not in typed:
                fields[key] = value

    def _rollback(self, typed: Any, use: Use, step_call: Call | None) -> Rollback | None:
        there = Use((*use.path, "rollback"), use.step, May.UNDO)
        call = self._form(typed, there, step_call)
        if call is None:
            return None
        if not isinstance(typed, dict):
            return Rollback(call=call)
        return Rollback(call=call, on=typed.get("on", "completed"), **self._limits(typed, there))

    def _dry_run(self, typed: Any, use: Use, step_call: Call | None) -> Call | None:
        path = self._findings.real((*use.path, "dry_run", "dryRun"))
        call = self._form(typed, Use(path, use.step, May.NOW), step_call)
        if call is not None and any(
            references(text).roots - {"secrets"} for text in templates(call.params)
        ):
            # Its own would have been rendered or refused: these are the step's.
            words = self._findings.words(path)
            self._findings.add(
                path,
                f"{words} would be given the step's `params`, which are not known before the plan runs",
                "give it `params` of its own",
            )
        return call

    def _form(self, typed: Any, use: Use, step_call: Call | None) -> Call | None:
        """A call in any of its forms: text, a list, or a mapping that may lean on the step's own call."""
        if isinstance(typed, dict):
            return self._call(typed, use, step_call)
        return self._command(typed, use)

    def _command(self, typed: Any, use: Use) -> Call:
        command = self._commands.command(typed, use)
        call = Call(skill="shell", action="run", params={"command": command})
        return self._skilled.completed(call, use)

    def _call(self, typed: Typed, use: Use, step_call: Call | None) -> Call | None:
        if "run" in typed:
            return self._command(typed["run"], use.at("run"))
        if "action" not in typed:
            return None
        skill, params = typed.get("skill"), typed.get("params")
        if step_call is not None and skill in (None, step_call.skill):
            skill = step_call.skill
            if params is None:
                lent = self._skilled.lent(typed["action"], step_call, use.step, use.path)
                call = Call(skill=skill, action=typed["action"], params=lent)
                return self._skilled.completed(call, use)
        if skill is None:
            return None
        resolved = self._params(skill, params or {}, use.at("params"))
        call = Call(skill=skill, action=typed["action"], params=resolved)
        return self._skilled.completed(call, use)

    def _params(self, skill: str, typed: Mapping[str, Any], use: Use) -> dict[str, Any]:
        rest = dict(typed)
        resolved = {}
        if skill == "shell" and isinstance(command := rest.get("command"), str | list):
            # The long form of `run` is held to the same rules.
            scalars = isinstance(command, str) or all(
                isinstance(a, str | int | float) for a in command
            )
            if scalars:
                resolved["command"] = self._commands.command(rest.pop("command"), use.at("command"))
        value = self._texts.value(rest, replace(use, secrets=skill != "shell"))
        assert isinstance(value, dict)
        return resolved | value

    def _limits(self, typed: Typed, use: Use) -> dict[str, Any]:
        """`retry` and `timeout`, as the fields that hold them; none for what was not typed."""
        fields: dict[str, Any] = {}
        if "timeout" in typed:
            fields["timeout_seconds"] = typed["timeout"]
        if "retry" in typed:
            retry = typed["retry"]
            fields["retry"] = self._retry(
                {"attempts": retry} if isinstance(retry, int) else retry, use
            )
        return fields

    def _retry(self, typed: Typed, use: Use) -> Retry:
        fields = {_RETRY_FIELDS.get(key, key): value for key, value in typed.items()}
        delay = fields.get("delay_seconds", ONCE.delay_seconds)
        if fields.setdefault("max_delay_seconds", max(delay, ONCE.max_delay_seconds)) < delay:
            path = self._findings.real((*use.path, "retry", "max_delay", "maxDelay"))
            words = self._findings.words(path)
            self._findings.add(path, f"{words} is shorter than `delay`", "make it longer")
        retry = Retry(**fields)
        return self._retries.setdefault(retry, retry)


def expand_error_handling(typed: Typed) -> ErrorHandling:
    """The plan's answers, with their defaults."""
    fields = dict(typed)
    match fields.pop("multiple_failures", None):
        case str() as answer:
            fields["multiple_failures"] = answer
        case dict() as mapping:
            if "after" in mapping:
                fields["several"] = mapping["after"]
            if "then" in mapping:
                fields["multiple_failures"] = mapping["then"]
    return ErrorHandling(**fields)
