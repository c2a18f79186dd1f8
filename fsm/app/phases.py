"""What S3 asks about a workflow in phases: may each run here, and what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.app.workspace import Workspace
    from fsm.document import Document
    from fsm.plan.model import Plan
    from fsm.run import Run, StepRecord

__all__ = ["answers_of", "can_run", "results_of"]


def can_run(workspace: Workspace, plan: Plan) -> dict[str, bool]:
    """`{"p1_cmd": …, "p1_deps": …}`: whether its command is there; a plan that loads has its dependencies."""
    return asyncio.run(_can_run(workspace, plan))


async def _can_run(workspace: Workspace, plan: Plan) -> dict[str, bool]:
    site = workspace.site("preflight", plan, workspace.cwd)
    actions = workspace.actions_of(plan)
    found: dict[str, bool] = {}
    for step in plan.steps:
        action, call = actions.get(step.call.skill), step.call
        if action is None:
            found[f"{step.id}_cmd"] = False
        else:
            seen = await action.inspect(
                call.action, call.params, site.folder(step), site.declared(step), site.secrets
            )
            found[f"{step.id}_cmd"] = not any(seen.values())
        found[f"{step.id}_deps"] = True
    return found


def answers_of(document: Document) -> dict[str, bool]:
    """The same of a specification that cannot be resolved: a dependency that is not there is false (S3).

    Empty if the document is none, or if its phases cannot even be told apart.
    """
    from fsm.app.orchestrator import WorkflowOrchestrator
    from fsm.errors import Invalid
    from fsm.plan.loading.load import is_specification

    data = document.data
    try:
        if isinstance(data, dict) and is_specification(data):
            return WorkflowOrchestrator(data).validate()
    except (Invalid, ValueError):
        pass
    return {}


def results_of(workspace: Workspace, run: Run) -> dict[str, dict[str, JsonValue]]:
    """What came of each phase (`fsm.views.phases`); what a command printed is read from its log, masked."""
    from fsm.actions.output.log import read_tail
    from fsm.views.phases import phase_results

    site = workspace.site(run.run_id, run.plan, workspace.cwd)

    def printed(record: StepRecord) -> str:
        log = workspace.logs / run.run_id / f"{record.id}.{record.attempt}.log"
        return read_tail(str(log), site.secrets)

    return phase_results(run, printed)
