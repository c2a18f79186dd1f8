"""What a person decides about a run: undo it, give it up, or say what was done by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from fsm.cli.options import find_run, json_option, run_options, state_option, survivors_option
from fsm.cli.output import Output
from fsm.cli.sessions import finish, step_id, taken_up
from fsm.errors import Invalid, Problem

if TYPE_CHECKING:
    from fsm.app.survivors import Survivors

__all__ = ["abort", "mark", "rollback"]


@click.command()
@run_options
@click.option("--reason", default="", help="Why, for the journal.")
def rollback(
    run_id: str | None,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
    grace: str,
    reason: str,
) -> int:
    """Undo the completed steps of a run, the last first.

    Given again, it goes on where a rollback stopped, or where its process died. Exits with 4 once all is
    undone, and with 5 if a person must see to it.
    """
    from fsm.run import events as on

    output = Output(json=as_json)
    workspace, found, state = find_run(run_id, state, grace)
    with taken_up(output, workspace, found.run_id, survivors) as session:
        session.require_environment()
        if session.found != "rolling_back":
            session.request(on.RollbackRequested(by=session.person, reason=reason))
        session.drive()
    return finish(output, session, state)


@click.command()
@run_options
@click.option("--reason", default="", help="Why, for the journal.")
def abort(
    run_id: str | None,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
    grace: str,
    reason: str,
) -> int:
    """Give a run up; nothing is undone.

    If a process drives it, that process is stopped first.
    """
    from fsm.app.session import stop_holder
    from fsm.run import events as on

    output = Output(json=as_json)
    workspace, found, state = find_run(run_id, state, grace)
    stop_holder(workspace, found.run_id)
    with taken_up(output, workspace, found.run_id, survivors) as session:
        if session.found != "aborting":
            session.request(on.RunAborted(by=session.person, reason=reason))
        session.drive()
    return finish(output, session, state, 0)


@click.command()
@click.argument("step")
@click.argument("as_", metavar="done|undone", type=click.Choice(["done", "undone"]))
@click.option("--run", "run_id", metavar="RUN", help="Which run. [default: the newest]")
@click.option("--reason", required=True, help="What you did or saw, for the journal.")
@json_option
@state_option
@survivors_option
def mark(
    step: str,
    as_: str,
    run_id: str | None,
    reason: str,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
) -> int:
    """Record that a person did a step, or undid it. STEP is its id or its number.

    Nothing is run: what is marked as done counts as completed, and what is marked as undone as rolled back.
    """
    from fsm.run import events as on

    output = Output(json=as_json)
    if not reason.strip():
        raise Invalid([Problem("--reason is empty", "say what you did or saw")])
    workspace, found, state = find_run(run_id, state)
    with taken_up(output, workspace, found.run_id, survivors) as session:
        step = step_id(session.run, step)
        word: Literal["done", "undone"] = "done" if as_ == "done" else "undone"
        session.request(on.StepMarked(step, word, by=session.person, reason=reason))
        session.commit()
    return finish(output, session, state, 0)
