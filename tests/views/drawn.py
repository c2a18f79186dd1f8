"""Drawings, machines and plans as the texts that the tests look at."""

from __future__ import annotations

from collections.abc import Mapping

from fsm.machine import MachineSpec
from fsm.plan.model import Plan
from fsm.views.drawings.drawing import MOST_ARROWS, Drawing, Mark
from fsm.views.drawings.machine import machine_drawing
from fsm.views.drawings.plan import plan_drawing
from fsm.views.drawings.sheet import DrawingSheet

__all__ = ["as_text", "machine_diagram", "plan_diagram"]


def as_text(drawing: Drawing, language: str) -> str:
    """The drawing in Mermaid or DOT, with its trailing newline."""
    sheet = DrawingSheet(drawing)
    return sheet.mermaid() if language == "mermaid" else sheet.dot()


def machine_diagram(
    spec: MachineSpec, language: str, marks: Mapping[str | int, Mark] | None = None
) -> str:
    return as_text(machine_drawing(spec, marks), language)


def plan_diagram(plan: Plan, language: str, marks: Mapping[str, Mark] | None = None) -> str:
    return as_text(plan_drawing(plan, MOST_ARROWS[language], marks), language)
