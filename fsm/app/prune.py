"""Forgetting a finished run: its logs, then its journal."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fsm.errors import Damaged, Refused, StateUnavailable

if TYPE_CHECKING:
    from fsm.app.workspace import Workspace
    from fsm.engine.ports import RunSummary

__all__ = ["damage_of", "forget", "forget_damaged"]


def forget(workspace: Workspace, run: RunSummary) -> None:
    """Remove a finished run with its folder of logs and outputs.

    The logs go first, while the run is held: killed half-way, the run is still listed, its journal tells
    all, and pruning it again ends what was begun. The other way round a folder would stay that no run names.
    Taken up between the two by somebody else, it stays, without the logs it had.

    Raises `Held` while another process has the run, `Refused` if it is unfinished or no longer as it was in
    `run`, or if its folder of logs is none of ours, `Damaged` if its journal is evidence of something, and
    `StateUnavailable`.
    """
    from fsm.stores.refusals import refuse_unfinished

    journal = workspace.store.acquire(run.run_id)
    try:
        now = workspace.store.load(run.run_id).summary
        if (now.state, now.updated_at) != (run.state, run.updated_at):
            raise Refused(
                f"run {run.run_id} has changed meanwhile: it is {now.state}",
                f"see: fsm status {run.run_id}",
            )
        refuse_unfinished(now)
        _remove_folder(workspace.logs, run.run_id)
    finally:
        journal.close()
    workspace.store.remove(run.run_id)


def damage_of(workspace: Workspace, run: RunSummary) -> Damaged:
    """What is wrong with the run's journal. Raises `Refused` if nothing is."""
    from fsm.engine.recovery import refold

    try:
        refold(workspace.store.load(run.run_id))
    except Damaged as error:
        return error
    raise Refused(
        f"the journal of run {run.run_id} is whole, and the run is {run.state}",
        "finished runs are removed with --keep N or --older-than DURATION; an unfinished one is ended first: "
        f"fsm abort {run.run_id}",
    )


def forget_damaged(workspace: Workspace, run: RunSummary) -> None:
    """Remove a run whose journal is damaged, whatever state it is in: it can neither go on nor be given up.

    What is left of the journal goes with it, so that a person must name the run. Raises as `forget` does, and
    `Refused` if it is not damaged.
    """
    damage_of(workspace, run)
    journal = None
    with suppress(Damaged):  # then nobody can take it up
        journal = workspace.store.acquire(run.run_id)
    try:
        _remove_folder(workspace.logs, run.run_id)
    finally:
        if journal is not None:
            journal.close()
    workspace.store.remove(run.run_id, damaged=True)


def _remove_folder(parent: Path, name: str) -> None:
    """Remove the folder and all in it; no symbolic link is followed, nor one put there meanwhile (F67)."""
    try:
        folder = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        is_ours = parent.is_dir() and not parent.is_symlink()
        raise _unremoved(parent, error) if is_ours else _not_ours(parent) from None
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if not stat.S_ISDIR(mode):
            raise _not_ours(parent / name)
        shutil.rmtree(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unremoved(parent / name, error) from None
    finally:
        os.close(folder)


def _not_ours(path: Path) -> Refused:
    what = "a symbolic link" if path.is_symlink() else "no folder"
    return Refused(
        f"{path} is {what}: nothing behind it is removed", "look at it, remove it, and prune again"
    )


def _unremoved(path: Path, error: OSError) -> StateUnavailable:
    return StateUnavailable(
        f"{error.filename or path}: {error.strerror}", "mend that, and prune again"
    )
