"""When the steps of a plan begin and end if each takes so long, and which of them the end waits for."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["critical_path", "schedule"]


def critical_path(plan: Plan, seconds: Mapping[str, float]) -> list[str]:
    """The chain of steps, each depending on the one before it, that takes longest; [] if none takes time.

    A step without seconds takes none. Of equally long chains the one whose steps come first.
    """
    longest: dict[str, float] = {}
    before: dict[str, str] = {}
    for step in plan.steps:  # in execution order: dependencies first
        waits_for = max(step.depends_on, key=longest.__getitem__, default=None)
        if waits_for is not None:
            before[step.id] = waits_for
        longest[step.id] = seconds.get(step.id, 0.0) + longest.get(waits_for or "", 0.0)
    last: str | None = max(longest, key=longest.__getitem__)
    path: list[str] = []
    while last is not None and longest[last] > 0:
        path.append(last)
        last = before.get(last)
    return path[::-1]


def schedule(plan: Plan, seconds: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """When each step begins and ends, from 0, if it takes `seconds` and nothing fails.

    As a run does it: in execution order, each once its dependencies have ended, as many at once as the plan
    allows. Of steps that could begin at the same moment the first in order does.
    """
    times: dict[str, tuple[float, float]] = {}
    in_flight: list[tuple[float, int]] = []
    waiting = {step.id: len(step.depends_on) for step in plan.steps}
    after: dict[str, list[int]] = {step.id: [] for step in plan.steps}
    for place, step in enumerate(plan.steps):
        for dependency in step.depends_on:
            after[dependency].append(place)
    ready = [place for place, step in enumerate(plan.steps) if not waiting[step.id]]
    now = 0.0
    while ready or in_flight:
        while ready and len(in_flight) < plan.parallel:
            place = heappop(ready)
            name = plan.steps[place].id
            times[name] = (now, now + seconds[name])
            heappush(in_flight, (times[name][1], place))
        now, ended = heappop(in_flight)
        for place in after[plan.steps[ended].id]:
            waiting[plan.steps[place].id] -= 1
            if not waiting[plan.steps[place].id]:
                heappush(ready, place)
    return times
