"""What the commands that drive a run share: to begin it, to take it up, and to tell how it rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fsm.cli.options import options_text
from fsm.cli.progress import Progress
from fsm.errors import Invalid, Refused

if TYPE_CHECKING:
    from fsm.app.session import Observer, Session
    from fsm.app.survivors import Survivors
    from fsm.app.workspace import Workspace
    from fsm.cli.output import Output
    from fsm.engine.ports import Approval
    from fsm.plan.model import Plan
    from fsm.run import Run

__all__ = ["begun", "exit_code", "finish", "refuse_other_digest", "step_id", "taken_up"]


def begun(
    output: Output,
    workspace: Workspace,
    plan: Plan,
    *,
    file: str,
    typed: str,
    consent: Callable[[], tuple[Approval, bool]],
    alongside: bool,
    observe: Observer | None = None,
) -> Session:
    """A new run of the plan, driven until it rests; what happens is shown, or `observe` is told.

    `typed` is `file` with the options that it was read with. `consent` gives the approval that the run goes
    by, and whether it was recorded before. Raises `Refused` or `Invalid`, and nothing was started.
    """
    from fsm.app.session import begin, check

    if not alongside:
        workspace.refuse_unfinished(plan.id)
    approval, recorded = consent()
    findings = check(workspace, plan, alone=True)
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
            alongside=alongside,
            observe=observe or progress.observe,
        ) as session,
    ):
        session.drive()
    return session


@contextmanager
def taken_up(
    output: Output, workspace: Workspace, run_id: str, survivors: Survivors | None
) -> Iterator[Session]:
    """A stored run, held while the context lasts; what happens is shown. Raises as `take_up` does."""
    from fsm.app.session import take_up

    with (
        Progress(output) as progress,
        take_up(
            workspace,
            run_id,
            progress.observe,
            survivors=survivors or "refuse",
            warn=output.note,
        ) as session,
    ):
        yield session


def refuse_other_digest(plan: Plan, typed: str, digest: str) -> None:
    """Raises `Refused` if `digest`, or its beginning of 12 letters or more, is not the plan's."""
    if len(digest) < 12 or not plan.digest.startswith(digest.lower()):
        raise Refused(
            f"the digest of {typed} is {plan.digest}, not {digest}",
            f"it changed, or other options were given; look at it with: fsm plan {typed}",
        )


def step_id(run: Run, step: str) -> str:
    """The id of the step that a person names by it, or by its number. Raises `Invalid` if there is none."""
    from fsm.document import suggest
    from fsm.errors import Problem

    steps = run.plan.positions
    if step in steps:
        return step
    if step.isdecimal() and len(step) < 10 and 0 < int(step) <= len(steps):
        return run.plan.steps[int(step) - 1].id
    hint = suggest(step, steps) or f"see: fsm status {run.run_id}"
    raise Invalid([Problem(f"run {run.run_id} has no step `{step}`", hint)])


def finish(output: Output, session: Session, state: str | None, code: int | None = None) -> int:
    """Print how the run rests; the exit code, which says so too unless it is to be `code`."""
    import json
    import time

    from fsm.views.report import report, report_json, report_text

    view = report(session.run, options=options_text(state))
    code = exit_code(session) if code is None else code
    told = {"event": "Report", "at": time.time(), **report_json(view), "exit_code": code}
    output.event(json.dumps(told, ensure_ascii=False))
    output.line()
    output.line(report_text(view))
    return code


def exit_code(session: Session) -> int:
    """The exit code that says how the run rests."""
    from fsm.views.report import EXIT_CODES

    if session.was_stopped and session.run.state != "completed":
        return 130
    return EXIT_CODES[session.run.state]
