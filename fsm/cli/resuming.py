"""`fsm resume`: go on with a run, its interrupted steps settled by whoever can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from fsm.cli.options import answer_options, find_run, run_options
from fsm.cli.output import Output, answer
from fsm.cli.sessions import finish, step_id, taken_up
from fsm.errors import FsmError, Refused

if TYPE_CHECKING:
    from fsm.app.session import Session
    from fsm.app.survivors import Survivors
    from fsm.app.workspace import Workspace
    from fsm.run import Run

__all__ = ["carry_on", "resume"]


@click.command()
@run_options
@click.option(
    "--from",
    "from_step",
    metavar="STEP",
    help="Run STEP, by its id or number, and all that depends on it again.",
)
@answer_options
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
    workspace, found, state = find_run(run_id, state, grace)
    again = () if from_step is None else (from_step,)
    return carry_on(
        output, workspace, found.run_id, state, lambda _: again, rerun, done, reason, survivors
    )


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
    from fsm.app.session import changed_since
    from fsm.run import events as on

    with taken_up(output, workspace, run_id, survivors) as session:
        run = session.run
        session.require_environment()
        rerun = [step_id(run, step) for step in rerun]
        done = [step_id(run, step) for step in done]
        back = tuple(step_id(run, step) for step in from_steps(session))
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
