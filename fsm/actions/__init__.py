"""What steps do: the skill `shell`, and what a runner needs beside it."""

from __future__ import annotations

from fsm.actions.children import become_subreaper
from fsm.actions.output import read_tail
from fsm.actions.shell import ShellAction
from fsm.actions.survivors import survivors

__all__ = ["ShellAction", "become_subreaper", "read_tail", "survivors"]
