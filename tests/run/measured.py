"""The metrics of a journal that was made up."""

from __future__ import annotations

from collections.abc import Iterable

from fsm.plan.model import Plan
from fsm.run import Run
from fsm.run import events as on
from fsm.run.metrics import Meter, RunMetrics

__all__ = ["measure"]


def measure(plan: Plan, facts: Iterable[tuple[float, on.Event]], run_id: str = "") -> RunMetrics:
    """The metrics of the run that these facts, each with its time, lead to."""
    run, meter = Run(plan, run_id), Meter()
    for at, event in facts:
        run.apply(event)
        meter.observe(run, at, event)
    return meter.metrics(run)
