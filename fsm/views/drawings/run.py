"""A run as drawings: its plan coloured by the state of each step, and the machines with where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsm.plan.duration import brief_duration
from fsm.plan.schedule import critical_path
from fsm.views.drawings.drawing import Colour, Drawing, Mark
from fsm.views.drawings.machine import machine_drawing
from fsm.views.drawings.plan import plan_drawing
from fsm.views.text import count, shown, state_words

if TYPE_CHECKING:
    from fsm.machine import MachineSpec
    from fsm.run import Run
    from fsm.run.step import StepRecord
    from fsm.run.timeline import Timeline

__all__ = ["run_drawing", "run_machine_drawing", "run_step_drawing"]

_STATE_COLOURS: Mapping[str, Colour] = {
    "running": "active",
    "interrupted": "doubt",
    "completed": "good",
    "failed": "bad",
    "skipped": "off",
    "rolling_back": "undone",
    "rolled_back": "undone",
    "rollback_failed": "bad",
    "paused": "doubt",
    "aborting": "bad",
    "needs_intervention": "bad",
}
"""The colour of a step, or of a run, in this state; in any other it has none."""


def run_drawing(run: Run, timeline: Timeline, most_arrows: int) -> Drawing:
    """The plan of the run, each step coloured by its state, the path that took longest set apart.

    The critical path is the chain of dependencies whose attempts took longest together, as recorded.
    """
    seconds = {record.id: timeline.seconds(record.id) for record in run.steps}
    path = critical_path(run.plan, seconds)
    said = [f"run {run.run_id}: {_words(run.state)}"]
    if len(path) > 1:
        length = sum(seconds[step] for step in path)
        said.append(
            f"thick: the critical path, {count(len(path), 'step')} in {brief_duration(length)}"
        )
    else:
        path = []  # no step waited for another
    marks = {
        record.id: Mark(colour, tuple(_notes(record, seconds[record.id])))
        for record in run.steps
        if (colour := _STATE_COLOURS.get(record.state))
    }
    return plan_drawing(run.plan, most_arrows, marks, path, subtitle="; ".join(said))


def run_machine_drawing(run: Run, spec: MachineSpec) -> Drawing:
    """The plan's own machine, with the state of the run."""
    mark = Mark(_STATE_COLOURS.get(run.state, "active"), ("the run is here",))
    subtitle = f"run {run.run_id}: {_words(run.state)}"
    return machine_drawing(spec, {run.state: mark}, subtitle)


def run_step_drawing(run: Run, spec: MachineSpec) -> Drawing:
    """The step machine, with the number of the run's steps in each state."""
    counts = Counter(record.state for record in run.steps)
    marks: dict[str | int, Mark] = {
        state: Mark(_STATE_COLOURS.get(state, "off"), (count(number, "step"),))
        for state, number in counts.items()
    }
    return machine_drawing(spec, marks, f"run {run.run_id}: {_words(run.state)}")


def _notes(record: StepRecord, seconds: float) -> list[str]:
    notes = [state_words(record)]
    if record.state in {"failed", "rollback_failed", "interrupted"} and record.error:
        notes.append(shown(record.error))
    attempts = [count(record.attempt, "attempt")] if record.attempt > 1 else []
    took = [brief_duration(seconds)] if seconds else []
    return [*notes, *([", ".join([*attempts, *took])] if attempts or took else [])]


def _words(state: str) -> str:
    return state.replace("_", " ")
