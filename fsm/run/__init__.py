"""The pure run: facts go in by `Run.apply`, what to do next comes out of `Run.commands`."""

from fsm.run.policy import plan_spec
from fsm.run.run import Run
from fsm.run.step import StepRecord

__all__ = ["Run", "StepRecord", "plan_spec"]
