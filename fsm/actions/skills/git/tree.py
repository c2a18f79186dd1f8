"""The working tree: whether it is clean."""

from __future__ import annotations

from collections.abc import Iterator

from fsm.actions.python.skill import ActionFailed, Context, Lack
from fsm.actions.skills.git.repository import Repository
from fsm.actions.skills.git.skill import NEEDS, git, lacks_repository
from fsm.plan.template import printable

__all__: list[str] = []

_MOST_NAMED = 10


@git.action(risk="read", needs=NEEDS)
def check_clean(context: Context, untracked: bool = True) -> None:
    """Fail if there are changes that are not committed.

    untracked: whether new files that git does not know count as such
    """
    files = "normal" if untracked else "no"
    found = Repository(context).run("status", "--porcelain", "-z", f"--untracked-files={files}")
    changed = [printable(entry) for entry in found.split("\0") if entry]
    if changed:
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        listed = ", ".join(changed[:_MOST_NAMED])
        raise ActionFailed(f"there are changes that are not committed: {listed}{more}")


@check_clean.dry_run
def can_check(context: Context, untracked: bool = True) -> None:
    """Whether git can tell. What it tells, steps before may still change."""
    Repository(context).run("status", "--porcelain", "--untracked-files=no")
    if context.is_first:
        check_clean(context=context, untracked=untracked)


@check_clean.inspect
def lacks(context: Context) -> Iterator[Lack]:
    """A repository."""
    return lacks_repository(context)
