"""A resolved plan, explained before anything happens: its steps, tools, risks and error table (S0).

`describe` is a pure analysis; `plan_text` and `plan_json` only write down what it found. Whatever a plan
says is data here: nothing in it is rendered, run or looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsm.plan.duration import format_duration
from fsm.plan.template import with_sources
from fsm.run.policy import plan_spec
from fsm.views.calls import script_text
from fsm.views.needs import Skilled
from fsm.views.risks import Risk, calls_of, needs_outputs_of, risks_of
from fsm.views.text import shown

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import ErrorHandling, Plan, Retry, Rollback, Step
    from fsm.plan.template import Template

__all__ = [
    "ErrorRow",
    "PlanView",
    "Risk",
    "StepView",
    "Tool",
    "UndoView",
    "describe",
    "plan_json",
    "plan_text",
]


@dataclass(frozen=True, slots=True)
class UndoView:
    """How a step is undone: the command, the rest of its rollback in words, and what it reaches.

    `when_started` says that it also undoes a step that did not complete.
    """

    command: str
    terms: tuple[str, ...]
    when_started: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step in words. Commands are as a person would type them, controls escaped; scripts have lines.

    `number` counts from 1 in execution order. `terms` says how it is run: retries, time limit, what its
    failure means, each in a few words. `env` and `params` hold templates as their author wrote them.
    `undo` is `None` if the step is irreversible, or if it is `read_only`: then there is nothing to undo.
    `risk`, `needs` and `does`, the command that a declared action runs, are what its skill says of it.
    """

    number: int
    id: str
    name: str
    description: str
    command: str
    skill: str
    action: str
    params: Mapping[str, JsonValue]
    tools: tuple[str, ...]
    depends_on: tuple[str, ...]
    outputs_of: tuple[str, ...]
    condition: str | None
    env: Mapping[str, str]
    cwd: str | None
    terms: tuple[str, ...]
    check: str | None
    dry_run: str | None
    read_only: bool
    risk: str
    needs: tuple[str, ...]
    does: str | None
    undo: UndoView | None

    @property
    def irreversible(self) -> bool:
        """Whether what it does stays done."""
        return self.undo is None and not self.read_only


