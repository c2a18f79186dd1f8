"""S3's commands: execute a specification of phases, and recover a run from a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fsm.cli.options import answer_options, find_run, read_plan, run_options, values, workspace_of
from fsm.cli.output import Output
from fsm.cli.resuming import carry_on
from fsm.cli.running import run_, run_plan
from fsm.cli.sessions import begun, exit_code, finish, refuse_other_digest

if TYPE_CHECKING:
    from fsm.app.session import Session
    from fsm.app.survivors import Survivors
    from fsm.app.workspace import Workspace
    from fsm.plan import Specification

__all__ = ["execute", "recover"]


@click.command(params=run_.params)
def execute(**typed: Any) -> int:
    """Run a specification of phases; for a plan, `fsm run`.

    A specification needs no approval beforehand: this command is the consent, and is recorded as it.
    Its `state_backend` says where its state is kept, unless --state or FSM_STATE do.
    """
    from fsm.plan import load_specification, read_source

    params, parallel = typed["params"], typed["parallel"]
    source = read_source(typed["file"])
    specification = load_specification(source, given=values(params), parallel=parallel)
    if specification is None:
        return run_plan(read_plan(source, params, parallel, typed["skills"]), **typed)
    return _execute(specification, **typed)


def _execute(
    specification: Specification,
    *,
    file: str,
    as_json: bool,
    state: str | None,
    grace: str,
    digest: str | None,
    new: bool,
    **_: object,
) -> int:
    import os
    import time

    from fsm.app.phases import results_of
    from fsm.app.workspace import backend_url, whoami
    from fsm.engine.ports import Approval

    output, plan = Output(json=as_json), specification.plan
    if digest is not None:
        refuse_other_digest(plan, file, digest)
    if not state and not os.environ.get("FSM_STATE") and specification.state_backend != "sqlite":
        state = backend_url(specification.state_backend)
    workspace = workspace_of(state, grace)
    session = begun(
        output,
        workspace,
        plan,
        file=file,
        typed=file,
        consent=lambda: (Approval(plan.digest, whoami(), time.time(), "execute"), False),
        alongside=new,
        observe=(lambda *_: None) if as_json else None,
    )
    if as_json:
        output.document({**results_of(workspace, session.run)})
        return exit_code(session)
    return finish(output, session, state)


@click.command()
@run_options
@click.option(
    "--checkpoint",
    "wanted",
    metavar="N|STEP",
    help="Go back to checkpoint N, or to the newest before STEP.",
)
@click.option("--list", "only_list", is_flag=True, help="Show the checkpoints, and change nothing.")
@answer_options
def recover(
    run_id: str | None,
    as_json: bool,
    state: str | None,
    survivors: Survivors | None,
    grace: str,
    wanted: str | None,
    only_list: bool,
    rerun: tuple[str, ...],
    done: tuple[str, ...],
    reason: str,
) -> int:
    """Take a run up from its newest checkpoint, or an older one.

    That is after a crash or a failure. RUN may also be the id of a workflow or a plan: its newest run is
    meant. With --checkpoint all steps that ran after that checkpoint are run again. Otherwise it is
    `fsm resume`.
    """
    from fsm.app.recovery import checkpoint_of, run_after

    output = Output(json=as_json)
    workspace, found, state = find_run(run_id, state, grace)
    store, run_id = workspace.store, found.run_id
    if only_list:
        _list(output, workspace, run_id)
        return 0
    name = int(wanted) if wanted and wanted.isdecimal() else wanted
    chosen = None if name is None else checkpoint_of(store, run_id, name)

    def from_steps(session: Session) -> tuple[str, ...]:
        # Asked only now that the run is held: nothing more is added to its journal.
        _say_where(output, workspace, session)
        if chosen is None:
            return ()
        again = run_after(store, run_id, chosen.seq)
        before = f" (before {chosen.before})" if chosen.before else ""
        steps = ", ".join(again) if again else "nothing"
        output.line(f"back to checkpoint {chosen.seq}{before}; to be run again: {steps}")
        _event(output, "WentBack", checkpoint=chosen.seq, before=chosen.before, again=list(again))
        return tuple(again)

    return carry_on(output, workspace, run_id, state, from_steps, rerun, done, reason, survivors)


def _say_where(output: Output, workspace: Workspace, session: Session) -> None:
    """From which checkpoint the run was taken up, what was replayed after it, what was set aside."""
    from fsm.views.text import count

    taken = session.taken
    assert taken is not None
    kept = {one.seq: one.before for one in workspace.store.checkpoints(session.run.run_id)}
    step = kept.get(taken.checkpoint, "")
    if taken.checkpoint:
        before = f" (before {step})" if step else ""
        output.line(
            f"from checkpoint {taken.checkpoint}{before}: "
            f"{count(taken.replayed, 'record')} after it replayed"
        )
    else:
        told = count(taken.replayed, "record")
        why = "can be used" if taken.warnings else "is kept"
        output.line(f"no checkpoint {why}: the whole journal was replayed, {told}")
    _event(
        output,
        "Recovered",
        checkpoint=taken.checkpoint or None,
        before=step,
        replayed=taken.replayed,
        set_aside=list(taken.warnings),
    )


def _list(output: Output, workspace: Workspace, run_id: str) -> None:
    from fsm.app.recovery import run_after
    from fsm.views.log import time_text
    from fsm.views.text import listed

    kept = workspace.store.checkpoints(run_id)
    told = [(one, [*run_after(workspace.store, run_id, one.seq)]) for one in kept]
    output.document(
        {
            "run": run_id,
            "checkpoints": [
                {"checkpoint": one.seq, "at": one.at, "before": one.before, "again": [*again]}
                for one, again in told
            ],
        }
    )
    for one, again in told:
        before = f"before {one.before}" if one.before else ""
        output.line(f"{one.seq:>6}  {time_text(one.at)}  {before}".rstrip())
        output.line(f"        to be run again from here: {listed(again) or 'nothing'}")
    if not kept:
        output.line(f"no checkpoint of run {run_id} is kept")


def _event(output: Output, kind: str, **fields: Any) -> None:
    import json

    output.event(json.dumps({"event": kind, **fields}, ensure_ascii=False))
