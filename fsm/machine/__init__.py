"""State machines as tables: declare one in YAML, have it proved, drive records with it.

It knows nothing of plans; the plan and step machines are two tables beside it (`tables/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsm.machine.conditions import Condition, Conditions, Stateful
from fsm.machine.machine import Machine
from fsm.machine.shipped import load_table
from fsm.machine.spec import MachineSpec, Row, StateSpec

if TYPE_CHECKING:
    from fsm.machine.load import load_machine, parse_machine
    from fsm.machine.proof import Finding, prove

__all__ = [
    "Condition",
    "Conditions",
    "Finding",
    "Machine",
    "MachineSpec",
    "Row",
    "StateSpec",
    "Stateful",
    "load_machine",
    "load_table",
    "parse_machine",
    "prove",
]


def __getattr__(name: str) -> Any:
    # A run drives tables that were read and proved long before it.
    if name in ("load_machine", "parse_machine"):
        from fsm.machine import load

        return getattr(load, name)
    if name in ("Finding", "prove"):
        from fsm.machine import proof

        return getattr(proof, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
