"""Loading: from one file to a resolved plan, or every reason why not.

Pure but for reading that file: no environment, no other file, no clock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from fsm.document import Data, Document, Path, read_document, suggest
from fsm.garbage import uncollected
from fsm.plan.loading.authored import HEAD, STEP, PlanKeys
from fsm.plan.loading.commands import Commands
from fsm.plan.loading.expand import Expander, expand_error_handling
from fsm.plan.loading.findings import STEPS, Findings, quoted, real_path
from fsm.plan.loading.forms import check_forms
from fsm.plan.loading.parameters import merge_params
from fsm.plan.loading.roster import Roster
from fsm.plan.loading.skilled import FindSkills, Skilled
from fsm.plan.loading.texts import May, Texts, Use
from fsm.plan.model import Plan, Source, Step

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["bound", "checked", "is_specification", "load_plan", "read_source", "resolve"]

_PLAN: Path = ("plan",)
_PHASES = frozenset({"workflow_id", "workflowId", "phases"})
_MAX_PARALLEL = 1000


def read_source(path: os.PathLike[str] | str) -> Document:
    """What the file of a plan or a specification holds, for both that load it: a pipe is read but once.

    Raises `Invalid`.
    """
    with uncollected():
        return read_document(path, lenient=True)


def load_plan(
    source: os.PathLike[str] | str | Document,
    *,
    params: Mapping[str, JsonValue] | None = None,
    typed: Mapping[str, str] | None = None,
    parallel: int | None = None,
    skills: FindSkills | None = None,
) -> Plan:
    """The plan that the file declares, in YAML or JSON; a specification of phases (S3) is one, too.

    `source` is the file, or what was read of it (`read_source`).
    `params` override declared parameters, and so do `typed`, as text that is read as what the declared
    value is; `parallel` overrides the plan's own bound. `skills` finds the skills that steps may use; without
    it their calls are taken as they are. Raises `Invalid` with every
    problem found: those of the file, in its order, after those of the arguments.
    """
    with uncollected():
        document = source if isinstance(source, Document) else read_source(source)
        return resolve(document, params=params, typed=typed, parallel=parallel, skills=skills)


def resolve(
    document: Document,
    *,
    params: Mapping[str, JsonValue] | None = None,
    typed: Mapping[str, str] | None = None,
    parallel: int | None = None,
    skills: FindSkills | None = None,
) -> Plan:
    """As `load_plan`, of a document that was read already."""
    if is_specification(document.data):
        from fsm.plan.loading.phases import resolve_phases

        return resolve_phases(
            document, given={**(params or {}), **(typed or {})}, parallel=parallel
        ).plan
    findings = Findings(document)
    raw = _outline(document.data, findings)
    findings.secrets = _named(raw.get("secrets"))
    head = checked(HEAD, {key: raw[key] for key in raw if key != "steps"}, _PLAN, findings) or {}
    steps = _list_of_steps(raw, findings)
    declared = raw.get("params")
    declared = declared if isinstance(declared, dict) else {}
    known = merge_params(declared, params or {}, typed or {}, findings)
    roster = Roster(steps, findings)
    secrets = head.get("secrets", ())
    texts = Texts(known, roster, findings, secrets)
    commands = Commands(texts, secrets, findings)
    skilled = Skilled(skills, head.get("skills", ()), head.get("allowed_skills"), findings)
    expander = Expander(texts, commands, skilled, findings)
    resolved = _steps(steps, roster, expander, findings)
    fields = _head(head, texts, commands)
    if parallel is not None:
        fields["parallel"] = bound(parallel, findings)
    if len(set(secrets)) < len(secrets):
        findings.add((*_PLAN, "secrets"), "`secrets` of the plan names one twice", "once is enough")
    order = roster.order
    findings.raise_if_any()
    fields["skills"] = skilled.stored()
    if more := [name for name in skilled.secrets() if name not in secrets]:
        fields["secrets"] = (*secrets, *more)
    plan = Plan(params=known, steps=tuple(resolved[name] for name in order), **fields)
    return plan.read_from(Source(document.path, document.text))


def is_specification(data: Data) -> bool:
    """Whether a file is a specification of phases (S3): it says so by its keys."""
    return isinstance(data, dict) and "plan" not in data and not data.keys().isdisjoint(_PHASES)


def bound(parallel: int, findings: Findings) -> int:
    """The bound that the command line gives, if it may be one."""
    if isinstance(parallel, bool) or not 1 <= parallel <= _MAX_PARALLEL:
        findings.add_argument(
            f"`--parallel {parallel}` must be a number from 1 to {_MAX_PARALLEL}",
            "say how many steps may run at once",
        )
    return parallel


def _named(secrets: Data) -> Sequence[str]:
    """The names among what stands under `secrets`, whatever else is wrong there."""
    found = secrets if isinstance(secrets, list) else [secrets]
    return [name for name in found if isinstance(name, str)]


def _outline(data: Data, findings: Findings) -> dict[str, Data]:
    """What stands under `plan:`. Raises `Invalid` if there is no such thing."""
    if not isinstance(data, dict) or "plan" not in data:
        keys = data if isinstance(data, dict) else {}
        near = next((key for key in keys if suggest(key, ["plan"])), None)
        if "steps" in keys:
            findings.add((), "the file declares no plan", "put all of it under `plan:`")
        elif near is not None:
            hint = "did you mean `plan`?"
            findings.add((near,), f"the file has no key `{quoted(near)}`", hint)
        else:
            findings.add((), "the file declares no plan", "begin it with `plan:`")
        findings.raise_if_any()
    assert isinstance(data, dict)
    for key in data:
        if key != "plan":
            known = key in PlanKeys.__annotations__
            hint = "move it under `plan:`" if known else "the only one is `plan`"
            findings.add((key,), f"the file has no key `{quoted(key)}`", hint)
    plan = data["plan"]
    if not isinstance(plan, dict):
        what = "is empty" if plan is None else "must be a mapping"
        findings.add(_PLAN, f"the plan {what}", "give it an `id` and `steps`")
        findings.raise_if_any()
    assert isinstance(plan, dict)
    return plan


def _list_of_steps(raw: Mapping[str, Data], findings: Findings) -> list[Data]:
    if "steps" not in raw:
        findings.add(_PLAN, "the plan has no `steps`", "it needs one or more")
        return []
    steps = raw["steps"]
    if isinstance(steps, list) and steps:
        return steps
    what = "is empty" if not steps else "must be a list"
    findings.add(STEPS, f"`steps` of the plan {what}", "begin each step with `- id:`")
    return []


def _steps(
    steps: list[Data], roster: Roster, expander: Expander, findings: Findings
) -> dict[str, Step]:
    resolved = {}
    for index, raw in enumerate(steps):
        path: Path = (*STEPS, index)
        if isinstance(raw, dict):
            check_forms(raw, path, findings)
        typed = checked(STEP, raw, path, findings)
        if typed is not None:
            name = roster.id_at(index)
            step = expander.step(typed, index, name, roster.dependencies.get(name, ()))
            if step is not None:
                resolved[name] = step
    return resolved


def checked(
    adapter: TypeAdapter[Any],
    raw: Data,
    path: Path,
    findings: Findings,
    needed: Sequence[str] = ("id",),
) -> Mapping[str, Any] | None:
    """The mapping as `adapter` reads it; None if it is none.

    Its faults go to `findings`. What is faulty is left out, so that the rest can still be looked at, and
    something is put in for the texts that are `needed`.
    """
    rest = raw
    while True:
        try:
            typed: Mapping[str, Any] = adapter.validate_python(rest)
        except ValidationError as error:
            if rest is raw:
                from fsm.plan.loading.wording import explain

                explain(error, path, findings)
            if not isinstance(rest, dict):
                return None
            rest = _pruned(rest, [d["loc"] for d in error.errors(include_input=False)])
            rest = {**dict.fromkeys(needed, "unknown"), **rest}
        else:
            return typed


def _pruned(raw: Mapping[str, Data], faulty: Iterable[Path]) -> dict[str, Data]:
    """A copy of `raw` without what is at the faulty places.

    What a list holds goes with the list, and a mapping that lacks a key goes as a whole.
    """
    pruned = dict(raw)
    for path in faulty:
        keys = list(takewhile(lambda key: isinstance(key, str), real_path(pruned, path)))
        inner: Any = pruned
        for key in keys[:-1]:
            inner[key] = dict(inner[key])
            inner = inner[key]
        if keys:
            del inner[keys[-1]]
    return pruned


def _head(head: Mapping[str, Any], texts: Texts, commands: Commands) -> dict[str, Any]:
    """The plan's own fields. Values equal to their default may be there or not."""
    fields: dict[str, Any] = {"id": head["id"], "name": head["id"]} if head else {}
    for key in ("name", "description"):
        if key in head:
            fields[key] = texts.now(head[key], (*_PLAN, key))
    if "env" in head:
        use = Use((*_PLAN, "env"), "", May.PLAN)
        fields["env"], fields["required_env"] = commands.env(head["env"], use)
    if "error_handling" in head:
        fields["error_handling"] = expand_error_handling(head["error_handling"])
    for key in ("parallel", "checkpoint_interval", "secrets"):
        if key in head:
            fields[key] = tuple(head[key]) if key == "secrets" else head[key]
    return fields
