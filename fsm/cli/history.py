"""Commands about past runs: what they tell together, and keeping, moving and forgetting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fsm.cli.options import (
    find_run,
    json_option,
    name_way_out,
    options_text,
    other_states,
    run_argument,
    state_option,
    survivors_option,
    workspace_of,
)
from fsm.cli.output import Output
from fsm.errors import Damaged, FsmError, Invalid, Problem, Refused, StateUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsm.app.survivors import Survivors
    from fsm.app.workspace import Workspace
    from fsm.engine.ports import RunSummary, StoredRun

__all__ = ["export", "history", "import_", "prune", "stats"]


@click.command()
@click.argument("plan", metavar="PLAN")
@json_option
@state_option
def history(plan: str, as_json: bool, state: str | None) -> int:
    """List the runs of one plan, and how each of them ended.

    The newest comes first, with who began it, when, and how long it took. PLAN is the id of a plan that has
    run, or a plan file.
    """
    from fsm.app.history import died, measured, plan_runs
    from fsm.views.history import history_json, history_text

    output = Output(json=as_json)
    workspace = workspace_of(state)
    other_states(output, state)
    plan_id, runs = plan_runs(workspace, plan)
    left_out: list[FsmError] = []
    found = list(measured(workspace, runs, left_out))
    gone = died(workspace, runs)
    held = {m.run.run_id: m.run.run_id not in gone for m in found}
    output.document(
        {
            "plan": plan_id,
            "runs": [history_json(metrics, held[metrics.run.run_id]) for metrics in found],
            "left_out": [error.message for error in left_out],
        }
    )
    if found:
        output.line(history_text(found, held))
    elif not left_out:
        output.line(f"no run of plan {plan_id} yet; start one with: fsm run {plan}")
    return _tell(output, left_out)


@click.command()
@click.argument("plan", metavar="[PLAN]", required=False)
@json_option
@state_option
def stats(plan: str | None, as_json: bool, state: str | None) -> int:
    """Tell how often runs succeed, and what their steps take.

    Told is how often they recover, and how often steps fail and are retried, too. Of all runs, or of one
    plan: PLAN is the id of a plan that has run, or a plan file. Success: the runs that completed, of those
    that ended. Recovery: of those that failed, paused or were interrupted at least once and have ended,
    those that completed all the same. Durations are of attempts that completed: their median and 95th
    percentile, interpolated linearly between two of them.
    """
    from fsm.app.history import died, measured, plan_runs
    from fsm.run.metrics import summarize
    from fsm.views.history import statistics_json, statistics_text
    from fsm.views.text import count

    output = Output(json=as_json)
    workspace = workspace_of(state)
    other_states(output, state)
    plan_id, runs = (None, workspace.store.runs()) if plan is None else plan_runs(workspace, plan)
    left_out: list[FsmError] = []
    view = summarize(measured(workspace, runs, left_out))
    gone = died(workspace, runs)
    output.document(
        {
            "plan": plan_id,
            **statistics_json(view),
            "process_died": len(gone),
            "left_out": [error.message for error in left_out],
        }
    )
    if view.runs:
        output.line(statistics_text(view))
        if gone:
            told = f"{count(len(gone), 'run')} whose process died; which: fsm list"
            output.line(f"\n? {told}{options_text(state)}")
    elif not left_out:
        of_plan = f" of plan {plan_id}" if plan_id else ""
        output.line(f"no runs{of_plan} yet; start one with: fsm run {plan or 'PLAN'}")
    return _tell(output, left_out)


@click.command()
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N of each plan."
)
@click.option(
    "--older-than", metavar="DURATION", help="Keep what ended less than that ago, such as 30d."
)
@click.option("--plan", metavar="PLAN", help="Only runs of this plan: its id, or its file.")
@click.option(
    "--damaged",
    metavar="RUN",
    help="Remove this one run, whose journal is damaged, and what is left of it.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
@state_option
def prune(
    keep: int | None,
    older_than: str | None,
    plan: str | None,
    damaged: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    state: str | None,
) -> int:
    """Remove finished runs with their logs, for good.

    Give --keep, --older-than, or both: then what either keeps stays. Unfinished runs stay always, and so do
    those that a process holds.

    A run whose journal is damaged can neither go on nor be given up, and stays as evidence until you name it:
    `--damaged RUN`.
    """
    import time

    from fsm.app.history import plan_runs
    from fsm.engine.retention import choose
    from fsm.views.prune import kept_text, prune_json, removed_text

    output = Output(json=as_json)
    if damaged is not None:
        if (keep, older_than, plan) != (None, None, None):
            hint = "give it alone, and the others another time"
            raise Invalid([Problem("--damaged removes the one run that it names", hint)])
        return _prune_damaged(output, damaged, state, dry_run=dry_run, yes=yes)
    if keep is None and older_than is None:
        raise Invalid(
            [
                Problem(
                    "nothing says which runs to remove",
                    "give --keep N, --older-than DURATION or both",
                )
            ]
        )
    seconds = None if older_than is None else _age(older_than)
    workspace = workspace_of(state)
    runs = workspace.store.runs() if plan is None else plan_runs(workspace, plan)[1]
    removed, kept = choose(
        runs,
        keep=keep,
        older_than_seconds=seconds,
        now=time.time(),
        holder=workspace.store.holder,
    )
    failed: list[FsmError] = []
    if removed and not dry_run:
        if not yes:
            _ask(output, removed_text("to be removed:", removed))
        removed, failed = _forget(workspace, removed)
    output.document(
        {**prune_json(removed, kept, dry_run=dry_run), "failed": [e.message for e in failed]}
    )
    if removed:
        output.line(removed_text("would remove" if dry_run else "✓ removed", removed))
    elif not failed:
        output.line("nothing to remove" if runs else "no runs yet")
    if kept:
        output.line(kept_text(kept))
    other_states(output, state)
    return _tell(output, failed, "kept: ")


def _prune_damaged(
    output: Output, reference: str, state: str | None, *, dry_run: bool, yes: bool
) -> int:
    from fsm.app.prune import damage_of, forget_damaged
    from fsm.views.prune import prune_json, removed_text

    workspace, run, _ = find_run(reference, state)
    damage = damage_of(workspace, run)
    output.line(f"✗ {damage.message}")
    output.line("what its steps did is recorded nowhere else, and nothing of it will be undone\n")
    if not dry_run:
        if not yes:
            _ask(output, removed_text("to be removed:", [run]))
        forget_damaged(workspace, run)
    output.document({**prune_json([run], [], dry_run=dry_run), "failed": []})
    output.line(removed_text("would remove" if dry_run else "✓ removed", [run]))
    return 0


@click.command()
@run_argument
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    help="Where to. [default: RUN.fsm.json; - is stdout]",
)
@click.option(
    "--move", is_flag=True, help="Give an unfinished run up here, so that it can go on there."
)
@json_option
@state_option
@survivors_option
def export(
    run_id: str | None,
    target: str | None,
    move: bool,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
) -> None:
    """Write a run into one file, for `fsm import`.

    In it are its plan and its whole journal. A finished run is copied. An unfinished one could go on in two
    places: it is moved, with --move, and here aborted. Logs of steps stay. The file is for your eyes only,
    and nothing is overwritten.
    """
    from fsm.app.transfer import export_run, move_run

    output = Output(json=as_json)
    workspace, found, state = find_run(run_id, state)
    target = target or f"{found.run_id}.fsm.json"
    if move and target == "-":
        raise Invalid([Problem("--move needs a file", "what reads stdout may lose the run")])
    if move:
        stored = move_run(workspace, found.run_id, target, survivors or "refuse")
    else:
        stored = export_run(workspace, found.run_id, target)
    if target == "-":
        return
    output.document({"file": target, **_journal_json(stored)})
    verb = "moved to" if move else "copied to"
    output.line(f"✓ run {found.run_id} {verb} {target}")
    output.line(f"  {_journal_words(stored)}")
    if move:
        output.line("  here it is aborted; where it is imported it can go on: import it once only")


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(readable=False, allow_dash=True))
@click.option(
    "--new", is_flag=True, help="Take it over even if another run of its plan is unfinished."
)
@json_option
@state_option
def import_(file: str, new: bool, as_json: bool, state: str | None) -> None:
    """Take over a run that `fsm export` wrote.

    Its journal is taken as it was. FILE may be - for stdin. A run brings its approval along, and its
    commands work with your rights when you resume it or roll it back: import only what you trust.
    """
    from fsm.app.transfer import import_run
    from fsm.engine.ports import FINAL_STATES
    from fsm.engine.recovery import origin

    output = Output(json=as_json)
    workspace = workspace_of(state)
    stored, taken = import_run(workspace, file, alongside=new)
    run = stored.summary
    output.document({"state_url": workspace.shown_url, **_journal_json(stored)})
    output.line(
        f"✓ run {run.run_id} of plan {run.plan_id} is now in {workspace.shown_url}: {run.state}"
    )
    output.line(f"  {_journal_words(stored)}")
    if run.state not in FINAL_STATES:
        output.line(f"  its steps work in {origin(taken).cwd}")
        output.line(
            "  it must go on nowhere else; what it has done: fsm status "
            + run.run_id
            + options_text(state)
        )


def _tell(output: Output, errors: Sequence[FsmError], before: str = "") -> int:
    """Show what could not be read or done; the exit code for it."""
    for error in errors:
        output.note(f"{before or 'left out: '}{error}")
    if not errors:
        return 0
    return 7 if any(isinstance(error, StateUnavailable) for error in errors) else 6


def _age(text: str) -> float:
    from fsm.plan.duration import parse_duration

    try:
        if text[-1:].isdecimal():
            raise ValueError(f"{text!r} has no unit")
        return parse_duration(text)
    except ValueError as error:
        problem = Problem(f"--older-than: {error}", "write a duration such as 30d or 12h")
        raise Invalid([problem]) from None


def _ask(output: Output, what: str) -> None:
    if not output.can_ask:
        raise Refused(
            "nobody can be asked whether to remove runs for good; nothing was removed",
            "look with --dry-run, then say --yes",
        )
    output.line(what)
    if not click.confirm("\nRemove them for good?"):
        raise Refused("not confirmed; nothing was removed")


def _forget(
    workspace: Workspace, runs: Sequence[RunSummary]
) -> tuple[list[RunSummary], list[FsmError]]:
    """Remove each run; those that are gone, and why others are not."""
    from fsm.app.prune import forget

    gone: list[RunSummary] = []
    failed: list[FsmError] = []
    for run in runs:
        try:
            forget(workspace, run)
        except FsmError as error:
            if isinstance(error, Damaged):
                name_way_out(error, run.run_id)
            failed.append(error)
        else:
            gone.append(run)
    return gone, failed


def _journal_json(stored: StoredRun) -> dict[str, str | int]:
    run = stored.summary
    return {
        "run": run.run_id,
        "plan": run.plan_id,
        "state": run.state,
        "records": len(stored.records),
        "hash": stored.records[-1].hash if stored.records else run.digest,
    }


def _journal_words(stored: StoredRun) -> str:
    from fsm.views.text import count

    head = stored.records[-1].hash if stored.records else stored.summary.digest
    return f"{count(len(stored.records), 'record')}, the last with hash {head}"
