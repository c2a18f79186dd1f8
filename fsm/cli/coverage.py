"""What specifications exercised, as `fsm test` shows it: in lines, and coloured on a diagram."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsm.cli.output import Output
from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.spec.coverage import Coverage
    from fsm.views.drawings.sheet import Sheet

__all__ = ["VIEWS", "draw", "show"]

VIEWS = ("plan", "machine", "step")


def show(output: Output, covered: Sequence[Coverage]) -> None:
    """A line for each plan and machine, and below it what was missed."""
    for each in covered:
        of = f"{each.covered} of {len(each.there)}"
        output.line(f"\n{os.path.relpath(each.file)}: {each.percent:.0f} % exercised, {of}")
        for name in each.missed:
            output.line(f"  ✗ {name}")


def draw(covered: Sequence[Coverage], target: str, view: str) -> None:
    """Write the drawing of the one plan or machine that was exercised, coloured by that, to a file.

    Raises `Invalid` if there are several, or if it cannot be written.
    """
    from fsm.cli.pictures import chosen, put

    files = [os.path.relpath(each.file) for each in covered]
    if len(files) != 1:
        what = f"the scenarios are about {', '.join(files) or 'nothing that can be drawn'}"
        raise Invalid([Problem(what, "name the features of one plan or machine for --diagram")])
    quiet = Output(json=False)
    language = chosen(quiet, None, target, files[0])
    put(quiet, {}, _sheet(covered[0], files[0], view, language), language, target)


def _sheet(coverage: Coverage, file: str, view: str, language: str) -> Sheet:
    from fsm.cli.diagrams import machine_of
    from fsm.cli.options import read_plan
    from fsm.cli.pictures import is_machine, most_arrows
    from fsm.machine import load_machine
    from fsm.spec.coverage_marks import row_marks, step_marks
    from fsm.views.drawings.machine import machine_drawing
    from fsm.views.drawings.plan import plan_drawing
    from fsm.views.drawings.sheet import DrawingSheet

    subtitle = f"{coverage.percent:.0f} % exercised"
    if is_machine(file):
        spec = load_machine(file)
        name = spec.name
    else:
        plan = read_plan(file, (), None)
        if view == "plan":
            marks = step_marks(plan, coverage)
            drawing = plan_drawing(plan, most_arrows(language), marks, subtitle=subtitle)
            return DrawingSheet(drawing)
        spec = machine_of(plan, view)
        name = "plan" if view == "machine" else "step"
    return DrawingSheet(machine_drawing(spec, row_marks(name, spec, coverage), subtitle), spec)
