"""What a person needs to know about a run now: what is done, what is not, what is unknown, what next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsm.plan.duration import format_duration
from fsm.values import Value
from fsm.views.next_moves import moves_past_survivors, next_moves, stuck, to_be_retried
from fsm.views.progress import masked_words
from fsm.views.text import count, names, shown, state_words, step_label

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.run import Run, StepRecord

__all__ = ["EXIT_CODES", "Report", "report", "report_json", "report_text", "steps_text"]

EXIT_CODES = {
    "completed": 0,
    "failed": 1,
    "paused": 3,
    "rolled_back": 4,
    "needs_intervention": 5,
}
"""The exit code of a command that carried a run on, by the state the run rests in (DESIGN.md, "Faces")."""


class Report(Value):
    """Every step of a run in exactly one of the first eight lists, each in execution order.

    `partial` names those that failed or were cancelled, also once, and may have had an effect all the same;
    `irreversible` those whose effect is there and has no rollback. `next` pairs a command with what it does.
    """

    run: Run
    headline: str
    done: Sequence[StepRecord]
    failed: Sequence[StepRecord]
    cancelled: Sequence[StepRecord]
    unknown: Sequence[StepRecord]
    in_flight: Sequence[StepRecord]
    not_done: Sequence[StepRecord]
    skipped: Sequence[StepRecord]
    undone: Sequence[StepRecord]
    partial: Sequence[StepRecord]
    irreversible: Sequence[StepRecord]
    next: Sequence[tuple[str, str]]


def report(run: Run, *, held: bool = False, survived: bool = False, options: str = "") -> Report:
    """The report of the run as it stands; `options` is added to every command it names.

    `held` says that a living process drives the run: what is in flight is then not unknown. `survived` says
    that nobody does, but that a step is still at work.
    """
    lists: dict[str, list[StepRecord]] = {name: [] for name in {*_LISTS.values(), "cancelled"}}
    for record in run.steps:
        kind = _LISTS[record.state]
        if kind == "unknown" and record.step.read_only and run.state == "rolled_back":
            kind = "not_done"  # nothing is unknown about the effect of a step that has none
        if record.state == "failed" and record.cancelled:
            kind = "cancelled"
        lists["unknown" if kind == "in_flight" and not held else kind].append(record)
    return Report(
        run=run,
        headline=_headline(run, held),
        done=lists["done"],
        failed=lists["failed"],
        cancelled=lists["cancelled"],
        unknown=lists["unknown"],
        in_flight=lists["in_flight"],
        not_done=lists["not_done"],
        skipped=lists["skipped"],
        undone=lists["undone"],
        partial=[
            record
            for record in run.steps
            if (record.state in {"failed", "rollback_failed"} or _awaits_retry(record))
            and record.attempt
            and not record.step.read_only
        ],
        irreversible=[r for r in run.steps if r.outstanding and r.step.irreversible],
        next=[
            (f"fsm {command}{options}", what)
            for command, what in (moves_past_survivors(run) if survived else next_moves(run, held))
        ],
    )


def report_text(view: Report) -> str:
    """The report as a page of text, without its trailing newline."""
    run = view.run
    lines = [view.headline]
    told = [record for record in view.undone if record.error]
    retried = [record for record in view.not_done if _awaits_retry(record)]
    for record in (*view.failed, *retried, *view.unknown, *told):
        lines += ["", *_failure(run, record)]
    rows = [
        ("done", view.done),
        ("undone", view.undone),
        ("skipped", view.skipped),
        ("not done", view.not_done),
        ("cancelled", view.cancelled),
        ("in flight", view.in_flight),
        ("unknown", view.unknown),
        ("may have left partial effects", view.partial),
        ("cannot be undone", view.irreversible if run.state != "completed" else ()),
    ]
    if run.state == "completed":
        rows = [row for row in rows if row[0] not in {"done", "may have left partial effects"}]
    if any(records for _, records in rows):
        lines.append("")
    for title, records in rows:
        lines += _row(title, records) if records else []
    for record in run.steps:
        if masked := masked_words(record.outputs):
            lines.append(f"  ⚠ {record.index + 1} {shown(record.step.name)}: {masked}")
    if view.next:
        width = max(len(command) for command, _ in view.next)
        lines += ["", "What you can do now:"]
        lines += [f"  {command:<{width}}   {what}" for command, what in view.next]
    return "\n".join(lines)


def steps_text(run: Run) -> str:
    """One line a step: its mark, number, name, state and how often it was tried."""
    width = len(str(len(run.steps)))
    lines = []
    for record in run.steps:
        tried = f", attempt {record.attempt}" if record.attempt > 1 else ""
        marked = f", marked {shown(record.marked)}" if record.marked else ""
        told = f"{shown(record.step.name)}  {_state_words(record)}{tried}{marked}"
        lines.append(f"{_MARKS[record.state]} {record.index + 1:>{width}}  {told}")
    return "\n".join(lines)


def report_json(view: Report) -> dict[str, JsonValue]:
    """The report as one JSON document."""
    run = view.run
    return {
        "run": run.run_id,
        "plan": run.plan.id,
        "name": run.plan.name,
        "digest": run.plan.digest,
        "state": run.state,
        "exit_code": EXIT_CODES.get(run.state),
        "headline": view.headline,
        "steps": [_step_json(record) for record in run.steps],
        "partial": [record.id for record in view.partial],
        "irreversible": [record.id for record in view.irreversible],
        "next": [{"command": command, "what": what} for command, what in view.next],
    }


def _headline(run: Run, held: bool) -> str:
    name = shown(run.plan.name)
    because = f" ({shown(run.stopped_because)})" if run.stopped_because else ""
    ended = _ended_in_words(to_be_retried(run))
    unknown = [record for record in run.steps if record.state == "interrupted"]
    match run.state:
        case "completed":
            tolerated = sum(record.state == "failed" for record in run.steps)
            but = f", {count(tolerated, 'tolerated failure')}" if tolerated else ""
            return f"✓ {name}: completed{but}. Run {run.run_id}."
        case "paused":
            why = because
            if unknown:
                why = f": {count(len(unknown), 'step')} in an unknown state"
            elif ended:
                why = f": {ended}{because}"
            return f"‖ {name}: paused{why}. Run {run.run_id}."
        case "failed" if not run.given_up:
            left_out = sum(record.state == "skipped" and record.cause != "" for record in run.steps)
            but = f", {count(left_out, 'step')} skipped for it" if left_out else ""
            told = f"{ended or 'failed'}{but}"
            return f"✗ {name}: {told}; nothing was undone. Run {run.run_id}."
        case "failed":
            return f"✗ {name}: aborted{because}; nothing was undone. Run {run.run_id}."
        case "rolled_back":
            return f"↶ {name}: rolled back{because or _failures_in_words(run)}. Run {run.run_id}."
        case "needs_intervention" if not stuck(run):
            return f"‖ {name}: the rollback stopped{because}, and can go on. Run {run.run_id}."
        case "needs_intervention":
            return (
                f"⚠ ALERT: {name}: manual intervention is needed; the rollback stopped"
                f"{because or _failures_in_words(run)}. "
                f"Run {run.run_id}."
            )
        case state if held:
            return f"▶ {name}: {state.replace('_', ' ')}. Run {run.run_id}."
        case state:
            was = state.replace("_", " ")
            return f"? {name}: its process died while it was {was}. Run {run.run_id}."


def _ended_in_words(records: Sequence[StepRecord]) -> str:
    """How many of these, which did not end well, failed and how many were cancelled; "" if there are none."""
    cancelled = sum(record.cancelled for record in records)
    told = {"failed": len(records) - cancelled, "cancelled": cancelled}
    return ", ".join(f"{count(number, 'step')} {how}" for how, number in told.items() if number)


def _failure(run: Run, record: StepRecord) -> list[str]:
    from fsm.views.calls import command_text

    undoing = record.state in {"rollback_failed", "rolling_back"}
    call = record.step.rollback.call if undoing and record.step.rollback else record.step.call
    label = step_label(record.index, record.step)
    if record.in_flight:
        lines = [f"? {label} - unknown: it was {record.state.replace('_', ' ')}"]
    elif record.state == "interrupted":
        lines = [f"? {label} - interrupted: {shown(record.check_failed or record.error)}"]
    else:
        how = "cancelled" if record.cancelled else "failed"
        undone = "its rollback was cancelled" if record.cancelled else "its rollback failed"
        what = undone if undoing else _state_words(record)
        what = "failed, to be tried again" if _awaits_retry(record) else what
        if record.state == "rolled_back":
            then = f"marked {shown(record.marked)}" if record.marked else "rolled back"
            what = f"{how}, then {then}"
        lines = [f"✗ {label} - {what}: {shown(record.error)}"]
    tries = record.undo_attempt if undoing else record.attempt
    facts = [("ran", command_text(call))]
    if record.exit_code is not None and record.exit_code >= 0:  # else a signal: that is the error
        facts.append(("exit code", str(record.exit_code)))
    if tries > 1:
        facts.append(("attempts", str(tries)))
    if record.seconds:
        facts.append(("took", format_duration(record.seconds)))
    lines += [f"    {title:<10} {value}" for title, value in facts]
    log = f"fsm log {run.run_id} --step {record.id}"
    if record.tail:
        lines.append(f"    last output (all of it: {log})")
        lines += [f"    | {_ends_of(shown(line))}" for line in record.tail.splitlines()]
    elif tries == 1 and record.exit_code is not None:
        lines.append("    output     none")
    elif record.attempt:
        lines.append(f"    output     {log}")
    return lines


def _ends_of(line: str) -> str:
    """The line, of a very long one its beginning and its end: what is told there is to be found again."""
    if len(line) <= _LONGEST_LINE:
        return line
    left_out = len(line) - _LONGEST_LINE
    return f"{line[: _LONGEST_LINE // 2]} … {left_out} more … {line[-_LONGEST_LINE // 2 :]}"


def _state_words(record: StepRecord) -> str:
    """The state, of a failure also whether the run goes on all the same: then nobody need mend it."""
    words = state_words(record)
    is_tolerated = words == "failed" and record.step.on_failure == "continue"
    return f"{words}, tolerated" if is_tolerated else words


def _awaits_retry(record: StepRecord) -> bool:
    return record.state == "pending" and record.not_before > 0


def _failures_in_words(run: Run) -> str:
    """Why a rollback began by itself; empty if no failure did it."""
    if not run.failed:
        return ""
    names = ", ".join(f"`{step.id}`" for step in run.plan.steps if step.id in run.failed)
    return f" because {count(len(run.failed), 'step')} failed: {names}"


def _row(title: str, records: Sequence[StepRecord]) -> list[str]:
    from textwrap import wrap

    unbroken = names(records, most=40, space="\u00a0")
    lines = wrap(
        unbroken,
        width=100,
        initial_indent=f"  {title}: ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines]


def _step_json(record: StepRecord) -> dict[str, JsonValue]:
    return {
        "step": record.id,
        "name": record.step.name,
        "number": record.index + 1,
        "state": record.state,
        "cancelled": record.cancelled,
        "attempts": record.attempt,
        "error": record.error,
        "exit_code": record.exit_code,
        "seconds": record.seconds,
        "output": record.tail,
        "outputs": dict(record.outputs),
        "outstanding": record.outstanding,
        "marked": record.marked,
    }


_LONGEST_LINE = 400

_LISTS = {
    "pending": "not_done",
    "running": "in_flight",
    "interrupted": "unknown",
    "completed": "done",
    "failed": "failed",
    "skipped": "skipped",
    "rolling_back": "in_flight",
    "rolled_back": "undone",
    "rollback_failed": "failed",
}

_MARKS = {
    "pending": "·",
    "running": "▶",
    "interrupted": "?",
    "completed": "✓",
    "failed": "✗",
    "skipped": "–",
    "rolling_back": "↶",
    "rolled_back": "↶",
    "rollback_failed": "✗",
}
