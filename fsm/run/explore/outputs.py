"""Outputs that make conditions come out both ways: found by trying, so that every run explored can happen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Final

from fsm.plan.model import Plan, Step
from fsm.plan.template import TemplateError, evaluate, render_text, templates
from fsm.values import Value

__all__ = ["Choices", "Outputs", "choices", "stand_ins", "template_texts"]

Outputs = Mapping[str, str]

_MOST_TRIED: Final = 4096
"""So many sets of outputs are tried for one condition."""

_MOST_CHOICES: Final = 8
"""So many different outputs of one step are explored."""

_PLAINEST_FIRST: Final = ("true", "false", "error")


class Choices(Value):
    """For each step whose outputs are asked for, the outputs it may have, the plainest first.

    What only templates ask for is the text `STEP.NAME`: to explore, any will do.

    `missed` are the conditions, by step, for which nothing was found that makes them come to this.
    """

    of: Mapping[str, Sequence[Outputs]]
    missed: Sequence[tuple[str, str]]


def choices(
    plan: Plan,
    comes_to: Mapping[str, Collection[str]],
    may_be: Mapping[str, Collection[str]],
) -> Choices:
    """Outputs for every condition of the plan; see `fsm.run.explore.skeleton.states` for the arguments."""
    from fsm.plan.template.truth import condition_outputs

    found: dict[str, dict[tuple[tuple[str, str], ...], None]] = {}
    missed: list[tuple[str, str]] = []
    for step in plan.steps:
        if step.condition is None or not comes_to[step.id]:
            continue
        named = condition_outputs(step.condition)
        witnesses = _witnesses(plan, step.condition, named, may_be)
        for way in _PLAINEST_FIRST:
            if way not in comes_to[step.id]:
                continue
            if way not in witnesses:
                if named and way != "error":
                    missed.append((step.id, way))
                continue
            for name, outputs in witnesses[way].items():
                found.setdefault(name, {})[tuple(outputs.items())] = None
    asked = _rendering(plan, stand_ins(plan))
    told: dict[str, Sequence[Outputs]] = {}
    for name in sorted(found.keys() | asked.keys()):
        ways, cut = _merged(list(map(dict, found.get(name, {(): None}))))
        told[name] = [{**asked.get(name, {}), **way} for way in ways]
        if cut:
            missed.append((name, "outputs"))
    return Choices(told, tuple(missed))


def stand_ins(plan: Plan) -> Mapping[str, Mapping[str, str]]:
    """Of each step the outputs that templates ask of it, with the text that stands in for each."""
    from fsm.plan.template.truth import template_outputs

    asked: dict[str, dict[str, str]] = {}
    for step in plan.steps:
        checked = templates(step.check.params) if step.check else ()
        for text in (*template_texts(step), *checked):
            for of, name in template_outputs(text):
                if name:
                    asked.setdefault(of, {})[name] = f"{of}.{name}"
    return asked


def _rendering(
    plan: Plan, asked: Mapping[str, Mapping[str, str]]
) -> Mapping[str, Mapping[str, str]]:
    """The same, but `1` where a template wants a number."""
    from fsm.plan.template.truth import template_outputs

    found = {of: dict(outputs) for of, outputs in asked.items()}

    def renders(text: str) -> bool:
        steps = {
            step.id: {"state": "completed", "outputs": found.get(step.id, {})}
            for step in plan.steps
        }
        known = {"secrets": dict.fromkeys(plan.secrets, "secret"), "run": {"id": ""}}
        try:
            render_text(text, {"params": plan.params, "steps": steps, **known})
        except TemplateError:
            return False
        return True

    for step in plan.steps:
        for text in template_texts(step):
            if not renders(text):
                for of, name in template_outputs(text):
                    if name:
                        found[of][name] = "1"
    return found


def template_texts(step: Step) -> Iterator[str]:
    """The templates that are rendered when the step starts, or is rolled back."""
    yield from templates(step.env)
    yield from templates(step.call.params)
    if step.rollback is not None:
        yield from templates(step.rollback.call.params)


def _witnesses(
    plan: Plan,
    expression: str,
    named: Collection[tuple[str, str]],
    may_be: Mapping[str, Collection[str]],
) -> dict[str, Mapping[str, Mapping[str, str]]]:
    """For each way that the expression can come out, outputs by step that bring it about."""
    from fsm.plan.template.compiled import compile_expression

    pairs = sorted((step, name) for step, name in named if name)
    steps = sorted({step for step, _ in named})
    asked = sorted(compile_expression(expression).references.steps)
    values = _candidates(expression)
    found: dict[str, Mapping[str, Mapping[str, str]]] = {}
    states = [sorted(may_be[step] - {"lost"}) for step in asked]  # type: ignore[operator]
    for states_now in islice(product(*states), 64):
        state = dict(zip(asked, states_now, strict=True))
        for tried in islice(product((*values, None), repeat=len(pairs)), _MOST_TRIED):
            outputs: dict[str, dict[str, str]] = {step: {} for step in steps}
            for (step, name), value in zip(pairs, tried, strict=True):
                if value is not None and state[step] == "completed":
                    outputs[step][name] = value
            way = _way(plan, expression, state, outputs)
            if way not in found:
                found[way] = {s: o for s, o in outputs.items() if state[s] == "completed"}
            if len(found) == 3:
                return found
    return found


def _way(
    plan: Plan, expression: str, state: Mapping[str, str], outputs: Mapping[str, Mapping[str, str]]
) -> str:
    steps = {name: {"state": state[name], "outputs": outputs.get(name, {})} for name in state}
    try:
        context = {"params": plan.params, "steps": steps, "run": {"id": "simulated"}}
        return "true" if evaluate(expression, context) else "false"
    except TemplateError:
        return "error"


def _candidates(expression: str) -> Sequence[str]:
    """Texts that the expression may tell apart: what it compares with, and what lies beside it."""
    from fsm.plan.template.truth import constants

    found: dict[str, None] = {}
    for value in constants(expression):
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            found.update(dict.fromkeys((str(value), str(value - 1), str(value + 1))))
        else:
            found[str(value)] = None
    found.update(dict.fromkeys(("true", "false", "0", "1", "other")))
    return tuple(found)


def _merged(ways: Sequence[dict[str, str]]) -> tuple[Sequence[Outputs], bool]:
    """Every way to choose, name by name, among what the conditions want; and whether that was cut."""
    names = sorted({name for way in ways for name in way})
    values = {name: tuple(dict.fromkeys(way.get(name) for way in ways)) for name in names}
    all_ways = product(*(values[name] for name in names))
    taken = list(islice(all_ways, _MOST_CHOICES + 1))
    chosen = [
        {n: v for n, v in zip(names, way, strict=True) if v is not None}
        for way in taken[:_MOST_CHOICES]
    ]
    for way in ways:
        if way not in chosen:
            chosen.append(way)
    return tuple(chosen), len(taken) > _MOST_CHOICES
