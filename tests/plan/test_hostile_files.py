"""Whatever a file holds, loading it ends in a plan or in `Invalid` (F54 to F63)."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsm.document import parse_document
from fsm.errors import Invalid, Problem
from fsm.plan import resolve

SAMPLE = (Path(__file__).parent / "samples" / "plan-v1.yaml").read_text()

hostile = st.text(max_size=20) | st.sampled_from(
    [
        "{{",
        "{{ params }}",
        "{% for x in params %}",
        "{{ steps.s.outputs }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self._TemplateReference__context }}",
        "{{ params['__init__']['__globals__'] }}",
        "$(reboot)",
        "`reboot`",
        "../../etc/passwd",
        "a\n",
        "$template",
        "%s%n",
        "\u202e",
        "999999999999999999999h",
        "10m",
        "{{ " + "(" * 400,
        "{{ 9 ** 9 ** 9 ** 9 }}",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=6,
)
KEYS = """
    id name description run skill action params depends_on dependsOn if env cwd timeout retry idempotent
    check dry_run rollback on_failure onFailure checkpoint
"""
HEAD_KEYS = """
    id name description params secrets env parallel checkpoint_interval error_handling errorHandling
"""
steps = st.lists(
    st.dictionaries(st.sampled_from(KEYS.split()), values, max_size=6) | values, max_size=3
)
heads = st.dictionaries(st.sampled_from(HEAD_KEYS.split()) | hostile, values, max_size=5)


def resolves_or_is_refused(text: str) -> None:
    problems: Sequence[Problem] = ()
    try:
        plan = resolve(parse_document(text, "plan.yaml"))
    except Invalid as refused:
        problems = refused.problems
        assert problems
    else:
        assert len(plan.digest) == 64
    for problem in problems:
        assert problem.path == "plan.yaml"
        assert str(problem).isprintable(), str(problem)


@example(
    head={"id": "h", "name": "h", "params": {"\x1f": 1}},
    inner=[{"id": "s", "run": ["echo", "{{ params.z }}"]}],
)
@given(heads, steps)
@settings(deadline=None, max_examples=400)
def test_a_plan_of_odd_values_is_refused_in_printable_lines(
    head: dict[str, Any], inner: Any
) -> None:
    resolves_or_is_refused(json.dumps({"plan": {**head, "steps": inner}}))


@given(steps)
@settings(deadline=None, max_examples=300)
def test_a_step_that_is_right_but_for_some_keys_is_refused_or_runs(inner: list[Any]) -> None:
    for number, step in enumerate(inner):
        if isinstance(step, dict):
            step |= {"id": f"s{number}"}
            if "skill" not in step and "params" not in step:
                step["run"] = step.get("run") or "true"
    resolves_or_is_refused(
        json.dumps({"plan": {"id": "p", "params": {"x": "y"}, "steps": inner or [1]}})
    )


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_a_file_with_a_few_bytes_changed_is_refused_or_loads(seed: int) -> None:
    chance = random.Random(seed)
    text = list(SAMPLE)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(text))
        match chance.randrange(3):
            case 0:
                text[place] = chance.choice("{}[]:,-&*!|>'\"%@#`? \n\t0aé\u202e")
            case 1:
                del text[place : place + chance.randint(1, 20)]
            case _:
                text.insert(place, "".join(chance.choices(text, k=chance.randint(1, 20))))
    resolves_or_is_refused("".join(text))


@given(st.text(max_size=200))
@example("plan: " + "[" * 10_000)
@example("plan: {steps: [" + "{" * 30)
@example("plan: &a [*a]")
@example("plan: &a {steps: [*a]}")
@example("plan: {id: a, steps: [{id: a, run: x, run: y}]}")
@settings(deadline=None)
def test_any_text_is_refused_or_loads(text: str) -> None:
    resolves_or_is_refused(text)


def test_aliases_may_share_steps_parts_but_not_make_a_plan_explode() -> None:
    lines = ["plan:", "  id: p", "  params:", "    a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    lines += ["  steps: [{id: s, run: make}]"]
    with pytest.raises(Invalid):
        resolve(parse_document("\n".join(lines), "plan.yaml"))
    shared = """
    plan:
      id: p
      steps:
        - &one {id: a, run: make, env: &env {A: 1}, retry: &retry {attempts: 2}}
        - {id: b, run: make, env: *env, retry: *retry}
    """
    plan = resolve(parse_document(shared, "plan.yaml"))
    assert plan.step("a").env == plan.step("b").env == {"A": "1"}
