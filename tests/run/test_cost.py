"""`commands` costs what is ready, not what exists: ten times the steps, about ten times the work.

Each ratio is taken in one process, from the better of two rounds; 25 leaves room for the logarithm of the
heap and for a busy machine, where caches make it 15. What is quadratic shows as 100.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable

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
