"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.app.workspace import Workspace
    from fsm.cli.output import Output
    from fsm.document import Document
    from fsm.engine.ports import RunSummary
    from fsm.errors import Damaged
    from fsm.plan.model import Plan

__all__ = [
    "answer_options",
    "find_run",
    "grace_option",
    "json_option",
    "name_way_out",
    "options_text",
    "other_states",
    "plan_options",
    "plan_settings",
    "read_plan",
    "run_argument",
    "run_options",
    "skills_option",
    "spelled",
    "state_option",
    "survivors_option",
    "values",
    "with_state",
    "workspace_of",
]

Command = TypeVar("Command", bound=Callable[..., object])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
state_option = click.option(
    "--state",
    metavar="URL",
    help="Where state lives: sqlite:PATH, json:PATH or redis://HOST:PORT/DB. [default: FSM_STATE, or the "
    "`.fsm` of this folder or of the nearest above it; else it is made here]",
)


def survivors_option(command: Command) -> Command:
    """What to do about a step that is still at work although its runner died."""
    wait = click.option(
        "--wait",
        "survivors",
        flag_value="wait",
        help="If a step outlived its runner, wait until it has ended.",
    )
    terminate = click.option(
        "--terminate",
        "survivors",
        flag_value="terminate",
        help="If a step outlived its runner, end it.",
    )
    return wait(terminate(command))


grace_option = click.option(
    "--grace",
    metavar="DURATION",
    default="10s",
    show_default=True,
    help="How long a stopped run lets its steps end by themselves.",
)


run_argument = click.argument("run_id", metavar="[RUN]", required=False)


def run_options(command: Command) -> Command:
    """RUN with the options of all that takes a run up and drives it."""
    return run_argument(json_option(state_option(survivors_option(grace_option(command)))))


def answer_options(command: Command) -> Command:
    """What a person knows of interrupted steps, and how."""
    for decorate in (
        click.option(
            "--reason",
            default="",
            help="What you did or saw, for the journal. [default: answered at resume]",
        ),
        click.option(
            "--done",
            metavar="STEP",
            multiple=True,
            help="STEP was done: it is not run again. [repeatable]",
        ),
        click.option(
            "--rerun",
            metavar="STEP",
            multiple=True,
            help="An interrupted STEP may run again. [repeatable]",
        ),
    ):
        command = decorate(command)
    return command


_plan_file = click.argument("file", metavar="FILE", type=click.Path(readable=False))


skills_option = click.option(
    "--skills",
    metavar="DIR",
    multiple=True,
    help="A folder of skills, beside those that are always looked in. [repeatable]",
)


def plan_options(command: Command) -> Command:
    """FILE with the options that change what it resolves to, and so its digest."""
    return plan_settings(_plan_file(command))


def plan_settings(command: Command) -> Command:
    """The options of `plan_options` alone."""
    for decorate in (
        click.option(
            "-p",
            "--param",
            "params",
            metavar="NAME=VALUE",
            multiple=True,
            help="Set a parameter that the plan declares, to a value of the same kind. [repeatable]",
        ),
        click.option(
            "--parallel",
            type=click.IntRange(1, 1000),
            metavar="N",
            help="Run up to N steps at once. [default: what the plan says, else 1]",
        ),
        skills_option,
        json_option,
    ):
        command = decorate(command)
    return command


def read_plan(
    source: str | Document,
    params: Sequence[str],
    parallel: int | None,
    skills: Sequence[str] = (),
) -> Plan:
    """The resolved plan of that file, or of what was read of it.

    Raises `Invalid` with every problem of the file and the options.
    """
    from fsm.app.skills import load

    return load(source, typed=values(params), parallel=parallel, folders=skills)


def spelled(
    file: str,
    params: Sequence[str],
    parallel: int | None,
    skills: Sequence[str],
    secrets: Sequence[str] = (),
) -> str:
    """FILE and the options that its digest depends on, as they are typed in a shell.

    The values of `secrets`, by their names in the environment, are masked.
    """
    import os
    import shlex

    for value in filter(None, map(os.environ.get, secrets)):
        params = [param.replace(value, "***") for param in params]
    words = [file, *(word for param in params for word in ("--param", param))]
    words += [] if parallel is None else ["--parallel", str(parallel)]
    words += [word for folder in skills for word in ("--skills", folder)]
    return shlex.join(words)


def options_text(state: str | None) -> str:
    """What the commands that a report names need to find the same state; a password is left out."""
    import shlex

    from fsm.stores.redis.url import shown

    return f" --state {shlex.quote(shown(state))}" if state else ""


def workspace_of(state: str | None, grace: str = "0s") -> Workspace:
    """The workspace of this folder, with what `--state` and `--grace` say. Raises `Invalid`."""
    from fsm.app.workspace import Workspace

    _name_state(state)
    return Workspace.here(state, _seconds_of(grace))


def find_run(
    reference: str | None, state: str | None, grace: str = "0s"
) -> tuple[Workspace, RunSummary, str | None]:
    """The run that is meant, its workspace, and the `--state` that finds it again.

    Raises `Refused` or `Invalid` if none fits.
    """
    from fsm.app.recovery import find_run

    _name_state(state)
    found = find_run(reference, state, _seconds_of(grace))
    _name_state(found[2])
    click.get_current_context().meta[_RUN] = found[1].run_id
    return found


def _seconds_of(grace: str) -> float:
    """What `--grace` says, in seconds. Raises `Invalid`."""
    from fsm.plan.duration import parse_duration

    try:
        return parse_duration(grace)
    except ValueError as error:
        raise Invalid([Problem(f"--grace: {error}", "write a duration such as 10s")]) from None


_TAKES_STATE = (
    r"\bfsm (approve|run|execute|status|log|resume|recover|rollback|mark|abort|list|history|stats|prune"
    r"|export|import)\b(?! RUN\b)(?![^`\n]* --state)"
)
_STATE = "fsm.state"
_RUN = "fsm.run"


def _name_state(state: str | None) -> None:
    """Remember where this command found its state: what an error proposes must find it, too."""
    click.get_current_context().meta[_STATE] = state


def with_state(hint: str, context: click.Context) -> str:
    """The hint with `--state` at each command that would otherwise look for the run elsewhere."""
    options = options_text(context.meta.get(_STATE))
    return re.sub(_TAKES_STATE, lambda found: found[0] + options, hint) if options else hint


def name_way_out(damage: Damaged, run_id: str | None = None) -> None:
    """Have the error name what else may be done about damage to that run, or to the one of this command."""
    run_id = run_id or click.get_current_context().meta.get(_RUN)
    if run_id:
        damage.hint += f"\n  or, to do without this run for good: fsm prune --damaged {run_id}"


def other_states(output: Output, state: str | None) -> None:
    """A note of the runs that are not meant, because a specification chose another state for them."""
    from fsm.app.recovery import elsewhere
    from fsm.views.text import count

    for url, runs in elsewhere(state):
        output.note(f"{count(runs, 'run')} elsewhere; see them with:{options_text(url)}")


def values(params: Sequence[str]) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for param in params:
        name, equals, text = param.partition("=")
        if not equals or not name:
            raise Invalid([Problem(f"--param {param} has no value", "write --param NAME=VALUE")])
        values[name] = text
    return values
