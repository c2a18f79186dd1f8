"""The skill `git-operations`: branches, commits, tags and pushes of a real repository, through `git`.

What a step needs to be undone is remembered in a folder of its own (`fsm.actions.skills.git.memory`) before
it does anything, so that it can be told after a crash whether it was done, and that undoing it takes back
what it did and nothing else. Values are elements of argument lists, never options: names of branches and tags
are checked, revisions are resolved to commits, paths stand after `--` and mean themselves.
"""

from __future__ import annotations

from fsm.actions.skills.git import branches, commits, remotes, restoring, tags, tree
from fsm.actions.skills.git.skill import git

__all__ = ["branches", "commits", "git", "remotes", "restoring", "tags", "tree"]
