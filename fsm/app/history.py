"""What past runs left in files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.app.workspace import Workspace

__all__ = ["step_logs"]


def step_logs(workspace: Workspace, run_id: str, step_id: str) -> dict[str, str]:
    """The captured output of every attempt of a step, by file name, in the order they were made.

    Bytes that are not UTF-8 are shown as escapes (F41).
    """
    name = re.compile(rf"{re.escape(step_id)}(@[a-z_]+)?\.[0-9]+\.log")
    folder = workspace.logs / run_id
    if not folder.is_dir():
        return {}
    files = sorted(
        (path for path in folder.iterdir() if name.fullmatch(path.name)),
        key=lambda path: path.stat().st_mtime_ns,
    )
    return {path.name: path.read_bytes().decode(errors="backslashreplace") for path in files}
