"""State machines as tables: declare one in YAML, have it proved, drive records with it.

It knows nothing of plans; the plan and step machines are two tables beside it (`tables/`).
"""

from __future__ import annotations

from fsm.machine.conditions import Condition, Conditions, Stateful
from fsm.machine.load import load_machine, load_table, parse_machine
from fsm.machine.machine import Machine
from fsm.machine.proof import Finding, prove
from fsm.machine.spec import MachineSpec, Row, StateSpec

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
