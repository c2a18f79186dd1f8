"""Where a run does its work: folder, logs, environment, secrets; and the tasks rendered for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.engine.ports import Task
from fsm.plan.template import MARK, is_template, references, render, render_env, render_text
from fsm.values import Value

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.engine.ports import Purpose
    from fsm.plan.model import Call, Plan, Step

__all__ = ["Site"]


class Site(Value):
    """`cwd` and `logs` are absolute folders; `logs` holds this run's files and may not exist yet.

    `environ` is the caller's environment, which steps inherit (F80). `hidden` is masked as secrets are, and
    empty if there is nothing: what opens the store must not show in what steps print.
    """

    run_id: str
    plan: Plan
    cwd: Path
    logs: Path
    environ: Mapping[str, str]
    step_grace_seconds: float = 5.0
    hidden: bytes = b""

    @cached_property
    def secrets(self) -> Sequence[bytes]:
        """The values to mask: of the plan's named secrets, those that are set; and what is hidden."""
        values = (self.environ.get(name, "") for name in self.plan.secrets)
        known = [value.encode(errors="surrogateescape") for value in values if value]
        return tuple([*known, self.hidden] if self.hidden else known)

    @cached_property
    def known_secrets(self) -> Mapping[str, str]:
        """The plan's secrets that are set, for the templates of the parameters that a task is given."""
        return {name: value for name in self.plan.secrets if (value := self.environ.get(name))}

    def with_secrets(self, params: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """The parameters with those templates rendered that name nothing but secrets which are set.

        Raises `TemplateError` if the value of one is no text.
        """
        return {name: self._with_secrets(value) for name, value in params.items()}

    def _with_secrets(self, value: JsonValue) -> JsonValue:
        if is_template(value):
            text = value[MARK]
            named = references(text)
            if named.roots == {"secrets"} and named.secrets <= self.known_secrets.keys():
                return render_text(text, {"secrets": self.known_secrets})
            return {MARK: text}
        if isinstance(value, dict):
            return {key: self._with_secrets(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._with_secrets(item) for item in value]
        return value

    @cached_property
    def _cwd(self) -> str:
        return str(self.cwd)

    @cached_property
    def _environ(self) -> dict[str, str]:
        """What every process of the run finds; with the plan's `env`, if it has no template."""
        plan_env = {} if self._env_is_open else render_env(self.plan.env, {})
        return {**self.environ, **plan_env}

    @cached_property
    def _env_is_open(self) -> bool:
        return any(is_template(value) for value in self.plan.env.values())

    def folder(self, step: Step) -> Path:
        """The folder the step works in, absolute."""
        return self.cwd / step.cwd if step.cwd else self.cwd

    def declared(self, step: Step) -> Mapping[str, str]:
        """The environment of the step as far as it is known before anything has run."""
        declared = {**self.plan.env, **step.env}
        known = {name: value for name, value in declared.items() if isinstance(value, str)}
        return {**self.environ, **known}

    def _rendered(
        self, params: Mapping[str, JsonValue], names: Mapping[str, object]
    ) -> Mapping[str, JsonValue]:
        known = {**names, "secrets": self.known_secrets}
        return {name: render(value, known) for name, value in params.items()}

    def task(
        self,
        step: Step,
        purpose: Purpose,
        call: Call,
        attempt: int,
        names: Mapping[str, object],
        on_process: Callable[[int, int, str], None] = lambda *_: None,
        *,
        is_first: bool = False,
    ) -> Task:
        """The task of one attempt. Raises `TemplateError` if a template cannot be rendered."""
        stem = f"{self.logs}/{_log_stem(step.id, purpose, attempt)}"
        log, outputs = f"{stem}.log", f"{stem}.outputs"
        env = self._environ.copy()
        if self._env_is_open:
            env |= render_env(self.plan.env, names)
        if step.env:
            env |= render_env(step.env, names)
        env["FSM_RUN_ID"] = self.run_id
        env["FSM_STEP_ID"] = step.id
        env["FSM_ATTEMPT"] = str(attempt)
        env["FSM_IDEMPOTENCY_KEY"] = f"{self.run_id}:{step.id}"
        env["FSM_OUTPUT"] = outputs
        return Task(
            run_id=self.run_id,
            step_id=step.id,
            attempt=attempt,
            purpose=purpose,
            action=call.action,
            params=self._rendered(call.params, names),
            env=env,
            cwd=f"{self.cwd / step.cwd}" if step.cwd else self._cwd,
            log=log,
            outputs=outputs,
            secrets=self.secrets,
            grace_seconds=self.step_grace_seconds,
            on_process=on_process,
            is_first=is_first,
        )


def _log_stem(step_id: str, purpose: Purpose, attempt: int) -> str:
    """`STEP.ATTEMPT`; what is not the step's forward work says so after an `@`, which no id holds."""
    kind = "" if purpose == "run" else f"@{purpose}"
    return f"{step_id}{kind}.{attempt}"
