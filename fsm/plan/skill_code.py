"""What a skill's code is, so that what was approved is what runs: the SHA-256 of the files it is in (F78)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from fsm.errors import Problem

__all__ = ["SCRIPTS", "changed_code", "scripts_hash"]

SCRIPTS = "scripts"
"""The folder of an Agent-Skill in which its scripts lie."""


def _file_hash(path: Path) -> str:
    """Of the bytes of one file. Raises `OSError`."""
    return sha256(path.read_bytes()).hexdigest()


def scripts_hash(folder: Path) -> str:
    """Of the names and the bytes of all files among the scripts of a skill's folder: one may use another.

    Raises `OSError`, also for a link that leads nowhere.
    """
    told = sha256()
    for path in sorted(_files(folder / SCRIPTS)):
        name = os.fsencode(path.relative_to(folder))
        told.update(b"%d %s %s\n" % (len(name), name, _file_hash(path).encode()))
    return told.hexdigest()


def changed_code(name: str, where: str) -> Problem:
    """The problem that a skill is no longer what was approved."""
    return Problem(
        f"the code of skill `{name}` ({where}) has changed since the plan was approved",
        "put it back as it was; or give this run up (fsm rollback, fsm abort) and approve the plan anew",
    )


def _files(folder: Path) -> Iterator[Path]:
    """All but what Python leaves behind when it runs them."""
    for entry in os.scandir(folder):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _files(Path(entry))
        else:
            yield Path(entry)
