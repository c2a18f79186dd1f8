"""Preflight: everything that can be found out before anything happens (S0, "Validation Phase").

Nothing here changes the world: commands are looked up, not run; only a step's own `dry_run` runs, whose
author promises that it has no effect.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fsm.engine.ports import Failed
from fsm.errors import Problem
from fsm.plan.template import TemplateError, templates
from fsm.values import Value

if TYPE_CHECKING:
    from pathlib import Path

    from fsm.engine.ports import Action
    from fsm.engine.site import Site
    from fsm.plan.model import Call, Plan, Step

__all__ = ["Findings", "exposed", "preflight", "unset"]


class Findings(Value):
    """What preflight found: how many checks it made, and the problems, in the order of the plan.

    `postponed` names the steps whose dry run needs the outputs of steps before it, and so was not made.
    """

    checks: int
    problems: Sequence[Problem]
    postponed: Sequence[str] = ()


async def preflight(site: Site, actions: Mapping[str, Action]) -> Findings:
    """Check the site's plan against this machine; if nothing is wrong, make each step's dry run.

    Checked are: secrets and declared environment, working folders, skills, and what each action says of
    each of its calls (a missing command, a wrong parameter, a syntax error of the shell).
    """
    plan = site.plan
    checks, problems = _counted(_environment(site))
    if problems:
        return Findings(checks, problems)  # what comes after could show the value of a secret
    more, problems = _counted([check async for check in _checks(site, actions)])
    checks += more
    if problems:
        return Findings(checks, problems)
    postponed = []
    for step in plan.steps:
        if step.dry_run is None:
            continue
        if any(templates(step.dry_run.params)) or any(templates(step.env)):
            postponed.append(step.id)
            continue
        checks += 1
        problems += await _dry_run(step, step.dry_run, actions[step.dry_run.skill], site)
    return Findings(checks, problems, postponed)


def unset(site: Site) -> Sequence[Problem]:
    """The secrets and the declared environment that are not set: asked of every process that runs steps."""
    problems = [problem for check in _environment(site) for problem in check]
    for step in site.plan.steps:
        for name in step.required_env:
            problems += [_of(step, problem) for problem in _unset(name, site)]
    return problems


def _counted(found: Iterable[Sequence[Problem]]) -> tuple[int, list[Problem]]:
    checks = list(found)
    return len(checks), [problem for check in checks for problem in check]


async def _checks(site: Site, actions: Mapping[str, Action]) -> AsyncIterator[Sequence[Problem]]:
    folders: dict[str | None, Sequence[Problem]] = {}
    for step in site.plan.steps:
        if step.cwd not in folders:
            folders[step.cwd] = _folder(site.folder(step))
        yield [_of(step, problem) for problem in folders[step.cwd]]
        for name in step.required_env:
            yield [_of(step, problem) for problem in _unset(name, site)]
        if folders[step.cwd]:
            continue
        env = site.declared(step)
        for what, call in _calls(step):
            yield [
                _of(step, problem, what) for problem in await _call(call, actions, site, step, env)
            ]


def exposed(plan: Plan, environ: Mapping[str, str]) -> Sequence[Problem]:
    """The secrets whose values stand in the plan: it may not even be shown."""
    return [
        Problem(
            f"the value of the secret {name} stands in the plan",
            f"take it out; steps find it in their environment as ${name}",
        )
        for name in plan.secrets
        if len(value := environ.get(name, "")) >= 8
        and value.encode(errors="surrogateescape") in plan.document
    ]


def _environment(site: Site) -> Iterator[Sequence[Problem]]:
    for name in site.plan.secrets:
        if site.environ.get(name):
            yield []
        else:
            yield [Problem(f"the secret {name} is not set", f"set it with: export {name}=…")]
    yield exposed(site.plan, site.environ)
    for name in site.plan.required_env:
        yield _unset(name, site)


def _unset(name: str, site: Site) -> Sequence[Problem]:
    if name in site.environ:
        return []
    return [Problem(f"the environment variable {name} is not set", f"set it: export {name}=…")]


def _folder(folder: Path) -> Sequence[Problem]:
    if not folder.is_dir():
        return [Problem(f"the working folder {folder} does not exist", "make it, or mend `cwd`")]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [Problem(f"the working folder {folder} cannot be written", "mend its permissions")]
    return []


def _calls(step: Step) -> Iterator[tuple[str, Call]]:
    yield "", step.call
    if step.rollback is not None:
        yield "rollback", step.rollback.call
    if step.check is not None:
        yield "check", step.check
    if step.dry_run is not None:
        yield "dry_run", step.dry_run


async def _call(
    call: Call, actions: Mapping[str, Action], site: Site, step: Step, env: Mapping[str, str]
) -> Sequence[Problem]:
    action = actions.get(call.skill)
    if action is None:
        known = ", ".join(sorted(actions))
        return [Problem(f"no skill is called `{call.skill}`", f"there is: {known}")]
    inspection = await action.inspect(
        call.action, call.params, site.folder(step), env, site.secrets
    )
    return [problem for problems in inspection.values() for problem in problems]


async def _dry_run(step: Step, call: Call, action: Action, site: Site) -> Sequence[Problem]:
    names = {"params": site.plan.params, "run": {"id": site.run_id}}
    try:
        task = site.task(step, "dry_run", call, 1, names)
    except TemplateError as error:
        return [_of(step, Problem(str(error)), "dry_run")]
    outcome = await action.perform(task)
    if outcome.on_recorded is not None:
        outcome.on_recorded()  # nothing of it is kept
    if isinstance(outcome, Failed):
        last = outcome.tail.strip().splitlines()[-1:]
        said = f": {last[0]}" if last else ""
        return [_of(step, Problem(f"{outcome.error}{said}"), "dry_run")]
    return []


def _of(step: Step, problem: Problem, what: str = "") -> Problem:
    """The problem, with the step it is about."""
    where = f"step `{step.id}`" + (f", {what}" if what else "")
    return Problem(f"{where}: {problem.message}", problem.hint)
