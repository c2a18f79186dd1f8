"""Commands about plans: nothing here runs a step."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import click

from fsm.cli.options import plan_options, read_plan, spelled, state_option, values
from fsm.cli.output import Output, answer
from fsm.errors import Invalid, Refused

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.plan.model import Plan

__all__ = ["approve", "plan", "schema", "show_plan", "validate"]


@click.command()
@plan_options
@click.option("--full", is_flag=True, help="Show every step and command whole, however many.")
def plan(
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    full: bool,
) -> None:
    """Print the steps, risks, error table and digest of a plan.

    It has no side effect. The digest is what is approved.
    """
    from fsm.engine.preflight import exposed
    from fsm.views.plan import describe, plan_json

    output = Output(json=as_json)
    resolved = read_plan(file, params, parallel, skills)
    if problems := exposed(resolved, os.environ):
        raise Invalid(problems)
    output.document(plan_json(describe(resolved)))
    show_plan(output, resolved, full=full)
    output.line(f"\nApprove it with: fsm approve {spelled(file, params, parallel, skills)}")


@click.command()
@plan_options
@state_option
def approve(
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    state: str | None,
) -> None:
    """Record your consent to a plan exactly as it resolves now. It serves one run."""
    from fsm.app.workspace import Workspace, whoami
    from fsm.engine.ports import Approval

    output = Output(json=as_json)
    resolved = read_plan(file, params, parallel, skills)
    if output.can_ask:
        show_plan(output, resolved)
        if not answer(lambda: click.confirm("\nApprove this plan for one run?"), otherwise=False):
            raise Refused("not approved; nothing was recorded")
    approval = Approval(resolved.digest, whoami(), time.time(), "fsm approve")
    Workspace.here(state).store.approve(approval)
    output.document({"plan": resolved.id, "digest": resolved.digest, "by": approval.by})
    output.line(f"✓ approved by {approval.by} for one run: {resolved.name}")
    output.line(f"  digest {resolved.digest}")


@click.command()
@plan_options
@click.option("--full", is_flag=True, help="Show what was checked of every step, however many.")
def validate(
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    full: bool,
) -> int:
    """Check a plan and this machine, and make the dry runs.

    Of every step its inputs, permissions and targets are looked at. Exits with 2 if anything is wrong.
    """
    from fsm.app.phases import answers_of, can_run
    from fsm.app.session import check
    from fsm.app.workspace import Workspace
    from fsm.plan import load_specification, read_source
    from fsm.views.validation import validation_json, validation_text

    output = Output(json=as_json)
    source = read_source(file)
    try:
        specification = load_specification(source, given=values(params), parallel=parallel)
    except Invalid as error:
        answers = answers_of(source)
        if not (as_json and answers):
            raise
        problems: list[JsonValue] = [dict(problem.as_dict()) for problem in error.problems]
        output.document({**answers, "valid": False, "problems": problems})
        return error.exit_code
    resolved = specification.plan if specification else read_plan(source, params, parallel, skills)
    workspace = Workspace.here()
    findings = check(workspace, resolved, alone=True)
    phases = can_run(workspace, resolved) if specification else {}
    if as_json:
        output.document({**phases, **validation_json(resolved, findings)})
    for name, holds in phases.items():
        output.line(f"{'✓' if holds else '✗'} {name}")
    output.line(validation_text(resolved, findings, full=full))
    return 2 if findings.problems else 0


@click.command()
@click.option("--skill", is_flag=True, help="Of a skill's file.")
@click.option("--json", is_flag=True, expose_value=False, help="As always: it is JSON.")
def schema(skill: bool) -> None:
    """Print the JSON Schema of a plan file, for editors."""
    from fsm.plan.schema import json_schema, skill_schema

    described = skill_schema() if skill else json_schema()
    click.echo(json.dumps(described, indent=2, ensure_ascii=False))


def show_plan(output: Output, plan: Plan, *, full: bool = False) -> None:
    """Print the plan for people, `full` or as it fits; nothing with `--json`."""
    import shutil

    from fsm.views.plan import describe, plan_text

    if not output.json:
        fits = output.is_terminal and not full
        width = min(shutil.get_terminal_size().columns, 140) if fits else 0
        output.line(plan_text(describe(plan), width=width, color=output.colour, full=full))
