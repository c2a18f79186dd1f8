"""`commands` costs what is ready, not what exists: ten times the steps, about ten times the work.

What one call looks at is counted, in lines of code that are run. What a whole run costs is measured: each
ratio is taken in one process, from the better of two rounds; 25 leaves room for the logarithm of the heap and
for a busy machine, where caches make it 15. What is quadratic shows as 100.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import pytest

from fsm.plan.model import Plan, Step
from fsm.run import Run
from fsm.run import commands as do
from fsm.run import events as on

from .plans import UNDO, plan, step

BOUND = 25.0


def started(of: Plan) -> Run:
    said = [
        on.RunApproved(of.digest, "ann", "yes"),
        on.RunValidated(of.digest),
        on.RunStarted(),
    ]
    return Run.fold(of, said)


def drive(run: Run) -> list[on.Event]:
    """Carry everything out, each step done as soon as no other can start; returns the journal."""
    flights: deque[on.Event] = deque()
    journal: list[on.Event] = []

    def say(event: on.Event) -> None:
        run.apply(event)
        journal.append(event)

    while True:
        for command in run.commands(0.0):
            match command:
                case do.StartStep(name, attempt):
                    say(on.StepStarted(name, attempt))
                    flights.append(on.StepCompleted(name, attempt))
                case do.UndoStep(name, attempt):
                    say(on.UndoStarted(name, attempt))
                    flights.append(on.UndoCompleted(name, attempt))
                case do.SkipStep(name):
                    say(on.StepSkipped(name))
                    break
        else:
            if not flights:
                return journal
            say(flights.popleft())


def layered(count: int, condition: str | None = None) -> list[Step]:
    """Layers of ten; each step needs three of the layer before."""
    steps: list[Step] = []
    for index in range(count):
        layer = index - index % 10 - 10
        needs = [f"s{layer + (index + k) % 10}" for k in range(3)] if layer >= 0 else []
        steps.append(step(f"s{index}", *needs, rollback=UNDO, condition=condition))
    return steps


def wide(count: int, condition: str | None = None) -> list[Step]:
    return [step(f"s{index}", rollback=UNDO, condition=condition) for index in range(count)]


def seconds(work: Callable[[], None]) -> float:
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()


def forward(of: Plan) -> float:
    run = started(of)

    def work() -> None:
        drive(run)

    took = seconds(work)
    assert run.state == "completed"
    return took


def backward(of: Plan) -> float:
    run = started(of)
    drive(run)
    run.apply(on.RollbackRequested())

    def work() -> None:
        drive(run)

    took = seconds(work)
    assert run.state == "rolled_back"
    return took


def refolded(of: Plan) -> float:
    run = started(of)
    journal = drive(run)

    def work() -> None:
        again = started(of)
        for event in journal:
            again.apply(event)

    return seconds(work)


SHAPES: dict[str, Callable[[int], Plan]] = {
    "layered": lambda count: plan(*layered(count)),
    "layered, 16 at once": lambda count: plan(*layered(count), parallel=16),
    "wide, 16 at once": lambda count: plan(*wide(count), parallel=16),
    "one chain": lambda count: plan(
        *(step(f"s{i}", *([f"s{i - 1}"] if i else []), rollback=UNDO) for i in range(count))
    ),
    "all skipped": lambda count: plan(*wide(count, "false")),
    "all skipped, 16 at once": lambda count: plan(*wide(count, "false"), parallel=16),
    "all with a condition": lambda count: plan(*layered(count, "true"), parallel=16),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_times_the_steps_cost_about_ten_times_as_much(shape: str) -> None:
    small, large = SHAPES[shape](1_000), SHAPES[shape](10_000)
    _assert_linear(shape, forward, small, large)


@pytest.mark.parametrize("work", [backward, refolded])
def test_so_do_rolling_back_and_replaying(work: Callable[[Plan], float]) -> None:
    small, large = (plan(*layered(count), parallel=16) for count in (1_000, 10_000))
    _assert_linear(work.__name__, work, small, large)


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of fsm's own code that runs, each turn of a loop counted."""
    ran = 0

    def look(frame: FrameType, event: str, _: object) -> Callable[..., object] | None:
        nonlocal ran
        if frame.f_globals.get("__name__", "").partition(".")[0] != "fsm":
            return None
        ran += event == "line"
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        work()
    finally:
        sys.settrace(before)
    return ran


def mid_way(of: Plan) -> Run:
    """Half of its steps are done, and as many as may be are in flight but one."""
    run = started(of)
    for index in range(len(of.steps) // 2):
        run.apply(on.StepStarted(f"s{index}", 1))
        run.apply(on.StepCompleted(f"s{index}", 1))
    for _ in range(of.parallel - 1):
        (command, *_) = run.commands(0.0)
        assert isinstance(command, do.StartStep)
        run.apply(on.StepStarted(command.step, command.attempt))
    return run


def going_back(of: Plan) -> Run:
    run = started(of)
    drive(run)
    run.apply(on.RollbackRequested())
    return run


def interrupted(of: Plan) -> Run:
    """What was in flight when the runner died, of steps that may run again."""
    run = mid_way(replace(of, steps=tuple(replace(each, idempotent=True) for each in of.steps)))
    run.apply(on.RunnerLost())
    run.apply(on.RunResumed(run.plan.digest))
    return run


@pytest.mark.parametrize("where", [started, mid_way, going_back, interrupted])
@pytest.mark.parametrize("shape", [layered, wide])
def test_asking_looks_at_what_is_ready_however_many_steps_there_are(
    shape: Callable[[int], list[Step]], where: Callable[[Plan], Run]
) -> None:
    asked = []
    for count in (40, 4_000):
        run = where(plan(*shape(count), parallel=4))
        assert run.commands(0.0)
        asked.append(lines_run(lambda run=run: run.commands(0.0)))  # type: ignore[misc]
    assert asked[0] == asked[1] > 0


@pytest.mark.parametrize("shape", [layered, wide])
def test_taking_a_fact_looks_at_what_depends_on_it_however_many_steps_there_are(
    shape: Callable[[int], list[Step]],
) -> None:
    taken = []
    for count in (40, 4_000):
        run = mid_way(plan(*shape(count), parallel=4))
        step = next(iter(run.in_flight.values())).id
        taken.append(lines_run(lambda run=run, step=step: run.apply(on.StepCompleted(step, 1))))  # type: ignore[misc]
    assert taken[0] == taken[1] > 0


def _assert_linear(name: str, work: Callable[[Plan], float], small: Plan, large: Plan) -> None:
    ratios = []
    for _ in range(2):
        of_small = min(work(small) for _ in range(2))
        of_large = work(large)
        ratios.append(of_large / of_small)
        print(f"\n{name}: {of_small * 1e3:.0f} ms for 1,000, {of_large * 1e3:.0f} ms for 10,000")
        if ratios[-1] <= BOUND:
            return
    assert min(ratios) <= BOUND
