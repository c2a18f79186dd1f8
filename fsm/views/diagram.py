"""State machines and plans as diagrams, in Mermaid or DOT (`fsm diagram`); `picture.py` paints them.

What a caller knows of steps, states and rows goes in as `marks`: see `plan_drawing`, `machine_drawing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsm.views.drawing import Format, Mark, as_text
from fsm.views.machine_drawing import machine_drawing
from fsm.views.picture import Picture
from fsm.views.plan_drawing import plan_drawing

if TYPE_CHECKING:
    from fsm.machine import MachineSpec
    from fsm.plan.model import Plan

__all__ = ["MOST_ARROWS", "Format", "Mark", "machine_diagram", "plan_diagram"]

MOST_ARROWS: Mapping[Format | Picture, int] = {
    "mermaid": 480,
    "dot": 3000,
    "svg": 1000,
    "png": 1000,
}
"""Mermaid draws no more than 500 edges; beyond 3,000 nobody sees anything in any; painting takes its time."""


def machine_diagram(
    spec: MachineSpec,
    format: Format,  # noqa: A002 - the name users know
    marks: Mapping[str | int, Mark] | None = None,
) -> str:
    """The machine in that language; see `machine_drawing`."""
    return as_text(machine_drawing(spec, marks), format)


def plan_diagram(
    plan: Plan,
    format: Format,  # noqa: A002
    marks: Mapping[str, Mark] | None = None,
) -> str:
    """The plan in that language; see `plan_drawing`."""
    return as_text(plan_drawing(plan, MOST_ARROWS[format], marks), format)
