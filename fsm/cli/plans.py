"""Commands about plans: nothing here runs a step."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fsm.cli.options import plan_options, read_plan, spelled, state_option, values
from fsm.cli.output import Output, answer
from fsm.errors import Invalid, Problem, Refused

if TYPE_CHECKING:
    from fsm.plan.model import Plan

__all__ = ["approve", "diagram", "plan", "schema", "show_plan", "validate"]


@click.command()
@plan_options
@click.option("--full", is_flag=True, help="Show every step and command whole, however many.")
def plan(
    file: str, params: tuple[str, ...], parallel: int | None, as_json: bool, full: bool
) -> None:
    """Print the steps, tools, risks, error table and digest of a plan. Has no side effect."""
    from fsm.engine.preflight import exposed
    from fsm.views.plan import describe, plan_json

    output = Output(json=as_json)
    resolved = read_plan(file, params, parallel)
    if problems := exposed(resolved, os.environ):
        raise Invalid(problems)
    output.document(plan_json(describe(resolved)))
    show_plan(output, resolved, full=full)
    output.line(f"\nApprove it with: fsm approve {spelled(file, params, parallel)}")


@click.command()
@plan_options
@state_option
def approve(
    file: str, params: tuple[str, ...], parallel: int | None, as_json: bool, state: str | None
) -> None:
    """Record your consent to a plan exactly as it resolves now. It serves one run."""
    from fsm.app.workspace import Workspace, whoami
    from fsm.engine.ports import Approval

    output = Output(json=as_json)
    resolved = read_plan(file, params, parallel)
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
def validate(file: str, params: tuple[str, ...], parallel: int | None, as_json: bool) -> int:
    """Check a plan and this machine: commands, folders, environment, secrets, dry runs."""
    from fsm.app.phases import can_run
    from fsm.app.session import check
    from fsm.app.workspace import Workspace
    from fsm.plan import load_specification
    from fsm.views.validation import validation_json, validation_text

    output = Output(json=as_json)
    specification = load_specification(Path(file), given=values(params), parallel=parallel)
    resolved = specification.plan if specification else read_plan(file, params, parallel)
    workspace = Workspace.here()
    findings = check(workspace, resolved)
    phases = can_run(workspace, resolved) if specification else {}
    output.document({**phases, **validation_json(resolved, findings)})
    for name, holds in phases.items():
        output.line(f"{'✓' if holds else '✗'} {name}")
    output.line(validation_text(resolved, findings))
    return 2 if findings.problems else 0


@click.command()
@plan_options
@click.option(
    "--view",
    type=click.Choice(["plan", "machine", "step"]),
    default="plan",
    show_default=True,
    help="The plan's graph, its own plan machine, or the step machine.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["mermaid", "dot"]),
    default="mermaid",
    show_default=True,
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(),
    help="Write to a file; one that is there is overwritten.",
)
def diagram(
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    as_json: bool,
    view: str,
    format_: str,
    target: str | None,
) -> None:
    """Draw a plan, its plan machine or the step machine, as Mermaid or DOT text."""
    from fsm.machine import load_table
    from fsm.run import plan_spec
    from fsm.views.diagram import machine_diagram, plan_diagram

    output = Output(json=as_json)
    resolved = read_plan(file, params, parallel)
    language: Literal["mermaid", "dot"] = "dot" if format_ == "dot" else "mermaid"
    if view == "plan":
        text = plan_diagram(resolved, language)
    else:
        spec = plan_spec(resolved.error_handling) if view == "machine" else load_table("step")
        text = machine_diagram(spec, language)
    output.document({"view": view, "format": format_, "text": text})
    if target is None:
        output.line(text.rstrip("\n"))
        return
    try:
        if Path(target).exists() and Path(target).samefile(file):
            raise Invalid([Problem(f"{target} is the plan itself", "name another file for -o")])
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid([Problem(f"cannot write {target}: {error.strerror}")]) from None


@click.command()
@click.option("--json", is_flag=True, expose_value=False, help="As always: it is JSON.")
def schema() -> None:
    """Print the JSON Schema of a plan file, for editors."""
    from fsm.plan.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def show_plan(output: Output, plan: Plan, *, full: bool = False) -> None:
    """Print the plan for people, `full` or as it fits; nothing with `--json`."""
    import shutil

    from fsm.views.plan import describe, plan_text

    if not output.json:
        fits = output.is_terminal and not full
        width = min(shutil.get_terminal_size().columns, 140) if fits else 0
        output.line(plan_text(describe(plan), width=width, color=output.colour, full=full))
