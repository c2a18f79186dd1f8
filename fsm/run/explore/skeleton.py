"""What of a plan an exploration looks at, and what can be known of it without running anything.

Retries are left out: that a step fails means that it failed for good, whatever number of attempts it has.
An attempt that fails earlier frees its slot until the next one, as its success would, and so lets nothing
run that could not run otherwise. Checks answer crashes, which are not explored; dry runs come before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from fsm.plan.model import ONCE, Call, Plan, Step
from fsm.plan.network import over_the_network
from fsm.plan.template import TemplateError, templates
from fsm.values import Value

__all__ = ["Need", "bare", "likely_to_fail", "needs", "states"]


class Need(Value):
    """The rollback of `step` names the output `name` of step `of` ("" for its outputs as a whole).

    `used` says that it stands in the rollback's own call, or in a variable that its command names; else
    it is one of the step's `env` and only has to be there.
    """

    step: str
    of: str
    name: str
    used: bool


def bare(plan: Plan) -> Plan:
    """The plan with nothing but what decides what may come after what."""
    return replace(plan, steps=tuple(map(_bare, plan.steps)))


def _bare(step: Step) -> Step:
    rollback = None if step.rollback is None else replace(step.rollback, retry=ONCE)
    return replace(step, retry=ONCE, check=None, dry_run=None, rollback=rollback)


def needs(plan: Plan) -> tuple[Need, ...]:
    """What the rollbacks need of steps, as their templates say. What they read from files nobody knows.

    That a step depends on another says what its action needs, not what its rollback does.
    """
    found: dict[Need, None] = {}
    for step in plan.steps:
        if step.rollback is None:
            continue
        call = step.rollback.call
        for text in templates(call.params):
            found.update(dict.fromkeys(_named(step, text, used=True)))
        for variable, value in step.env.items():
            for text in templates({variable: value}):
                found.update(dict.fromkeys(_named(step, text, used=_mentions(call, variable))))
    return tuple(found)


def _named(step: Step, text: str, *, used: bool) -> Iterator[Need]:
    from fsm.plan.template.truth import template_outputs

    try:
        named = template_outputs(text)
    except TemplateError:  # loading refuses it
        return
    for of, name in sorted(named):
        yield Need(step.id, of, name, used)


def _mentions(call: Call, variable: str) -> bool:
    return any(re.search(rf"\$\{{?{re.escape(variable)}\b", text) for text in _texts(call.params))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def likely_to_fail(plan: Plan, step: Step) -> str:
    """Why the step is one that fails now and then, in words; "" if nothing says so.

    Its author expects it, since it is retried; or it goes over the network, by the hosts that its action
    needs, by its skill, or by the programs that it calls. A step with a `dry_run` was tried before anything
    ran, and is none.
    """
    if step.dry_run is not None:
        return ""
    if step.retry.attempts > 1:
        return f"is tried up to {step.retry.attempts} times"
    host = over_the_network(plan, step.call)
    return f"goes over the network ({host})" if host else ""


def states(plan: Plan) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """What each step's condition may come to, and in which states a step may be when others go on.

    For all parameters and all outputs, so what is not told here never happens; but for what a person
    marks by hand. A step without a condition comes to `true`, one whose turn never comes to nothing.
    """
    from fsm.plan.template.truth import outcomes

    comes_to: dict[str, frozenset[str]] = {}
    may_be: dict[str, frozenset[str]] = {}
    for step in plan.steps:
        before = [may_be[name] for name in step.depends_on]
        turn = all(states - {"lost"} for states in before)
        found: frozenset[str] = frozenset({"true"} if turn else ())
        if turn and step.condition is not None:
            try:
                found = frozenset(outcomes(step.condition, _seen(may_be)))
            except TemplateError:
                found = frozenset({"error"})
        comes_to[step.id] = found
        may_be[step.id] = _after(step, found, lost=any("lost" in states for states in before))
    return comes_to, may_be


def _after(step: Step, condition: frozenset[str], *, lost: bool) -> frozenset[str]:
    """`lost`: it failed and its dependents are skipped, or it is skipped for one that did."""
    found = {"lost"} if lost else set()
    if "true" in condition:
        found.add("completed")
    if "false" in condition:
        found.add("skipped")
    if condition & {"true", "error"}:
        found |= {"stop": set(), "continue": {"failed"}, "skip_dependents": {"lost"}}[
            step.on_failure
        ]
    return frozenset(found)


def _seen(may_be: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """What a condition may see of the steps it waits for: with one that is lost, it is not asked."""
    return {name: states - {"lost"} for name, states in may_be.items()}
