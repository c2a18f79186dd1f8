"""A person at a terminal: sees what is printed, and answers what is asked."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

from .place import Answer, Place
from .waiting import PATIENCE_SECONDS

__all__ = ["converse"]


def converse(place: Place, command: str, replies: dict[str, str]) -> Answer:
    """Run a command on a terminal, typing each reply when its prompt has appeared; what it showed.

    What is typed counts only if it was asked for: a prompt that never comes is a failure.
    """
    command = place.filled(command)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        place.arguments(command),
        cwd=place.folder,
        env={**place.env, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    asked, shown, answered = dict(replies), "", not replies
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while (read := _read(ours, deadline)) is not None:
            shown += read
            for prompt in [prompt for prompt in asked if _was_shown(prompt, shown)]:
                os.write(ours, f"{asked.pop(prompt)}\n".encode())
                answered = True
        exit_code = process.wait(PATIENCE_SECONDS)
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()
    answer = Answer(command, exit_code, shown.replace("\r\n", "\n"), "")
    assert answered, f"it asked nothing:\n{answer}"
    return answer


def _was_shown(prompt: str, shown: str) -> bool:
    """Whether it has appeared; `…` in it stands for anything."""
    return re.search(".*".join(map(re.escape, prompt.split("…"))), shown, re.DOTALL) is not None


def _read(terminal: int, deadline: float) -> str | None:
    """What was shown since; `None` when the other side has ended."""
    left = deadline - time.monotonic()
    ready, _, _ = select.select([terminal], [], [], max(left, 0))
    assert ready, "the terminal stays silent, and the command does not end"
    try:
        read = os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody has the other side any more
        return None
    return read.decode(errors="replace") if read else None
