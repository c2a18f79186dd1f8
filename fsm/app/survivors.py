"""What to do about steps that outlived their runner, before anything is run again (F45)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fsm.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsm.actions.survivors import Survivor
    from fsm.app.workspace import Workspace
    from fsm.run import Run

__all__ = ["Survivors", "settle_survivors", "still_at_work"]

Survivors = Literal["refuse", "wait", "terminate"]
"""What to do about a step that is still at work although its runner died: what the person says."""

_GRACE_SECONDS = 5.0


def settle_survivors(workspace: Workspace, run: Run, how: Survivors) -> None:
    """Return when no step of the run, which nobody drives, is at work; how each ended is on record then.

    Raises `Refused` if one is and `how` says so, or if it could not be ended.
    """
    if not run.in_flight:
        return
    from fsm.actions.ledger import settle
    from fsm.actions.survivors import end, wait_for

    alive = still_at_work(run)
    if alive and how == "refuse":
        raise Refused(
            f"run {run.run_id}: its process died, but a step is still at work: {'; '.join(map(str, alive))}",
            "say this again with --wait, to wait until it has ended, or with --terminate, to end it",
        )
    if how == "terminate" and (left := end(lambda: still_at_work(run), _GRACE_SECONDS)):
        raise Refused(
            f"run {run.run_id}: a step could not be ended: {'; '.join(map(str, left))}",
            "end it by hand; then say this again",
        )
    wait_for(lambda: still_at_work(run))
    settle(str(workspace.logs / run.run_id))


def still_at_work(run: Run) -> Sequence[Survivor]:
    """The living processes of what the journal says is in flight; `run` is driven by nobody."""
    if not run.in_flight:
        return ()
    from fsm.actions.survivors import InFlight, survivors

    return survivors(
        run.run_id,
        [
            InFlight(r.id, r.attempt if r.state == "running" else r.undo_attempt, r.process)
            for r in run.in_flight.values()
        ],
    )
