"""Exploring a plan, beside applying as many facts to one run of it, both on the pure core.

`python explored.py twelve|thousand explore|apply`: twelve steps of every kind, four at once, whole; or a
thousand one after another, with one failure. Tells the CPU and wall seconds, and the ways or facts.
"""

from __future__ import annotations

import sys

from meter import Meter, say

from fsm.plan.model import Call, Plan, Retry, Rollback, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.run.explore import Bounds, explore
from fsm.run.explore.moves import begin

CALL = Call(skill="noop", action="pass")
UNDO = Rollback(call=CALL)
STARTED = Rollback(call=CALL, on="started")


def main() -> None:
    which, what = sys.argv[1:]
    plan = _twelve() if which == "twelve" else _thousand()
    meter = Meter()
    if what == "explore":
        bounds = Bounds() if which == "twelve" else Bounds(1, 1)
        found = explore(plan, bounds)
        assert not found.cut
        say({**meter.read(), "count": found.ways})
    else:
        count = _applied(plan)
        say({**meter.read(), "count": count})


def _applied(plan: Plan) -> int:
    """Runs of the plan forward, over and over: so many facts."""
    count = 0
    while count < 20_000:
        run = Run(plan)
        begin(run, run.apply)
        while run.state == "running":
            record = next(iter(run.in_flight.values()))
            run.apply(on.StepCompleted(record.id, record.attempt))
            for command in run.commands(0.0):
                run.apply(on.StepStarted(command.step, command.attempt))  # type: ignore[union-attr]
            count += 2
    return count


def _twelve() -> Plan:
    steps = [
        Step(
            id=f"s{n}",
            name=f"s{n}",
            call=CALL,
            rollback=(None, UNDO, STARTED)[n % 3],
            retry=Retry(attempts=1 + n % 2),
        )
        for n in range(12)
    ]
    return Plan(id="twelve", name="twelve", parallel=4, steps=tuple(steps))


def _thousand() -> Plan:
    steps = [
        Step(
            id=f"s{n}",
            name=f"s{n}",
            call=CALL,
            rollback=UNDO,
            depends_on=(f"s{n - 1}",) if n else (),
        )
        for n in range(1000)
    ]
    return Plan(id="thousand", name="thousand", steps=tuple(steps))


main()