@dataclass(frozen=True, slots=True)
class Tool:
    """A program or `skill NAME`: the numbers of the steps that use it, and of those undone with it."""

    name: str
    steps: tuple[int, ...]
    undos: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A row of the error table in force: `when` it happens, `then` that is done. In words."""

    scenario: str
    when: str
    then: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """Everything a person approves, and what to know before. `parallel` 1 is one step at a time."""

    id: str
    name: str
    description: str
    digest: str
    parallel: int
    params: Mapping[str, JsonValue]
    secrets: tuple[str, ...]
    env: Mapping[str, str]
    steps: tuple[StepView, ...]
    tools: tuple[Tool, ...]
    risks: tuple[Risk, ...]
    errors: tuple[ErrorRow, ...]

    @property
    def irreversible(self) -> tuple[StepView, ...]:
        """The steps that cannot be undone, in execution order."""
        return tuple(step for step in self.steps if step.irreversible)


def describe(plan: Plan) -> PlanView:
    """The plan as a person should see it before approving."""
    skilled = Skilled(plan)
    return PlanView(
        id=plan.id,
        name=plan.name,
        description=plan.description,
        digest=plan.digest,
        parallel=plan.parallel,
        params=plan.params,
        secrets=plan.secrets,
        env=_env(plan.env),
        steps=tuple(_step(number, step, skilled) for number, step in enumerate(plan.steps, 1)),
        tools=_tools(plan, skilled),
        risks=risks_of(plan),
        errors=tuple(_error_rows(plan)),
    )


def plan_text(view: PlanView, *, width: int, color: bool, full: bool = False) -> str:
    """The page that `fsm plan` prints, without its trailing newline.

    No line is wider than `width` cells of a terminal, if that is at least 40; what had to be cut ends
    with `…`, and a note says so. 0 cuts and wraps nothing. `color` adds ANSI codes. Of more than 50 steps
    each has one line, unless it is to be `full`.
    """
    from fsm.views.page import page

    return page(view, width=width, color=color, full=full)


def plan_json(view: PlanView) -> dict[str, JsonValue]:
    """The same as one JSON document; steps are named by their ids."""
    ids = {step.number: step.id for step in view.steps}
    return {
        "plan": view.id,
        "name": view.name,
        "description": view.description,
        "digest": view.digest,
        "parallel": view.parallel,
        "params": dict(view.params),
        "secrets": list(view.secrets),
        "env": dict(view.env),
        "steps": [_step_json(step) for step in view.steps],
        "tools": [
            {
                "tool": tool.name,
                "steps": [ids[number] for number in tool.steps],
                "rollback_of": [ids[number] for number in tool.undos],
            }
            for tool in view.tools
        ],
        "irreversible": [step.id for step in view.irreversible],
        "risks": [
            {"kind": risk.kind, "steps": list(risk.steps), "sentence": risk.sentence}
            for risk in view.risks
        ],
        "error_handling": [
            {"scenario": row.scenario, "when": row.when, "then": row.then} for row in view.errors
        ],
    }


def _step(number: int, step: Step, skilled: Skilled) -> StepView:
    spec = skilled.spec(step.call)
    calls = [*calls_of(step)]
    tools = (tool for call in calls for tool in skilled.tools(call))
    return StepView(
        number=number,
        id=step.id,
        name=step.name,
        description=step.description,
        command=script_text(step.call),
        skill=step.call.skill,
        action=step.call.action,
        params={name: with_sources(value) for name, value in step.call.params.items()},
        tools=tuple(dict.fromkeys(tools)),
        depends_on=step.depends_on,
        outputs_of=needs_outputs_of(step),
        condition=step.condition,
        env=_env(step.env),
        cwd=step.cwd,
        terms=tuple(_terms(step)),
        check=script_text(step.check) if step.check else None,
        dry_run=script_text(step.dry_run) if step.dry_run else None,
        read_only=step.read_only,
        risk=spec.risk if spec else "",
        needs=skilled.needs(calls),
        does=skilled.does(step.call),
        undo=_undo(step.rollback) if step.rollback else None,
    )


def _env(env: Mapping[str, str | Template]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else value["$template"] for name, value in env.items()
    }


def _terms(step: Step) -> Iterator[str]:
    yield from _bounds(step.retry, step.timeout_seconds)
    if step.idempotent:
        yield "safe to repeat"
    if step.makes:
        yield f"makes {', '.join(map(shown, step.makes))}"
    if step.on_failure == "continue":
        yield "its failure does not stop the plan"
    if step.on_failure == "skip_dependents":
        yield "its failure skips what depends on it"


def _undo(rollback: Rollback) -> UndoView:
    terms = list(_bounds(rollback.retry, rollback.timeout_seconds))
    if rollback.on == "started":
        terms.append("also if the step did not complete")
    return UndoView(script_text(rollback.call), tuple(terms), rollback.on == "started")


def _bounds(retry: Retry, timeout_seconds: float | None) -> Iterator[str]:
    if retry.attempts > 1:
        waits = retry.attempts - 1
        told = [1, 2, 3, waits] if waits > 4 else range(1, waits + 1)
        delays = [format_duration(retry.delay_after(attempt, 0.5)) for attempt in told]
        if len(set(delays)) == 1:
            words = delays[0] if waits == 1 else f"{delays[0]} each"
        elif waits > 4:
            words = f"{', '.join(delays[:3])} … {delays[3]}"
        else:
            words = ", ".join(delays)
        spread = f" ±{retry.jitter:.0%}".replace("%", " %") if retry.jitter else ""
        yield f"up to {retry.attempts} attempts, waiting {words}{spread}"
    if timeout_seconds is not None:
        yield f"at most {format_duration(timeout_seconds)}"


def _tools(plan: Plan, skilled: Skilled) -> tuple[Tool, ...]:
    forward: dict[str, list[int]] = {}
    backward: dict[str, list[int]] = {}
    for number, step in enumerate(plan.steps, 1):
        for call in calls_of(step):
            is_undo = step.rollback is not None and call is step.rollback.call
            for name in skilled.tools(call):
                numbers = (backward if is_undo else forward).setdefault(name, [])
                if numbers[-1:] != [number]:
                    numbers.append(number)
    names = dict.fromkeys([*forward, *backward])
    return tuple(
        Tool(name, tuple(forward.get(name, ())), tuple(backward.get(name, ()))) for name in names
    )


def _error_rows(plan: Plan) -> Iterator[ErrorRow]:
    """One row a scenario: rows of one scenario differ only in where the run was when it happened.

    The scenarios of a failed step are left out if no step's failure leads there.
    """
    seen: set[str] = set()
    if all(step.on_failure != "stop" for step in plan.steps):
        seen |= {"single_failure", "multiple_failures"}
    if skipping := sum(step.on_failure == "skip_dependents" for step in plan.steps):
        every = skipping == len(plan.steps)
        when = "a step fails" if every else "a step fails that skips what depends on it"
        yield ErrorRow(
            "tolerated", when, "go on without what depends on it, end as failed (exit 1)"
        )
    for row in plan_spec(plan.error_handling).rows:
        if row.scenario is None or row.scenario in seen:
            continue
        seen.add(row.scenario)
        then = _GO_ON if row.dest in row.source else _THEN[row.dest]
        yield ErrorRow(row.scenario, _when(row.scenario, plan.error_handling), then)


def _when(scenario: str, policy: ErrorHandling) -> str:
    match scenario:
        case "single_failure":
            return "a step fails"
        case "multiple_failures":
            return f"{policy.several} different steps failed"
        case "rollback_failure":
            return "a compensation fails"
        case other:
            return other.replace("_", " ")


_GO_ON = "go on with the steps that do not depend on it"
_THEN = {
    "paused": "pause and report (exit 3)",
    "rolling_back": "roll back, the last step first (exit 4)",
    "aborting": "abort, undo nothing (exit 1)",
    "needs_intervention": "stop, alert (exit 5)",
}


def _step_json(step: StepView) -> dict[str, JsonValue]:
    undo = step.undo
    return {
        "number": step.number,
        "step": step.id,
        "name": step.name,
        "description": step.description,
        "command": step.command,
        "skill": step.skill,
        "action": step.action,
        "params": dict(step.params),
        "tools": list(step.tools),
        "depends_on": list(step.depends_on),
        "outputs_of": list(step.outputs_of),
        "if": step.condition,
        "env": dict(step.env),
        "cwd": step.cwd,
        "terms": list(step.terms),
        "check": step.check,
        "dry_run": step.dry_run,
        "read_only": step.read_only,
        "risk": step.risk or None,
        "needs": list(step.needs),
        "does": step.does,
        "rollback": {"command": undo.command, "terms": list(undo.terms)} if undo else None,
    }
