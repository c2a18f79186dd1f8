"""The skill `files`: small changes of files within the plan's folder, each with its way back."""

from __future__ import annotations

from fsm.actions.skill import Context, Skill
from fsm.plan.skill import Undo

__all__ = ["files"]

files = Skill("files", "Write, copy, move and remove files within the plan's folder.")


@files.action(undo=Undo(action="remove", params={"path": "{{ params.path }}"}))
def write(path: str, text: str, context: Context) -> None:
    """Write text to a file."""
    (context.folder / path).write_text(text)


@files.action
def remove(path: str, context: Context) -> None:
    """Remove a file."""
    (context.folder / path).unlink()
