"""What to do about steps that outlived their runner, before anything is run again (F45)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fsm.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fsm.actions.processes.survivors import InFlight, Survivor
    from fsm.app.workspace import Workspace
    from fsm.run import Run

__all__ = ["Survivors", "settle_survivors", "still_at_work"]

Survivors = Literal["refuse", "wait", "terminate"]
"""What to do about a step that is still at work although its runner died: what the person says."""

_GRACE_SECONDS = 5.0


def settle_survivors(workspace: Workspace, run: Run, how: Survivors) -> Collection[str]:
    """Return when no step of the run, which nobody drives, is at work: the steps that were ended here.

    How each ended is in the ledger then, as far as anybody saw it.

    Raises `Refused` if one is and `how` says so, or if it could not be ended.
    """
    if not run.in_flight:
        return ()
    from fsm.actions.processes.ledger import settle
    from fsm.actions.processes.survivors import end, survivors, wait_for

    logs = str(workspace.logs / run.run_id)
    # Who looks when nothing more can be started has seen all; one such look is needed.
    is_settled = settle(logs, wait=False)
    alive = still_at_work(workspace, run)
    if alive and how == "refuse":
        raise Refused(
            f"run {run.run_id}: its process died, but a step is still at work: {'; '.join(map(str, alive))}",
            "say this again with --wait, to wait until it has ended, or with --terminate, to end it",
        )
    if how == "terminate" and alive:
        # All of each, to the last process: that its first one has ended is not enough here.
        attempts = _at_work(workspace, run)
        secrets = _secrets(workspace, run)
        if left := end(lambda: survivors(run.run_id, attempts, secrets), _GRACE_SECONDS):
            raise Refused(
                f"run {run.run_id}: a step could not be ended: {'; '.join(map(str, left))}",
                "end it by hand; then say this again",
            )
    if alive or not is_settled:
        settle(logs)
        wait_for(lambda: still_at_work(workspace, run))
    return {each.step for each in alive} if how == "terminate" else ()


def still_at_work(workspace: Workspace, run: Run) -> Sequence[Survivor]:
    """The living processes of what the journal says is in flight; `run` is driven by nobody.

    An attempt whose end was seen is over: what it left running is left alone, as it always is.
    """
    if not run.in_flight:
        return ()
    from fsm.actions.processes.survivors import survivors

    return survivors(run.run_id, _at_work(workspace, run), _secrets(workspace, run))


def _secrets(workspace: Workspace, run: Run) -> Sequence[bytes]:
    return workspace.site(run.run_id, run.plan, workspace.cwd).secrets


def _at_work(workspace: Workspace, run: Run) -> Sequence[InFlight]:
    """The attempts in flight whose end nobody saw; their processes as journal or ledger name them."""
    from fsm.actions.processes.ledger import entries
    from fsm.actions.processes.survivors import InFlight

    ledger = entries(str(workspace.logs / run.run_id))
    attempts = []
    for record in run.in_flight.values():
        forward = record.state == "running"
        attempt = record.attempt if forward else record.undo_attempt
        entry = ledger.get((record.id, "run" if forward else "rollback", attempt))
        if entry is None:
            attempts.append(InFlight(record.id, attempt, record.process))
        elif not entry.ended:
            process = record.process or f"{entry.pid} {entry.start} {entry.boot}"
            attempts.append(InFlight(record.id, attempt, process))
    return attempts
