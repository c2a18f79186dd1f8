"""S3's specification of a workflow, as Python values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["Phase", "WorkflowSpec", "phases_of", "spec_of", "specification"]


class Phase(BaseModel):
    """One phase. Without a `command` it must be bound to one, or to a function. `timeout` is in seconds."""

    model_config = ConfigDict(extra="forbid")

    name: str
    command: str | None = None
    timeout: float = 300
    retry_count: int = 3
    depends_on: list[str] = []
    checkpoint: bool = True


class WorkflowSpec(BaseModel):
    """A workflow; `checkpoint_interval` asks for further checkpoints, each after so many events."""

    model_config = ConfigDict(extra="forbid")

    workflow_id: str
    phases: list[Phase]
    state_backend: Literal["json", "sqlite", "redis"] = "json"
    checkpoint_interval: int | None = None

    @classmethod
    def parse_file(cls, path: str | os.PathLike[str], **_: Any) -> WorkflowSpec:
        """The specification in that file, JSON or YAML (S3). Raises `Invalid` with every problem's place."""
        from fsm.plan import load_specification

        read = load_specification(Path(path))
        if read is None:
            hint = "load a plan with fsm.load, and run it with fsm.execute"
            raise Invalid([Problem("is no specification of phases", hint, path=os.fspath(path))])
        return spec_of(read.plan).model_copy(update={"state_backend": read.state_backend})


def phases_of(given: Iterable[Phase | Mapping[str, Any] | str]) -> list[Phase]:
    """The phases that are given as such, as mappings, or by name, each after the one before it."""
    phases: list[Phase] = []
    before: list[str] = []
    for one in given:
        if isinstance(one, str):
            phases.append(Phase(name=one, depends_on=before))
        else:
            phases.append(Phase.model_validate(one))
        before = [phases[-1].name]
    return phases


def specification(
    given: WorkflowSpec | Mapping[str, Any] | str | os.PathLike[str],
) -> WorkflowSpec:
    """A specification of one's own, so that binding changes no one else's."""
    if isinstance(given, WorkflowSpec):
        return given.model_copy(deep=True)
    if isinstance(given, Mapping):
        return WorkflowSpec.model_validate(given)
    return WorkflowSpec.parse_file(given)


def spec_of(plan: Plan) -> WorkflowSpec:
    """The specification that means this plan; a phase that calls a function has no command."""
    return WorkflowSpec(
        workflow_id=plan.id,
        phases=[
            Phase(
                name=step.id,
                command=str(command) if (command := step.call.params.get("command")) else None,
                timeout=step.timeout_seconds or 300,
                retry_count=step.retry.attempts,
                depends_on=list(step.depends_on),
                checkpoint=step.checkpoint,
            )
            for step in plan.steps
        ],
        checkpoint_interval=plan.checkpoint_interval,
    )
