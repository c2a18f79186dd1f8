"""Preflight: everything that can be found out before anything happens (S0, "Validation Phase").

Nothing here changes the world: commands are looked up, not run; only a step's own `dry_run` runs, whose
author promises that it has no effect.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fsm.engine.attempts import within
from fsm.engine.findings import DryRun, Findings, Noted, StepFindings
from fsm.engine.ports import Failed
from fsm.engine.to_come import ToCome, without
from fsm.errors import Problem
from fsm.plan.template import TemplateError, references, templates

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import JsonValue

    from fsm.engine.ports import Action, Aspect, Inspection
    from fsm.engine.site import Site
    from fsm.plan.model import Call, Plan, Step

__all__ = ["Findings", "exposed", "preflight", "unset"]

_TURN_SECONDS = 0.05
_OWN_DESCRIPTORS = 16
"""About as many files are open beside those of the steps: the store, the lock, the channel to the shim, …"""


async def preflight(site: Site, actions: Mapping[str, Action]) -> Findings:
    """Check the site's plan against this machine, and make the dry run of each step that is well.

    Checked are: secrets and declared environment, working folders, skills, and what each action says of
    each of its calls (a missing command, a wrong parameter, a syntax error of the shell). A dry run is made
    if nothing of this is wrong with its step or any before it; one that fails keeps no other from being made.
    """
    noted = Noted(site.plan)
    if problems := exposed(site.plan, site.environ):
        noted.note(problems, "inputs")  # what comes after could show the value
        return Findings(1, noted.faults)
    noted.note(_environment(site), "permissions")
    noted.note(_descriptors(site.plan), "permissions")
    checks = 1 + len(site.plan.secrets) + len(site.plan.required_env)
    others, to_come = _Others(), ToCome(site)
    folders: dict[str | None, Inspection] = {}
    looked_at = []
    for step in site.plan.steps:
        if step.cwd not in folders:
            folders[step.cwd] = _folder(site.folder(step), named=step.cwd is not None)
        await others()
        count, aspects = await _look(step, site, actions, folders[step.cwd], to_come, noted)
        checks += count
        looked_at.append(aspects)
    rows = []
    is_well, is_first = not noted.is_of_the_plan, True
    for step, aspects in zip(site.plan.steps, looked_at, strict=True):
        is_well = is_well and all(aspects.values())
        await others()
        can_be = is_well and not folders[step.cwd].get("targets")
        dry_run, needs = await _try(step, site, actions, noted, is_well=can_be, is_first=is_first)
        is_first = is_first and step.read_only
        checks += dry_run in ("ok", "failed")
        rows.append(StepFindings(step.id, aspects, dry_run, needs))
    return Findings(checks, noted.faults, rows)


def unset(site: Site) -> Sequence[Problem]:
    """The secrets and the declared environment that are not set: asked of every process that runs steps."""
    noted = Noted(site.plan)
    noted.note(exposed(site.plan, site.environ), "inputs")
    noted.note(_environment(site), "permissions")
    for step in site.plan.steps_with("required_env"):
        noted.note(_unset(step.required_env, site), "permissions", step)
    return [fault.problem for fault in noted.faults]


def exposed(plan: Plan, environ: Mapping[str, str]) -> Sequence[Problem]:
    """The secrets whose values stand in the plan: it may not even be shown."""
    return [
        Problem(
            f"the value of the secret {name} stands in the plan",
            f"take it out; steps find it in their environment as ${name}",
        )
        for name in plan.secrets
        if _shows(plan.document, environ.get(name, "").encode(errors="surrogateescape"))
    ]


def _shows(document: bytes, value: bytes) -> bool:
    """Whether the value, if it is not too short to tell, stands there as it is or encoded."""
    if len(value) < 8:
        return False
    from fsm.engine.encoded import encoded

    return any(form in document for form in (value, *encoded(value)))


class _Others:
    """Lets the others on the loop have a turn now and then: what stops this, or a caller's own tasks."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def __call__(self) -> None:
        if time.monotonic() - self._since > _TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = time.monotonic()


async def _look(
    step: Step,
    site: Site,
    actions: Mapping[str, Action],
    folder: Inspection,
    to_come: ToCome,
    noted: Noted,
) -> tuple[int, Mapping[Aspect, bool]]:
    """Look at the step and all its calls: how many checks that took, and which aspects are well.

    What earlier steps make is not asked for, and of a call that works in it nothing but its skill.
    """
    aspects: dict[Aspect, bool] = {}

    def take(inspection: Inspection, what: str = "") -> None:
        for aspect, problems in inspection.items():
            aspects[aspect] = aspects.get(aspect, True) and not problems
            if problems:
                noted.note(problems, aspect, step, what)

    there = without(folder, to_come.before(step))
    take(there)
    checks = 1 + len(step.required_env)
    if step.required_env:
        take({"permissions": _unset(step.required_env, site)})
    if any(there.values()):
        return checks, aspects
    env, cwd = site.declared(step), site.folder(step)
    looked_at: list[Call] = []
    for what, call in _calls(step):
        # A skill that probes or tries an action does so with its own parameters.
        if call in looked_at:
            continue
        looked_at.append(call)
        checks += 1
        action = actions.get(call.skill)
        if action is None:
            known = ", ".join(sorted(actions))
            problem = Problem(f"no skill is called `{call.skill}`", f"there is: {known}")
            take({"inputs": [problem]}, what)
            continue
        params, problems = _known(call, site)
        take({"permissions": problems} if problems else {})
        if not folder.get("targets"):
            made = to_come.after(step) if what in ("check", "rollback") else to_come.before(step)
            found = await action.inspect(call.action, params, cwd, env, site.secrets)
            take(without(found, made), what)
    return checks, aspects


