"""The exploration of a plan, from one end to the other: what was found, and what was looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fsm.plan.model import Plan
from fsm.run.explore.findings import Finding, Judge
from fsm.run.explore.outputs import Choices, choices
from fsm.run.explore.search import Bounds, Search
from fsm.run.explore.skeleton import needs, states
from fsm.values import Value

__all__ = ["Exploration", "explore"]


class Exploration(Value):
    """What was found, and what was looked at: see `Search`. `notes` say what was not, and why."""

    findings: Sequence[Finding]
    notes: Sequence[str]
    bounds: Bounds
    situations: int
    ways: int
    rests: Mapping[str, int]
    cut: bool
    reached: int


def explore(plan: Plan, bounds: Bounds | None = None, *, reduce: bool = True) -> Exploration:
    """Look at what may happen to a run of the plan, as far as `bounds` say (all of it by default).

    `reduce` leaves out situations that cannot show anything new (`fsm.run.explore.keys`).
    """
    comes_to, may_be = states(plan)
    ways = choices(plan, comes_to, may_be)
    needed = needs(plan)
    search = Search(plan, needed, ways, bounds or Bounds(), reduce).run()
    judge = Judge(plan, search, ways, needed, comes_to)
    findings = [
        *judge.left_behind(),
        *judge.rollbacks(),
        *judge.not_run(),
        *judge.irreversible(),
        *judge.unproved(),
    ]
    return Exploration(
        findings,
        [*judge.notes, *_missed(plan, ways)],
        search.bounds,
        search.situations,
        search.ways,
        search.rests,
        search.cut,
        search.reached,
    )


def _missed(plan: Plan, ways: Choices) -> Iterator[str]:
    for step, way in ways.missed:
        if way == "outputs":
            yield f"`{step}` may return more than the outputs that were tried"
        else:
            condition = plan.step(step).condition
            yield f"no outputs were found that make `if: {condition}` of `{step}` {way}"
