"""What is known of runs: how one stands, what happened in it, and which there are. Nothing is changed."""

from __future__ import annotations

import click

from fsm.cli.options import (
    find_run,
    json_option,
    options_text,
    other_states,
    run_argument,
    state_option,
    workspace_of,
)
from fsm.cli.output import Output
from fsm.cli.sessions import step_id

__all__ = ["list_", "log", "status"]


@click.command()
@run_argument
@json_option
@state_option
def status(run_id: str | None, as_json: bool, state: str | None) -> None:
    """Show how a run stands, and what you can do now.

    That is what it has done, what it has not, and what is unknown.
    """
    from fsm.app.survivors import still_at_work
    from fsm.engine.recovery import open_run
    from fsm.views.report import report, report_json, report_text, steps_text

    output = Output(json=as_json)
    workspace, found, state = find_run(run_id, state)
    # Asked before the run is read: one that comes to rest meanwhile is not taken for one whose process died.
    holder = workspace.store.holder(found.run_id)
    taken = open_run(workspace.store, found.run_id)
    run = taken.run
    alive = still_at_work(workspace, run) if holder is None else ()
    view = report(run, held=holder is not None, survived=bool(alive), options=options_text(state))
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
@click.option(
    "--step",
    metavar="STEP",
    help="What STEP (its id or number) printed, attempt by attempt, instead of the events.",
)
@json_option
@state_option
def log(run_id: str | None, step: str | None, as_json: bool, state: str | None) -> None:
    """Print what happened in a run, or what a step printed."""
    from fsm.app.history import step_logs
    from fsm.engine.recovery import refold
    from fsm.views.log import log_line, log_text, record_json

    output = Output(json=as_json)
    workspace, found, state = find_run(run_id, state)
    stored = workspace.store.load(found.run_id)
    told: list[str] = []
    run = refold(stored, lambda run, at, event: told.append(log_line(run, at, event)))
    if step is None:
        output.document({"run": run.run_id, "records": [record_json(r) for r in stored.records]})
        output.line(log_text(told))
        return
    step = step_id(run, step)
    files = step_logs(workspace, run, step)
    output.document({"run": run.run_id, "step": step, "logs": dict(files)})
    for name, text in files.items():
        output.line(f"== {name}\n{text.rstrip()}")
    if not files:
        output.line(f"no output of step {step} is kept: it printed nothing, or its log was removed")


@click.command("list")
@click.option("--all", "every", is_flag=True, help="List every run.")
@json_option
@state_option
def list_(every: bool, as_json: bool, state: str | None) -> None:
    """List the newest 20 runs, and all that are unfinished.

    The newest comes first. A run whose process died is one that goes on no more: `fsm status RUN` says what
    you can do about it.
    """
    from fsm.app.history import died
    from fsm.engine.retention import recent
    from fsm.views.log import runs_text, summary_json

    output = Output(json=as_json)
    workspace = workspace_of(state)
    runs = workspace.store.runs()
    listed = runs if every else recent(runs)
    hidden = len(runs) - len(listed)
    gone = died(workspace, listed)
    output.document(
        {
            "runs": [summary_json(run, died=run.run_id in gone) for run in listed],
            "not_listed": hidden,
        }
    )
    output.line(runs_text(listed, gone) if runs else "no runs yet; start one with: fsm run PLAN")
    if gone:
        which = min(gone) if len(gone) == 1 else "RUN"
        output.line(f"what can be done now: fsm status {which}{options_text(state)}")
    if hidden:
        output.line(f"and {hidden} finished before; list all with: fsm list --all")
    other_states(output, state)
