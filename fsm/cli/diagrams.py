"""`fsm diagram`: plans, runs and machines as pictures and as text. Nothing here runs a step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from fsm.cli.options import find_run, json_option, read_plan, skills_option, state_option
from fsm.cli.output import Output
from fsm.cli.pictures import chosen, is_machine, most_arrows, picture_options, put
from fsm.errors import FsmError, Invalid, Problem

if TYPE_CHECKING:
    from fsm.machine import MachineSpec
    from fsm.plan.model import Plan
    from fsm.views.drawings.sheet import Sheet

__all__ = ["diagram", "machine_drawn", "machine_of"]

VIEWS = ("plan", "machine", "step", "timeline")
MOST_RUNS = 20
"""So many runs tell how long a step takes."""


@click.command()
@click.argument("subject", metavar="[FILE|RUN]", required=False)
@click.option(
    "--view",
    type=click.Choice(VIEWS),
    help="The graph of the steps, the plan's own machine, the step machine, or when each step is made. "
    "[default: plan]",
)
@picture_options
@click.option(
    "-p",
    "--param",
    "params",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter that the plan declares. [repeatable]",
)
@click.option("--parallel", type=click.IntRange(1, 1000), metavar="N", help="As for `fsm run`.")
@skills_option
@json_option
@state_option
def diagram(
    subject: str | None,
    view: str | None,
    format_: str | None,
    target: str | None,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    state: str | None,
) -> None:
    """Draw a plan, a run, or a machine.

    It is what is in FILE, or a RUN: the newest one unless you say which. In pictures of a run each step is
    coloured by its state, and the chain of steps that took longest is thick.
    """
    from fsm.engine.preflight import exposed

    output = Output(json=as_json)
    language = chosen(output, format_, target, subject)
    if subject is None or not os.path.exists(subject):  # noqa: PTH110 (of a name no file can have, Path raises)
        drawn = _run_drawn(subject, view or "plan", language, state, bool(params or parallel))
    elif is_machine(subject):
        if view not in (None, "machine"):
            raise Invalid(
                [Problem(f"{subject} is a machine: it has no {view}", "draw it without --view")]
            )
        view = "machine"
        drawn = machine_drawn(subject)
    else:
        plan = read_plan(subject, params, parallel, skills)
        if problems := exposed(plan, os.environ):
            raise Invalid(problems)
        drawn = _plan_drawn(plan, view or "plan", language, state)
    put(output, {"view": view or "plan"}, drawn, language, target)


def machine_drawn(path: str) -> Sheet:
    """The machine in that file. Raises `Invalid` with every finding of its proof."""
    from fsm.machine import load_machine
    from fsm.views.drawings.machine import machine_drawing
    from fsm.views.drawings.sheet import DrawingSheet

    spec = load_machine(path)
    return DrawingSheet(machine_drawing(spec), spec)


def machine_of(plan: Plan, view: str) -> MachineSpec:
    """The plan's own machine, or that of its steps, as the view says."""
    from fsm.machine import load_table
    from fsm.run import plan_spec

    return plan_spec(plan.error_handling) if view == "machine" else load_table("step")


def _plan_drawn(plan: Plan, view: str, language: str, state: str | None) -> Sheet:
    from fsm.views.drawings.machine import machine_drawing
    from fsm.views.drawings.plan import plan_drawing
    from fsm.views.drawings.sheet import DrawingSheet

    match view:
        case "machine" | "step":
            spec = machine_of(plan, view)
            return DrawingSheet(machine_drawing(spec), spec)
        case "timeline":
            from fsm.views.drawings.chart import ChartSheet
            from fsm.views.drawings.timeline import plan_chart

            return ChartSheet(plan_chart(plan, _known_seconds(plan, state)))
        case _:
            return DrawingSheet(plan_drawing(plan, most_arrows(language)))


def _known_seconds(plan: Plan, state: str | None) -> Mapping[str, float]:
    """What each step took in the newest runs of the plan, by the median; a run that cannot be read is not."""
    from fsm.app.history import measured
    from fsm.app.workspace import Workspace
    from fsm.run.metrics import summarize

    workspace = Workspace.here(state)
    runs = [run for run in workspace.store.runs() if run.plan_id == plan.id][:MOST_RUNS]
    steps = summarize(measured(workspace, runs, [])).steps
    return {
        step.step: step.median_seconds
        for step in steps
        if step.median_seconds is not None and step.step in plan.positions
    }


def _run_drawn(
    reference: str | None, view: str, language: str, state: str | None, resolved_anew: bool
) -> Sheet:
    from fsm.engine.recovery import refold
    from fsm.run.timeline import Timeline
    from fsm.views.drawings.run import run_drawing, run_machine_drawing, run_step_drawing
    from fsm.views.drawings.sheet import DrawingSheet

    try:
        workspace, summary, _ = find_run(reference, state)
    except FsmError as error:
        if reference is None:
            raise
        file = reference or "without a name"
        problem = Problem(f"there is no file {file}, and {error.message}", error.hint)
        raise Invalid([problem]) from None
    if resolved_anew:
        raise Invalid(
            [Problem("a run has the plan it was begun with", "give no --param and no --parallel")]
        )
    timeline = Timeline()
    run = refold(workspace.store.load(summary.run_id), timeline.observe)
    timeline.finish()
    match view:
        case "machine":
            spec = machine_of(run.plan, view)
            return DrawingSheet(run_machine_drawing(run, spec), spec)
        case "step":
            spec = machine_of(run.plan, view)
            return DrawingSheet(run_step_drawing(run, spec), spec)
        case "timeline":
            from fsm.views.drawings.chart import ChartSheet
            from fsm.views.drawings.timeline import run_chart

            return ChartSheet(run_chart(run, timeline))
        case _:
            return DrawingSheet(run_drawing(run, timeline, most_arrows(language)))
