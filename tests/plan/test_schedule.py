"""When steps begin if each takes so long, and what the end waits for: held to every chain of a small plan."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from fsm.plan.model import Plan
from fsm.plan.schedule import critical_path, schedule

CALL = {"skill": "shell", "action": "run", "params": {"command": ["true"]}}


@st.composite
def timed_plans(draw: st.DrawFn) -> tuple[Plan, dict[str, float]]:
    """A plan of up to seven steps, and whole seconds for each."""
    steps = []
    for n in range(draw(st.integers(1, 7))):
        before = [f"s{m}" for m in range(n)]
        waits = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
        steps.append({"id": f"s{n}", "name": f"s{n}", "call": CALL, "depends_on": waits})
    document = {"id": "p", "name": "p", "steps": steps, "parallel": draw(st.integers(1, 4))}
    seconds = {f"s{n}": float(draw(st.integers(0, 9))) for n in range(len(steps))}
    return Plan.from_document(json.dumps(document).encode()), seconds


def chains(plan: Plan, last: str) -> Iterator[list[str]]:
    """Every chain of dependencies that ends with that step."""
    yield [last]
    for dependency in plan.step(last).depends_on:
        for chain in chains(plan, dependency):
            yield [*chain, last]


@given(timed_plans())
def test_no_chain_of_dependencies_takes_longer_than_the_critical_path(
    timed: tuple[Plan, dict[str, float]],
) -> None:
    plan, seconds = timed
    lengths = [sum(map(seconds.__getitem__, c)) for s in plan.steps for c in chains(plan, s.id)]
    path = critical_path(plan, seconds)
    assert sum(map(seconds.__getitem__, path)) == max(lengths)
    assert not path or path in list(chains(plan, path[-1]))


@given(timed_plans())
def test_a_schedule_keeps_dependencies_and_the_bound_and_never_idles(
    timed: tuple[Plan, dict[str, float]],
) -> None:
    plan, seconds = timed
    times = schedule(plan, seconds)
    assert sorted(times) == [step.id for step in plan.steps]
    ends = {end for _, end in times.values()} | {0.0}
    for step in plan.steps:
        start, end = times[step.id]
        assert end - start == seconds[step.id]
        assert start in ends  # it began when another ended, or at once
        assert all(times[name][1] <= start for name in step.depends_on)
        at_once = [s for s, e in times.values() if s <= start < e]
        assert len(at_once) <= plan.parallel
