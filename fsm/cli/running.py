"""`fsm run`: the consent to a plan, and its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fsm.cli.options import (
    grace_option,
    plan_options,
    read_plan,
    spelled,
    state_option,
    workspace_of,
)
from fsm.cli.output import Output, answer
from fsm.cli.sessions import begun, finish, refuse_other_digest
from fsm.errors import FsmError, Refused

if TYPE_CHECKING:
    from fsm.app.workspace import Workspace
    from fsm.engine.ports import Approval
    from fsm.plan.model import Plan

__all__ = ["run_", "run_plan"]


@click.command("run")
@plan_options
@state_option
@grace_option
@click.option("--approve", "digest", metavar="DIGEST", help="Consent to the plan of this digest.")
@click.option("--yes", is_flag=True, help="Consent to the plan as it is, unseen.")
@click.option("--new", is_flag=True, help="Run even if another run of this plan is unfinished.")
def run_(**typed: Any) -> int:
    """Run an approved plan step by step, with visible progress.

    On a terminal it prints the plan and asks; elsewhere it needs an earlier `fsm approve FILE`,
    `--approve DIGEST`, or `--yes`.
    """
    plan = read_plan(typed["file"], typed["params"], typed["parallel"], typed["skills"])
    return run_plan(plan, **typed)


def run_plan(
    plan: Plan,
    *,
    file: str,
    params: tuple[str, ...],
    parallel: int | None,
    skills: tuple[str, ...],
    as_json: bool,
    state: str | None,
    grace: str,
    digest: str | None,
    yes: bool,
    new: bool,
) -> int:
    """Run the plan that was read of `file`; the options are those of `fsm run`, and so is the exit code."""
    output = Output(json=as_json)
    workspace = workspace_of(state, grace)
    typed = spelled(file, params, parallel, skills, plan.secrets)
    session = begun(
        output,
        workspace,
        plan,
        file=file,
        typed=typed,
        consent=lambda: _consent(output, workspace, plan, typed, digest, yes),
        alongside=new,
    )
    return finish(output, session, state)


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
        refuse_other_digest(plan, typed, digest)
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