def _known(call: Call, site: Site) -> tuple[Mapping[str, JsonValue], Sequence[Problem]]:
    """The call's parameters, rendered where only secrets are missing; and the secrets that are not set."""
    named = {name for text in templates(call.params) for name in references(text).secrets}
    if not named:
        return call.params, ()
    missing = [_secret(name) for name in sorted(named - site.known_secrets.keys())]
    try:
        return site.with_secrets(call.params), missing
    except TemplateError as error:
        return call.params, [*missing, Problem(error.message, error.hint)]


async def _try(
    step: Step,
    site: Site,
    actions: Mapping[str, Action],
    noted: Noted,
    *,
    is_well: bool,
    is_first: bool,
) -> tuple[DryRun, Sequence[str]]:
    """Make the step's dry run, if it can be made and `is_well` says that it may: what came of it."""
    call = step.dry_run
    if call is None:
        return "none", ()
    if not is_well:
        return "not_made", ()
    texts = (*templates(call.params), *templates(step.env))
    if named := {name for text in texts for name in references(text).steps}:
        return "needs_outputs", sorted(named, key=site.plan.positions.__getitem__)
    problems = await _dry_run(step, call, actions[call.skill], site, is_first=is_first)
    noted.note(problems, "dry_run", step, "dry_run")
    return "failed" if problems else "ok", ()


async def _dry_run(
    step: Step, call: Call, action: Action, site: Site, *, is_first: bool
) -> Sequence[Problem]:
    names = {"params": site.plan.params, "run": {"id": site.run_id}}
    try:
        task = site.task(step, "dry_run", call, 1, names, is_first=is_first)
    except TemplateError as error:
        return [Problem(str(error))]
    outcome = await within(step.timeout_seconds, action, task)
    if outcome.on_recorded is not None:
        outcome.on_recorded()  # nothing of it is kept
    if isinstance(outcome, Failed):
        last = outcome.tail.strip().splitlines()[-1:]
        said = f": {last[0]}" if last and last[0] != outcome.error else ""
        return [Problem(f"{outcome.error}{said}")]
    return []


def _environment(site: Site) -> Iterator[Problem]:
    for name in site.plan.secrets:
        if name not in site.known_secrets:
            yield _secret(name)
    yield from _unset(site.plan.required_env, site)


def _descriptors(plan: Plan) -> Iterator[Problem]:
    """Whether as many files may be open as there are steps at once: each has one at the least."""
    import resource

    from fsm.plan.graph import layers

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if plan.parallel + _OWN_DESCRIPTORS <= limit:
        return
    ids = [step.id for step in plan.steps]
    widest = max(map(len, layers(ids, {step.id: step.depends_on for step in plan.steps})))
    if (at_once := min(plan.parallel, widest)) + _OWN_DESCRIPTORS > limit:
        who, fewer = "a step needs", ""
        if at_once > 1:
            who, fewer = f"{at_once} steps at once need", ", or let fewer run at once: --parallel N"
        yield Problem(
            f"{who} more open files than may be open here: {limit}",
            f"raise that with: ulimit -n {4 * at_once + 64}{fewer}",
        )


def _secret(name: str) -> Problem:
    return Problem(f"the secret {name} is not set", f"set it with: export {name}=…")


def _unset(names: Sequence[str], site: Site) -> Sequence[Problem]:
    return [
        Problem(f"the environment variable {name} is not set", f"set it: export {name}=…")
        for name in names
        if name not in site.environ
    ]


def _folder(folder: Path, *, named: bool) -> Inspection:
    """Whether the working folder can be written; and if it is named, whether it is there."""
    try:
        is_there, why = stat.S_ISDIR(folder.stat().st_mode), "is no folder"
    except FileNotFoundError:
        is_there, why = False, "does not exist"
    except OSError as error:
        is_there, why = False, f"cannot be reached: {error.strerror}"
    if not is_there:
        message = f"the working folder {folder} {why}"
        hint = "make it, or mend `cwd`; a step that makes it says so: `makes: [PATH]`"
        return {"targets": [Problem(message, hint, lacks=str(folder))]}
    problems = []
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"the working folder {folder} cannot be written"
        problems = [Problem(message, "mend its permissions")]
    return {"targets": [], "permissions": problems} if named else {"permissions": problems}


def _calls(step: Step) -> Iterator[tuple[str, Call]]:
    yield "", step.call
    if step.rollback is not None:
        yield "rollback", step.rollback.call
    if step.check is not None:
        yield "check", step.check
    if step.dry_run is not None:
        yield "dry_run", step.dry_run
