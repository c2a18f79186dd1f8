"""The pure run: facts go in by `Run.apply`, what to do next comes out of `Run.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsm.run.policy import plan_spec
    from fsm.run.run import Run
    from fsm.run.step import StepRecord

__all__ = ["Run", "StepRecord", "plan_spec"]

_HOMES = {"Run": "run", "StepRecord": "step", "plan_spec": "policy"}


def __getattr__(name: str) -> Any:
    # Who lists runs or reads events builds no machine.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
