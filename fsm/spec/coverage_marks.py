"""What was exercised, as colours of a drawing: green all of it, yellow a part, red nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsm.spec.coverage import row_name
from fsm.views.drawings.drawing import Colour, Mark

if TYPE_CHECKING:
    from fsm.machine import MachineSpec
    from fsm.plan.model import Plan
    from fsm.spec.coverage import Coverage

__all__ = ["row_marks", "step_marks"]


def step_marks(plan: Plan, coverage: Coverage) -> Mapping[str, Mark]:
    """For each step the paths of it that no scenario went; none if all were gone."""
    marks = {}
    for step in plan.steps:
        prefix = f"step {step.id}: "
        paths = [name for name in coverage.there if name.startswith(prefix)]
        missed = [name.removeprefix(prefix) for name in paths if name not in coverage.exercised]
        notes = tuple(f"never: {path}" for path in missed) or ("all exercised",)
        colour: Colour = "doubt" if missed else "good"
        marks[step.id] = Mark("bad" if len(missed) == len(paths) else colour, notes)
    return marks


def row_marks(machine: str, spec: MachineSpec, coverage: Coverage) -> Mapping[str | int, Mark]:
    """For each row, by its index, whether it was taken; a row that need not be taken has no mark."""
    marks: dict[str | int, Mark] = {}
    for index, row in enumerate(spec.rows):
        name = row_name(machine, row)
        if name in coverage.exercised:
            marks[index] = Mark("good")
        elif name in coverage.there:
            marks[index] = Mark("bad", ("never taken",))
    return marks
