"""S3's specification of a workflow in phases: another way to declare a plan, which means the same things.

A phase is a step whose command is text for a shell, and braces in it are braces: there are no templates. In
this format a failure skips what depends on the phase while the others go on; a phase has 300 seconds and
three attempts; and since S3's recovery begins with the phase that was cut short, each may run twice.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from fsm.document import Data, Document, Path
from fsm.plan.loading.adapter import KEYS
from fsm.plan.loading.findings import PHASES, Findings, quoted
from fsm.plan.loading.load import bound, checked, is_specification, read_source
from fsm.plan.loading.roster import Roster
from fsm.plan.loading.values import Attempts, Dependencies, Id, Text, Timeout
from fsm.plan.model import Call, Plan, Retry, Source, Step

__all__ = ["Backend", "Phase", "Shape", "Specification", "load_specification", "resolve_phases"]

Backend = Literal["json", "sqlite", "redis"]

_TIMEOUT_SECONDS = 300.0
_ATTEMPTS = 3


class Phase(TypedDict, total=False):
    """One phase as its author types it."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    name: Required[Id]
    command: Required[Text]
    timeout: Timeout
    retry_count: Attempts
    depends_on: Dependencies
    checkpoint: bool


class _Head(TypedDict, total=False):
    """A specification without its phases."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    workflow_id: Required[Id]
    state_backend: Backend
    checkpoint_interval: Annotated[int, Field(ge=1)]


class Shape(_Head, total=False):
    """A specification as its author types it."""

    __pydantic_config__ = KEYS  # type: ignore[misc]

    phases: Required[list[Phase]]


@dataclass(frozen=True, slots=True)
class Specification:
    """A workflow in phases as the plan that it means, and where it wants its state kept."""

    plan: Plan
    state_backend: Backend = "json"


def load_specification(
    source: os.PathLike[str] | str | Document,
    *,
    given: Collection[str] = (),
    parallel: int | None = None,
) -> Specification | None:
    """The specification in that file, or in what was read of it; `None` if it is none but, at most, a plan.

    `given` names the parameters that the caller would set: there are none. Raises `Invalid` with every
    problem, as `load_plan` does.
    """
    document = source if isinstance(source, Document) else read_source(source)
    if not is_specification(document.data):
        return None
    return resolve_phases(document, given=given, parallel=parallel)


def resolve_phases(
    document: Document,
    *,
    given: Collection[str] = (),
    parallel: int | None = None,
) -> Specification:
    """As `load_specification`, of a document that was read already and is one."""
    assert isinstance(document.data, dict)
    raw = document.data
    findings = Findings(document, PHASES)
    for name in given:
        hint = "a plan has them: a file that begins with `plan:`"
        told = f"`--param {quoted(name)}`: a specification of phases has no parameters"
        findings.add_argument(told, hint)
    head = checked(
        TypeAdapter(_Head),
        {key: raw[key] for key in raw if key != "phases"},
        (),
        findings,
        needed=("workflow_id",),
    )
    phases = _list_of_phases(raw, findings)
    roster = Roster(phases, findings)
    steps = _steps(phases, roster, findings)
    fields: dict[str, Any] = {"parallel": 1 if parallel is None else bound(parallel, findings)}
    order = roster.order
    findings.raise_if_any()
    assert head is not None
    if "checkpoint_interval" in head:
        fields["checkpoint_interval"] = head["checkpoint_interval"]
    workflow = head["workflow_id"]
    plan = Plan(id=workflow, name=workflow, steps=tuple(steps[n] for n in order), **fields)
    plan = plan.read_from(Source(document.path, document.text))
    return Specification(plan, head.get("state_backend", "json"))


def _list_of_phases(raw: Mapping[str, Data], findings: Findings) -> list[Data]:
    if "phases" not in raw:
        findings.add((), "the specification has no `phases`", "it needs one or more")
        return []
    phases = raw["phases"]
    if isinstance(phases, list) and phases:
        return phases
    what = "is empty" if not phases else "must be a list"
    hint = "each phase is a mapping with `name` and `command`"
    findings.add(("phases",), f"`phases` of the specification {what}", hint)
    return []


def _steps(phases: list[Data], roster: Roster, findings: Findings) -> dict[str, Step]:
    adapter: TypeAdapter[Any] = TypeAdapter(Phase)
    resolved = {}
    for index, raw in enumerate(phases):
        path: Path = (*PHASES.steps, index)
        typed = checked(adapter, raw, path, findings, needed=("name", "command"))
        name = roster.id_at(index)
        if typed is not None and name:
            resolved[name] = _step(name, typed, roster.dependencies.get(name, ()))
    return resolved


def _step(name: str, typed: Mapping[str, Any], depends_on: tuple[str, ...]) -> Step:
    return Step(
        id=name,
        name=name,
        call=Call(skill="shell", action="run", params={"command": typed["command"]}),
        depends_on=depends_on,
        timeout_seconds=typed.get("timeout", _TIMEOUT_SECONDS),
        retry=Retry(attempts=typed.get("retry_count", _ATTEMPTS)),
        idempotent=True,
        on_failure="skip_dependents",
        checkpoint=typed.get("checkpoint", True),
    )
