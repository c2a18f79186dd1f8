"""What steps do: the skill `shell`, and what a runner needs beside it."""

from __future__ import annotations

from fsm.actions.output import read_tail
from fsm.actions.shell import ShellAction

__all__ = ["ShellAction", "read_tail"]
