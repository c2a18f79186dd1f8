"""Commands about runs: begin one, look at it, carry it on, undo it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from fsm.cli.options import (
    json_option,
    options_text,
    plan_options,
    read_plan,
    run_argument,
    spelled,
    state_option,
    survivors_option,
)
from fsm.cli.output import Output, answer
from fsm.cli.progress import Progress
from fsm.errors import FsmError, Invalid, Problem, Refused

if TYPE_CHECKING:
    from fsm.app.session import Session
    from fsm.app.survivors import Survivors
    from fsm.app.workspace import Workspace
    from fsm.engine.ports import Approval
    from fsm.plan.model import Plan
    from fsm.run import Run

__all__ = [
    "abort",
    "carry_on",
    "exit_code",
    "finish",
    "grace_option",
    "list_",
    "log",
    "mark",
    "resume",
    "rollback",
    "run_",
    "seconds_of",
    "status",
]

grace_option = click.option(
    "--grace",
    metavar="DURATION",
    default="10s",
    show_default=True,
    help="How long a stopped run lets its steps end by themselves.",
)


@click.command("run")
@plan_options
@state_option
@grace_option
@click.option("--approve", "digest", metavar="DIGEST", help="Consent to the plan of this digest.")
@click.option("--yes", is_flag=True, help="Consent to the plan as it is, unseen.")
@click.option("--new", is_flag=True, help="Run even if another run of this plan is unfinished.")
def run_(
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    as_json: bool,
    state: str | None,
    grace: str,
    digest: str | None,
    yes: bool,
    new: bool,
) -> int:
    """Run an approved plan step by step, with visible progress.

    On a terminal it prints the plan and asks; elsewhere it needs an earlier `fsm approve FILE`,
    `--approve DIGEST`, or `--yes`.
    """
    from fsm.app.session import begin, check

    output = Output(json=as_json)
    plan = read_plan(file, params, parallel)
    workspace = _workspace(state, grace)
    if not new:
        workspace.refuse_unfinished(plan.id)
    typed = spelled(file, params, parallel, plan.secrets)
    approval, recorded = _consent(output, workspace, plan, typed, digest, yes)
    findings = check(workspace, plan)
    if findings.problems:
        raise Invalid(
            findings.problems, f"nothing was started; mend it and see: fsm validate {typed}"
        )
    with (
        Progress(output) as progress,
        begin(
            workspace,
            plan,
            path=str(workspace.cwd / file),
            approval=approval,
            recorded=recorded,
            findings=findings,
            alongside=new,
            observe=progress.observe,
        ) as session,
    ):
        session.drive()
    return finish(output, session, state)


@click.command()
@run_argument
@json_option
@state_option
@survivors_option
@grace_option
@click.option(
    "--from", "from_step", metavar="STEP", help="Run STEP and all that depends on it again."
)
@click.option("--rerun", metavar="STEP", multiple=True, help="An interrupted STEP may run again.")
@click.option("--done", metavar="STEP", multiple=True, help="STEP was done: it is not run again.")
@click.option(
    "--reason",
    default="",
    help="What you did or saw, for the journal. [default: answered at resume]",
)
def resume(
    run_id: str | None,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
    grace: str,
    from_step: str | None,
    rerun: tuple[str, ...],
    done: tuple[str, ...],
    reason: str,
) -> int:
    """Go on with a paused run, or with one whose process died.

    Failed steps are tried again. A step that was interrupted is settled by its `check`, run again if it
    is `idempotent`, or settled by you: `--rerun STEP` or `--done STEP`.
    """
    output = Output(json=as_json)
    workspace = _workspace(state, grace)
    found = workspace.find(run_id)
    again = (from_step,) if from_step else ()
    return carry_on(
        output, workspace, found.run_id, state, lambda _: again, rerun, done, reason, survivors
    )


@click.command()
@run_argument
@json_option
@state_option
@survivors_option
@grace_option
@click.option("--reason", default="", help="Why, for the journal.")
def rollback(
    run_id: str | None,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
    grace: str,
    reason: str,
) -> int:
    """Undo the completed steps of a run, the last first."""
    from fsm.app.session import take_up
    from fsm.run import events as on

    output = Output(json=as_json)
    workspace = _workspace(state, grace)
    found = workspace.find(run_id)
    with (
        Progress(output) as progress,
        take_up(
            workspace,
            found.run_id,
            progress.observe,
            survivors=survivors or "refuse",
            warn=output.note,
        ) as session,
    ):
        session.require_environment()
        if session.found != "rolling_back":
            session.request(on.RollbackRequested(by=session.person, reason=reason))
        session.drive()
    return finish(output, session, state)


@click.command()
@run_argument
@json_option
@state_option
@survivors_option
@grace_option
@click.option("--reason", default="", help="Why, for the journal.")
def abort(
    run_id: str | None,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
    grace: str,
    reason: str,
) -> int:
    """Give a run up; nothing is undone. If a process drives it, that process is stopped first."""
    from fsm.app.session import stop_holder, take_up
    from fsm.run import events as on

    output = Output(json=as_json)
    workspace = _workspace(state, grace)
    found = workspace.find(run_id)
    stop_holder(workspace, found.run_id)
    with (
        Progress(output) as progress,
        take_up(
            workspace,
            found.run_id,
            progress.observe,
            survivors=survivors or "refuse",
            warn=output.note,
        ) as session,
    ):
        if session.found != "aborting":
            session.request(on.RunAborted(by=session.person, reason=reason))
        session.drive()
    finish(output, session, state)
    return 0


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
    """Record that a person did a step, or undid it."""
    from fsm.app.session import take_up
    from fsm.run import events as on

    output = Output(json=as_json)
    workspace = _workspace(state, "0s")
    found = workspace.find(run_id)
    with (
        Progress(output) as progress,
        take_up(
            workspace,
            found.run_id,
            progress.observe,
            survivors=survivors or "refuse",
            warn=output.note,
        ) as session,
    ):
        _known(session.run, step)
        word: Literal["done", "undone"] = "done" if as_ == "done" else "undone"
        session.request(on.StepMarked(step, word, by=session.person, reason=reason))
        session.commit()
    finish(output, session, state)
    return 0


@click.command()
@run_argument
@json_option
@state_option
def status(run_id: str | None, as_json: bool, state: str | None) -> None:
    """Show what a run has done, has not done, what is unknown, and what you can do now."""
    from fsm.app.survivors import still_at_work
    from fsm.engine.recovery import open_run
    from fsm.views.report import report, report_json, report_text, steps_text

    output = Output(json=as_json)
    workspace = _workspace(state, "0s")
    found = workspace.find(run_id)
    taken = open_run(workspace.store, found.run_id)
    run = taken.run
    holder = workspace.store.holder(found.run_id)
    view = report(run, held=holder is not None, options=options_text(state))
    alive = still_at_work(workspace, run) if holder is None else ()
    output.document(
        {
            **report_json(view),
            "held_by": holder,
            "at_work": [process._asdict() for process in alive],
            "warnings": list(taken.warnings),
        }
    )
    output.line(steps_text(run))
    output.line()
    output.line(report_text(view))
    for process in alive:
        output.line(f"\n⚠ its runner is gone, but this is still at work: {process}")
    for warning in taken.warnings:
        output.line(f"\n⚠ {warning}")
    if holder is not None:
        output.line(f"\n  a process drives it{f' (pid {holder})' if holder else ''}")


@click.command()
@run_argument
@click.option("--step", metavar="STEP", help="The captured output of STEP instead.")
@json_option
@state_option
def log(run_id: str | None, step: str | None, as_json: bool, state: str | None) -> None:
    """Print what happened in a run, event by event; with --step, what that step printed."""
    from fsm.app.history import step_logs
    from fsm.engine.recovery import refold
    from fsm.views.log import log_text, record_json

    output = Output(json=as_json)
    workspace = _workspace(state, "0s")
    found = workspace.find(run_id)
    stored = workspace.store.load(found.run_id)
    run = refold(stored)
    if step is None:
        output.document({"run": run.run_id, "records": [record_json(r) for r in stored.records]})
        output.line(log_text(run, stored.records))
        return
    _known(run, step)
    files = step_logs(workspace, run, step)
    output.document({"run": run.run_id, "step": step, "logs": dict(files)})
    for name, text in files.items():
        output.line(f"== {name}\n{text.rstrip()}")
    if not files:
        output.line(f"no output of step {step} is kept: it printed nothing, or its log was removed")


@click.command("list")
@click.option("--all", "every", is_flag=True, help="Every run.")
@json_option
@state_option
def list_(every: bool, as_json: bool, state: str | None) -> None:
    """List the runs, the newest first: the newest 20, and all that are unfinished."""
    from fsm.engine.retention import recent
    from fsm.views.log import runs_text, summary_json

    output = Output(json=as_json)
    runs = _workspace(state, "0s").store.runs()
    listed = runs if every else recent(runs)
    hidden = len(runs) - len(listed)
    output.document({"runs": [summary_json(run) for run in listed], "not_listed": hidden})
    output.line(runs_text(listed) if runs else "no runs yet; start one with: fsm run PLAN")
    if hidden:
        output.line(f"and {hidden} finished before; list all with: fsm list --all")


def carry_on(
    output: Output,
    workspace: Workspace,
    run_id: str,
    state: str | None,
    from_steps: Callable[[Session], Sequence[str]],
    rerun: Sequence[str],
    done: Sequence[str],
    reason: str,
    survivors: Survivors | None,
) -> int:
    """Resume a run, and print how it rests; `from_steps` is asked, once it is held, what to run again."""
    from fsm.app.session import changed_since, take_up
    from fsm.run import events as on

    with (
        Progress(output) as progress,
        take_up(
            workspace, run_id, progress.observe, survivors=survivors or "refuse", warn=output.note
        ) as session,
    ):
        run = session.run
        session.require_environment()
        back = tuple(from_steps(session))
        for step in (*rerun, *done, *back):
            _known(run, step)
        if session.found in {"rolling_back", "aborting"}:
            if back or rerun or done:
                raise Refused(
                    f"run {run.run_id} is {session.found}: no step goes forward any more",
                    f"let it go on with: fsm resume {run.run_id}",
                )
        elif not session.has_ended:
            if note := changed_since(session):
                output.note(note)
            again, finished = _answers(output, run, {*back, *rerun, *done})
            answered = rerun or done or again or finished
            session.request(
                on.RunResumed(
                    run.plan.digest,
                    by=session.person,
                    from_steps=back,
                    rerun=(*rerun, *again),
                    done=(*done, *finished),
                    reason=reason or ("answered at resume" if answered else ""),
                )
            )
        session.drive()
    return finish(output, session, state)


def _workspace(state: str | None, grace: str) -> Workspace:
    from fsm.app.workspace import Workspace

    return Workspace.here(state, seconds_of(grace))


def seconds_of(grace: str) -> float:
    """What `--grace` says, in seconds. Raises `Invalid`."""
    from fsm.plan.duration import parse_duration

    try:
        return parse_duration(grace)
    except ValueError as error:
        raise Invalid([Problem(f"--grace: {error}", "write a duration such as 10s")]) from None


def _consent(
    output: Output, workspace: Workspace, plan: Plan, typed: str, digest: str | None, yes: bool
) -> tuple[Approval, bool]:
    """The approval that this run goes by, and whether it was recorded before.

    `typed` is the plan's file with the options that it was read with.
    """
    import time

    from fsm.app.workspace import whoami
    from fsm.engine.ports import Approval

    if digest is not None:
        if len(digest) < 12 or not plan.digest.startswith(digest.lower()):
            raise Refused(
                f"the digest of {typed} is {plan.digest}, not {digest}",
                f"it changed, or other options were given; look at it with: fsm plan {typed}",
            )
        return Approval(plan.digest, whoami(), time.time(), "--approve"), False
    if yes:
        return Approval(plan.digest, whoami(), time.time(), "--yes"), False
    if recorded := workspace.store.approvals(plan.digest):
        return recorded[0], True
    if not output.can_ask:
        raise Refused(
            f"no unused approval fits {typed} as it stands now (digest {plan.digest[:12]}…)"
            + _used(workspace, plan.digest),
            f"look at it with `fsm plan {typed}`, then: fsm approve {typed}",
        )
    from fsm.cli.plans import show_plan

    show_plan(output, plan)
    if not answer(lambda: click.confirm("\nApprove this plan and run it?"), otherwise=False):
        raise Refused("not approved; nothing was started")
    return Approval(plan.digest, whoami(), time.time(), "prompt"), False


def _used(workspace: Workspace, digest: str) -> str:
    """Which run used the newest approval of the digest, and when, in words; "" if none did."""
    from contextlib import suppress

    from fsm.engine.recovery import refold
    from fsm.views.log import time_text

    for found in workspace.store.runs():
        if found.digest != digest:
            continue
        with suppress(FsmError):  # a run that cannot be read says nothing
            approval = refold(workspace.store.load(found.run_id)).approval
            if approval is not None and approval.how == "fsm approve":
                given = f"{approval.by} gave one at {time_text(approval.approved_at)}"
                begun = time_text(found.created_at)
                return f"; {given}, and run {found.run_id} used it at {begun}"
    return ""


def _answers(
    output: Output, run: Run, answered: Iterable[str | None]
) -> tuple[list[str], list[str]]:
    """Ask about the interrupted steps that only a person can settle: those to run again, those done."""
    from fsm.views.text import shown

    again: list[str] = []
    finished: list[str] = []
    for record in run.interrupted:
        if record.id in answered or record.step.idempotent or record.step.check is not None:
            continue
        if not output.can_ask:
            continue
        question = f"Step {record.index + 1}: {shown(record.step.name)} was interrupted."
        words = click.Choice(["rerun", "done", "quit"])
        ask = partial(click.prompt, f"{question} Run it again, or was it done?", type=words)
        said = answer(ask, otherwise="quit")
        if said == "quit":
            raise _Unanswered(
                f"step {record.id} is not decided; nothing was changed",
                f"look, then say: fsm resume {run.run_id} --rerun {record.id}, or --done {record.id}",
            )
        (again if said == "rerun" else finished).append(record.id)
    return again, finished


class _Unanswered(FsmError):
    exit_code = 130


def _known(run: Run, step: str) -> None:
    from fsm.document import suggest

    if step not in run.plan.positions:
        hint = suggest(step, run.plan.positions) or f"see: fsm status {run.run_id}"
        raise Invalid([Problem(f"run {run.run_id} has no step `{step}`", hint)])


def finish(output: Output, session: Session, state: str | None) -> int:
    """Print how the run rests; the exit code that says so."""
    import json
    import time

    from fsm.views.report import report, report_json, report_text

    view = report(session.run, options=options_text(state))
    told = {"event": "Report", "at": time.time(), **report_json(view)}
    output.event(json.dumps(told, ensure_ascii=False))
    output.line()
    output.line(report_text(view))
    return exit_code(session)


def exit_code(session: Session) -> int:
    """The exit code that says how the run rests."""
    from fsm.views.report import EXIT_CODES

    if session.was_stopped and session.run.state != "completed":
        return 130
    return EXIT_CODES[session.run.state]
