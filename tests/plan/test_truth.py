"""What a condition may come to: whatever happens is among what was told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.plan.template import TemplateError, evaluate
from fsm.plan.template.truth import (
    condition_outputs,
    constants,
    outcomes,
    template_outputs,
)

STATES = {"a": {"completed", "failed"}, "b": {"completed", "skipped"}}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("true", "true"),
        ("not true", "false"),
        ("1", "error"),
        ("'true'", "true"),
        ("steps.a.state == 'failed'", "false true"),
        ("steps.a.state == 'skipped'", "false"),
        ("steps.a.state == 'failed' and steps.b.state == 'failed'", "false"),
        ("steps.a.outputs.n == '1'", "error false true"),
        ("steps.a.outputs.n is defined", "false true"),
        ("steps.a.outputs.n == '1' and false", "error false"),
        ("false and steps.a.outputs.n == '1'", "false"),
        ("steps.a.state in ['failed', 'completed'] or steps.a.outputs.n", "true"),
        ("steps.a.outputs.n", "error false true"),
        ("not steps.a.outputs.n", "error false true"),
        ("true if steps.a.outputs.n == '1' else false", "error false true"),
        ("params.deep", "error false true"),
        ("run.id == 'x'", "error false true"),
        ("params.a == 'x' and params.a == 'y'", "error false"),
        ("params.a != 'x' or params.a != 'y'", "error true"),
        ("params.n > 5 and params.n < 2", "error false"),
        ("params.n > 5 and params.n < 6", "error false true"),
        ("7 < params.n < 5", "error false"),
        ("params.a and not params.a", "error false"),
        ("params.a is defined and params.a is undefined", "false"),
        ("steps.a.outputs.n in ['1', '2'] and steps.a.outputs.n == '3'", "error false"),
        ("steps.a.outputs.n == '1' and steps.b.outputs.n == '2'", "error false true"),
        ("params.a | lower == 'x' and params.a | lower == 'y'", "error false true"),
        ("params.a.b == 1 and params.a == 1", "error false true"),
        ("params.items == 1 and params.items == 2", "error false true"),
    ],
)
def test_it_tells_each_way_that_a_condition_may_come_out(condition: str, told: str) -> None:
    assert sorted(outcomes(condition, STATES)) == told.split()


def test_parameters_that_are_known_decide() -> None:
    assert outcomes("params.n > 3", STATES, {"n": 4}) == {"true"}
    assert outcomes("params.n > 3", STATES, {"n": "4"}) == {"error"}


def test_outputs_are_found_where_they_are_named() -> None:
    named = "steps.a.outputs.n == steps['b-1'].outputs['x'] or steps.c.outputs | length > 2"
    assert condition_outputs(named) == {("a", "n"), ("b-1", "x"), ("c", "")}
    assert template_outputs("{{ steps.a.outputs.n }}/{% if steps.b.outputs.m %}x{% endif %}") == {
        ("a", "n"),
        ("b", "m"),
    }
    assert constants("steps.a.outputs.n == '1' or params.x > 41") == ("1", 41)


atoms = st.sampled_from(
    [
        "true",
        "false",
        "1",
        "''",
        "'true'",
        "params.p",
        "params.q",
        "steps.a.state == 'failed'",
        "steps.b.state != 'skipped'",
        "steps.a.outputs.n",
        "steps.a.outputs.n == '1'",
        "steps.b.outputs.m is defined",
        "steps.b.outputs.m | int > 3",
        "params.p > 3",
        "-1 < params.p <= 4",
        "params.q == 'x'",
        "params.q in ('x', 1, [])",
        "steps.a.outputs.n != 'x'",
        "steps.b.outputs.m in ['x', steps.a.outputs.n]",
    ]
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or", "=="]), inner).map(
            lambda three: f"({three[0]}) {three[1]} ({three[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) if ({t[1]}) else ({t[2]})"),
    ),
    max_leaves=6,
)
values = st.sampled_from([True, False, "true", "false", "", "1", "x", 4, 3.5, 0, None, []])
outputs = st.sampled_from(["true", "false", "", "1", "4", "x"])


@settings(max_examples=600, deadline=None)
@given(
    expression=expressions,
    a=st.sampled_from(sorted(STATES["a"])),
    b=st.sampled_from(sorted(STATES["b"])),
    params=st.fixed_dictionaries({"p": values, "q": values}),
    of_a=st.dictionaries(st.just("n"), outputs),
    of_b=st.dictionaries(st.just("m"), outputs),
)
def test_whatever_happens_was_told(
    expression: str,
    a: str,
    b: str,
    params: dict[str, object],
    of_a: dict[str, str],
    of_b: dict[str, str],
) -> None:
    steps = {"a": {"state": a, "outputs": of_a}, "b": {"state": b, "outputs": of_b}}
    try:
        happens = str(
            evaluate(expression, {"params": params, "steps": steps, "run": {"id": "r"}})
        ).lower()
    except TemplateError:
        happens = "error"
    assert happens in outcomes(expression, STATES)
    assert happens in outcomes(expression, STATES, params)
    assert outcomes(expression, STATES, params) <= outcomes(expression, STATES)
