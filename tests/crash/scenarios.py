"""The plans that are killed, and where each of them must come out, whatever happens on the way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from fsm.plan import Plan, load_plan

__all__ = ["PLANS", "SCENARIOS", "Scenario"]

PLANS = Path(__file__).with_name("plans")


@dataclass(frozen=True)
class Scenario:
    """The plan of that name, and the state in which its run must end.

    `approves`: by an approval that was recorded before. `real`: its steps are commands, and a life that
    nobody kills from within is the real `fsm`.
    """

    name: str
    goal: Literal["completed", "failed", "rolled_back"] = "completed"
    approves: bool = False
    real: bool = False

    @property
    def path(self) -> Path:
        return PLANS / f"{self.name}.yaml"

    @cached_property
    def plan(self) -> Plan:
        return load_plan(self.path)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("forward"),
        Scenario("beside"),
        Scenario("paused", approves=True),
        Scenario("backward", "rolled_back"),
        Scenario("cancelled", "rolled_back"),
        Scenario("undecided", "rolled_back"),
        Scenario("requested", "rolled_back"),
        Scenario("aborted", "failed"),
        Scenario("saved"),
        Scenario("unsaved", "rolled_back"),
        Scenario("commands", "rolled_back", real=True),
        Scenario("abreast", "rolled_back", real=True),
    )
}
