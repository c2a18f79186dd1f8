"""fsm: declare multi-step work in YAML, approve it, run it, and resume or roll back when it breaks.

    plan = fsm.load("plan.yaml")
    run = fsm.execute(plan, approve=plan.digest)

Nothing is imported before it is asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without the import
if TYPE_CHECKING:
    from typing import Any

    from fsm.actions.python.skill import ActionFailed, Context, Lack, Secret, Skill
    from fsm.app.api import execute, execute_async, recover, recover_async
    from fsm.app.orchestrator import WorkflowOrchestrator, WorkflowResult
    from fsm.app.skills import load
    from fsm.app.workflow_spec import Phase, WorkflowSpec
    from fsm.errors import FsmError, Invalid, Refused
    from fsm.plan.model import Plan
    from fsm.plan.skill import Needs, Undo
    from fsm.run.run import Run

__version__ = "0.1.0"
__all__ = [
    "ActionFailed",
    "Context",
    "FsmError",
    "Invalid",
    "Lack",
    "Needs",
    "Phase",
    "Plan",
    "Refused",
    "Run",
    "Secret",
    "Skill",
    "Undo",
    "WorkflowOrchestrator",
    "WorkflowResult",
    "WorkflowSpec",
    "execute",
    "execute_async",
    "load",
    "recover",
    "recover_async",
]

_HOMES = {
    "ActionFailed": "actions.python.skill",
    "Context": "actions.python.skill",
    "FsmError": "errors",
    "Invalid": "errors",
    "Lack": "actions.python.skill",
    "Needs": "plan.skill",
    "Phase": "app.workflow_spec",
    "Plan": "plan.model",
    "Refused": "errors",
    "Run": "run.run",
    "Secret": "actions.python.skill",
    "Skill": "actions.python.skill",
    "Undo": "plan.skill",
    "WorkflowOrchestrator": "app.orchestrator",
    "WorkflowResult": "app.orchestrator",
    "WorkflowSpec": "app.workflow_spec",
    "execute": "app.api",
    "execute_async": "app.api",
    "load": "app.skills",
    "recover": "app.api",
    "recover_async": "app.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"fsm.{_HOMES[name]}"), name)
