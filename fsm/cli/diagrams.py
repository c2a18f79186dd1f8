"""`fsm diagram`: plans, runs and machines as pictures and as text. Nothing here runs a step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from fsm.cli.options import json_option, read_plan, skills_option, state_option
from fsm.cli.output import Output
from fsm.errors import FsmError, Invalid, Problem

if TYPE_CHECKING:
    from fsm.plan.model import Plan
    from fsm.views.drawing import Drawing

__all__ = ["chosen", "diagram", "machine_drawn", "picture_options", "put"]

Command = TypeVar("Command", bound=Callable[..., object])

FORMATS = ("svg", "png", "mermaid", "dot", "text")
VIEWS = ("plan", "machine", "step")
_ENDINGS: Mapping[str, str] = {
    ".svg": "svg",
    ".png": "png",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".txt": "text",
}


def picture_options(command: Command) -> Command:
    """In what, and where to."""
    for decorate in (
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            help="[default: as the ending of FILE says, else mermaid]",
        ),
        click.option(
            "-o",
            "--output",
            "target",
            metavar="FILE",
            type=click.Path(),
            help="Write to a file; one that is there is overwritten.",
        ),
    ):
        command = decorate(command)
    return command


@click.command()
@click.argument("subject", metavar="SUBJECT")
@click.option(
    "--view",
    type=click.Choice(VIEWS),
    help="The graph of the steps, the plan's own machine, or the step machine. [default: plan]",
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
    subject: str,
    view: str | None,
    format_: str | None,
    target: str | None,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    state: str | None,
) -> None:
    """Draw a plan, a run, or a machine. SUBJECT is a file with a plan or a machine, or the id of a run."""
    output = Output(json=as_json)
    language = chosen(format_, target)
    if not Path(subject).exists():
        drawn = _run_drawn(subject, view or "plan", language, state, bool(params or parallel))
    elif _is_machine(subject):
        if view not in (None, "machine"):
            raise Invalid(
                [Problem(f"{subject} is a machine: it has no {view}", "draw it without --view")]
            )
        view = "machine"
        drawn = machine_drawn(subject)
    else:
        drawn = _plan_drawn(read_plan(subject, params, parallel, skills), view or "plan", language)
    put(output, {"view": view or "plan"}, drawn, language, target, subject)


def _is_machine(path: str) -> bool:
    from fsm.document import read_document
    from fsm.machine.load import is_machine

    return is_machine(read_document(path))


def machine_drawn(path: str) -> Drawing:
    """The machine in that file. Raises `Invalid` with every finding of its proof."""
    from fsm.machine import load_machine
    from fsm.views.machine_drawing import machine_drawing

    return machine_drawing(load_machine(path))


def _plan_drawn(plan: Plan, view: str, language: str) -> Drawing:
    from fsm.machine import load_table
    from fsm.run import plan_spec
    from fsm.views.machine_drawing import machine_drawing
    from fsm.views.plan_drawing import plan_drawing

    match view:
        case "machine":
            return machine_drawing(plan_spec(plan.error_handling))
        case "step":
            return machine_drawing(load_table("step"))
        case _:
            return plan_drawing(plan, _most_arrows(language))


def _run_drawn(
    reference: str, view: str, language: str, state: str | None, resolved_anew: bool
) -> Drawing:
    from fsm.app.workspace import Workspace
    from fsm.engine.recovery import refold
    from fsm.machine import load_table
    from fsm.run import plan_spec
    from fsm.run.timeline import Timeline
    from fsm.views.run_drawing import run_drawing, run_machine_drawing, run_step_drawing

    workspace = Workspace.here(state)
    try:
        summary = workspace.find(reference)
    except FsmError as error:
        problem = Problem(f"there is no file {reference}, and {error.message}", error.hint)
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
            return run_machine_drawing(run, plan_spec(run.plan.error_handling))
        case "step":
            return run_step_drawing(run, load_table("step"))
        case _:
            return run_drawing(run, timeline, _most_arrows(language))


def _most_arrows(language: str) -> int:
    from fsm.views.diagram import MOST_ARROWS

    return MOST_ARROWS["mermaid" if language == "mermaid" else "dot"]


def chosen(format_: str | None, target: str | None) -> str:
    """The format that was asked for, else that of the file's ending, else Mermaid."""
    ending = Path(target or "").suffix.lower()
    return format_ or _ENDINGS.get(ending, "mermaid")


def put(
    output: Output,
    about: Mapping[str, str],
    drawing: Drawing,
    language: str,
    target: str | None,
    subject: str,
) -> None:
    """Print the drawing or write it to the file; `subject` is the file that must not be overwritten."""
    from fsm.views.drawing import as_text
    from fsm.views.picture import paint

    if target is not None:
        _spare(subject, target)
    match language:
        case "svg":
            drawn = paint(as_text(drawing, "dot"), "svg")
        case "png":
            drawn = paint(as_text(drawing, "dot"), "png")
        case "dot":
            drawn = as_text(drawing, "dot").encode()
        case _:
            drawn = as_text(drawing, "mermaid").encode()
    if language == "png":
        from base64 import b64encode

        output.document({**about, "format": language, "base64": b64encode(drawn).decode()})
    else:
        output.document({**about, "format": language, "text": drawn.decode()})
    if target is not None:
        try:
            Path(target).write_bytes(drawn)
        except OSError as error:
            raise Invalid([Problem(f"cannot write {target}: {error.strerror}")]) from None
    elif language != "png":
        output.line(drawn.decode().rstrip("\n"))
    elif output.is_terminal:
        raise Invalid([Problem("a terminal shows no PNG", "name a file: -o FILE.png")])
    elif not output.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(drawn)


def _spare(subject: str, target: str) -> None:
    file, other = Path(subject), Path(target)
    if file.exists() and other.exists() and other.samefile(file):
        what = "the machine" if _is_machine(subject) else "the plan"
        raise Invalid([Problem(f"{target} is {what} itself", "name another file for -o")])
