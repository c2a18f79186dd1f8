"""Proof before running: what may happen to a run of a plan, explored on the pure core."""

from __future__ import annotations

from fsm.run.explore.exploration import Exploration, explore
from fsm.run.explore.findings import KINDS, Finding, Kind
from fsm.run.explore.outputs import stand_ins
from fsm.run.explore.scenario import Act, Scenario, play
from fsm.run.explore.search import Bounds

__all__ = [
    "KINDS",
    "Act",
    "Bounds",
    "Exploration",
    "Finding",
    "Kind",
    "Scenario",
    "explore",
    "play",
    "stand_ins",
]
