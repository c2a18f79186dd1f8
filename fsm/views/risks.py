"""What may go wrong with a plan, one sentence a kind, before anything happens (S0, "Identify risks")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fsm.plan.template import TemplateError, references, templates
from fsm.views.calls import is_shell_text

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Call, Plan, Step

__all__ = ["Kind", "Risk", "calls_of", "needs_outputs_of", "risks_of"]

Kind = Literal[
    "irreversible",
    "irreversible_first",
    "unknown_after_crash",
    "retried",
    "continues",
    "skips",
    "undone_when_started",
    "templated",
    "shell",
    "no_timeout",
    "parallel",
]

SENTENCES: dict[Kind, str] = {
    "irreversible": "no rollback is declared: what is done stays done",
    "irreversible_first": "comes before steps that can be undone: a rollback passes it over",
    "unknown_after_crash": (
        "not idempotent, no check: after a crash in mid-step a person must decide"
    ),
    "retried": "retried, although not declared idempotent",
    "continues": "a failure does not stop the plan, nor the steps that depend on it",
    "skips": "a failure does not stop the plan: what depends on it is skipped, and the run ends as failed",
    "undone_when_started": "rollback on: started: undone even if it failed half-way or was cut short",
    "templated": "depends on outputs of earlier steps: part of the command is not known yet",
    "shell": "text for a shell: quotes, $, *, | and ; take effect",
    "no_timeout": "no timeout: may run for ever",
    "parallel": "steps run at once: up to {parallel}, in an order that is not fixed",
}
"""The kinds in the order of their weight."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One kind of risk and the ids of the steps that run it, in execution order; none: the whole plan."""

    kind: Kind
    steps: tuple[str, ...]
    sentence: str


def risks_of(plan: Plan) -> tuple[Risk, ...]:
    """Every risk that can be read from the plan, the gravest kind first, each kind once."""
    found: dict[Kind, list[str]] = {kind: [] for kind in SENTENCES}
    last_reversible = max((n for n, step in enumerate(plan.steps) if step.rollback), default=-1)
    for index, step in enumerate(plan.steps):
        for kind in _kinds(step, before_reversible=index < last_reversible):
            found[kind].append(step.id)
    return tuple(
        Risk(kind, tuple(found[kind]), sentence.format(parallel=plan.parallel))
        for kind, sentence in SENTENCES.items()
        if found[kind] or (kind == "parallel" and plan.parallel > 1)
    )


def calls_of(step: Step) -> Iterator[Call]:
    """Every call that the step may make: its own, its check, its dry run, its rollback."""
    yield step.call
    yield from (call for call in (step.check, step.dry_run) if call is not None)
    if step.rollback is not None:
        yield step.rollback.call


def needs_outputs_of(step: Step) -> tuple[str, ...]:
    """The ids of the other steps whose outputs complete a command or the environment of this one."""
    named: dict[str, None] = {}
    values: list[dict[str, JsonValue]] = [call.params for call in calls_of(step)]
    for text in (*(text for value in values for text in templates(value)), *templates(step.env)):
        try:
            found = references(text).steps
        except TemplateError:  # loading refuses it; a plan built by hand still has its page
            continue
        named.update(dict.fromkeys(sorted(found - {step.id})))
    return tuple(named)


def _kinds(step: Step, before_reversible: bool) -> Iterator[Kind]:
    if step.irreversible:
        yield "irreversible"
        if before_reversible:
            yield "irreversible_first"
    if not step.idempotent and step.check is None:
        yield "unknown_after_crash"
    if step.retry.attempts > 1 and not step.idempotent:
        yield "retried"
    if step.on_failure == "continue":
        yield "continues"
    if step.on_failure == "skip_dependents":
        yield "skips"
    if step.rollback is not None and step.rollback.on == "started":
        yield "undone_when_started"
    if needs_outputs_of(step):
        yield "templated"
    if any(is_shell_text(call) for call in calls_of(step)):
        yield "shell"
    if step.timeout_seconds is None:
        yield "no_timeout"
