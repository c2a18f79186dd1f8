"""The undoing of what only the step's memory knows how to undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fsm.actions.python.skill import ActionFailed, Context, Lack
from fsm.actions.skills.git.branches import bring_back_branch, go_back
from fsm.actions.skills.git.commits import take_back_commit, take_back_merge
from fsm.actions.skills.git.memory import forget, recall
from fsm.actions.skills.git.repository import Repository
from fsm.actions.skills.git.skill import NEEDS, git, lacks_repository
from fsm.actions.skills.git.tags import bring_back_tag

__all__: list[str] = []

_BACK: Final[Mapping[str, Callable[[Repository, dict[str, Any]], None]]] = {
    "checkout": go_back,
    "commit": take_back_commit,
    "delete-branch": bring_back_branch,
    "delete-tag": bring_back_tag,
    "merge": take_back_merge,
}


@git.action(idempotent=True, needs=NEEDS)
def restore(context: Context) -> None:
    """Take back what the step that this undoes did to the repository; fail if others built on it since."""
    own = recall(context, *_BACK)
    if own:
        _BACK[own["action"]](Repository(context), own)
        forget(context, own)
    elif recall(context, "undone"):
        context.note("it was undone already")
    else:
        raise ActionFailed(
            f"nothing is remembered in {context.kept} of what step `{context.step_id}` did; "
            "put it right by hand, then mark the step undone"
        )


@restore.inspect
def restore_lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)
