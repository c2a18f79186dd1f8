"""The skill, to which the modules beside add its actions; and what all of them need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fsm.actions.python.skill import Context, Lack, Skill
from fsm.actions.skills.git.repository import Repository
from fsm.plan.skill import Needs, Undo

__all__ = ["NEEDS", "RESTORE", "git", "lacks_repository"]

git = Skill("git-operations", "Branches, commits, tags and pushes of a git repository.", apart=True)

NEEDS: Final = Needs(commands=("git",))

RESTORE: Final = Undo(action="restore", params={})
"""The undoing of what only the step's memory knows how to undo."""


def lacks_repository(context: Context) -> Iterator[Lack]:
    """That the step works in no git repository, if so."""
    fault = Repository(context).fault()
    if fault:
        hint = "make a repository with: git init, or mend the step's `cwd`"
        yield Lack("targets", f"git cannot work in {context.cwd}: {fault}", hint)
