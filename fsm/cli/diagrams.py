"""`fsm diagram`: plans, runs and machines as pictures and as text. Nothing here runs a step."""

from __future__ import annotations

import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from fsm.cli.options import find_run, json_option, read_plan, skills_option, state_option
from fsm.cli.output import Output
from fsm.errors import FsmError, Invalid, Problem

if TYPE_CHECKING:
    from fsm.plan.model import Plan
    from fsm.views.picture import Picture
    from fsm.views.sheet import Sheet

__all__ = ["chosen", "diagram", "machine_drawn", "picture_options", "put", "width"]

Command = TypeVar("Command", bound=Callable[..., object])

FORMATS = ("svg", "png", "mermaid", "dot", "text")
VIEWS = ("plan", "machine", "step", "timeline")
MOST_RUNS = 20
"""So many runs tell how long a step takes."""

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
            help="[default: as the ending of FILE says; else text on a terminal, and mermaid elsewhere]",
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
    """Draw a plan, a run, or a machine: what is in FILE, or a RUN, the newest one unless you say which.

    In pictures of a run each step is coloured by its state, and the chain of steps that took longest is
    thick.
    """
    from fsm.engine.preflight import exposed

    output = Output(json=as_json)
    language = chosen(output, format_, target, subject)
    if subject is None or not os.path.exists(subject):  # noqa: PTH110 (of a name no file can have, Path raises)
        drawn = _run_drawn(subject, view or "plan", language, state, bool(params or parallel))
    elif _is_machine(subject):
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


def _is_machine(path: str) -> bool:
    from fsm.document import read_document
    from fsm.machine.load import is_machine

    return is_machine(read_document(path, lenient=True))


def machine_drawn(path: str) -> Sheet:
    """The machine in that file. Raises `Invalid` with every finding of its proof."""
    from fsm.machine import load_machine
    from fsm.views.machine_drawing import machine_drawing
    from fsm.views.sheet import DrawingSheet

    spec = load_machine(path)
    return DrawingSheet(machine_drawing(spec), spec)


def _plan_drawn(plan: Plan, view: str, language: str, state: str | None) -> Sheet:
    from fsm.machine import load_table
    from fsm.run import plan_spec
    from fsm.views.machine_drawing import machine_drawing
    from fsm.views.plan_drawing import plan_drawing
    from fsm.views.sheet import DrawingSheet

    match view:
        case "machine":
            spec = plan_spec(plan.error_handling)
            return DrawingSheet(machine_drawing(spec), spec)
        case "step":
            spec = load_table("step")
            return DrawingSheet(machine_drawing(spec), spec)
        case "timeline":
            from fsm.views.chart import ChartSheet
            from fsm.views.timeline import plan_chart

            return ChartSheet(plan_chart(plan, _known_seconds(plan, state)))
        case _:
            return DrawingSheet(plan_drawing(plan, _most_arrows(language)))


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
    from fsm.machine import load_table
    from fsm.run import plan_spec
    from fsm.run.timeline import Timeline
    from fsm.views.run_drawing import run_drawing, run_machine_drawing, run_step_drawing
    from fsm.views.sheet import DrawingSheet

    try:
        workspace, summary, _ = find_run(reference, state)
    except FsmError as error:
        if reference is None:
            raise
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
            spec = plan_spec(run.plan.error_handling)
            return DrawingSheet(run_machine_drawing(run, spec), spec)
        case "step":
            spec = load_table("step")
            return DrawingSheet(run_step_drawing(run, spec), spec)
        case "timeline":
            from fsm.views.chart import ChartSheet
            from fsm.views.timeline import run_chart

            return ChartSheet(run_chart(run, timeline))
        case _:
            return DrawingSheet(run_drawing(run, timeline, _most_arrows(language)))


def _most_arrows(language: str) -> int:
    from fsm.views.diagram import MOST_ARROWS

    return MOST_ARROWS.get(language, MOST_ARROWS["svg"])  # type: ignore[call-overload, no-any-return]


def chosen(output: Output, format_: str | None, target: str | None, subject: str | None) -> str:
    """The format that was asked for, else that of the ending, else text on a terminal, else Mermaid.

    Raises `Invalid` if the ending is that of another format, or if it would be written over the `subject`.
    """
    if target is not None and subject is not None:
        _spare(subject, target)
    ending = Path(target or "").suffix.lower()
    if ending and format_ is None and ending not in _ENDINGS:
        hint = f"end it in {', '.join(_ENDINGS)}; or say `--format`"
        raise Invalid([Problem(f"there is no format for {target}", hint)])
    otherwise = "text" if output.is_terminal and target is None else "mermaid"
    return format_ or _ENDINGS.get(ending, otherwise)


def width() -> int:
    """The columns of the terminal, at most 160; 100 if there is none."""
    return min(shutil.get_terminal_size((100, 24)).columns, 160)


def put(
    output: Output,
    about: Mapping[str, str],
    sheet: Sheet,
    language: str,
    target: str | None,
) -> None:
    """Print the drawing or write it to the file."""
    if language in ("svg", "png"):
        drawn = _painted(output, sheet.dot(), "svg" if language == "svg" else "png")
    elif language == "dot":
        drawn = sheet.dot().encode()
    elif language == "mermaid":
        drawn = sheet.mermaid().encode()
    else:
        drawn = sheet.text(width() if output.is_terminal else 100).encode()
    if target is not None:
        try:
            Path(target).write_bytes(drawn)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise Invalid([Problem(f"cannot write {target}: {why}")]) from None
    elif language == "png" and output.is_terminal:
        raise Invalid([Problem("a terminal shows no PNG", "name a file: -o FILE.png")])
    if output.json:
        text = (
            {"base64": b64encode(drawn).decode()} if language == "png" else {"text": drawn.decode()}
        )
        output.document({**about, "format": language, **text})
    elif target is None and language == "png":
        sys.stdout.flush()
        sys.stdout.buffer.write(drawn)
    elif target is None:
        output.line(drawn.decode().rstrip("\n"))


def _painted(output: Output, dot: str, picture: Picture) -> bytes:
    from fsm.views.picture import lacks_letters, paint, painter

    program = painter()
    if picture == "png" and lacks_letters(program, dot):
        output.note("note: some characters are missing in the PNG; an SVG has them: -o FILE.svg")
    return paint(dot, picture, program)


def _spare(subject: str, target: str) -> None:
    if os.path.exists(subject) and os.path.exists(target) and os.path.samefile(subject, target):  # noqa: PTH110, PTH121
        what = "the machine" if _is_machine(subject) else "the plan"
        raise Invalid([Problem(f"{target} is {what} itself", "name another file for -o")])
