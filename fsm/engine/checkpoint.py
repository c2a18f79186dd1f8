"""Checkpoints: the state of a run after one record of its journal, stored to bound what is replayed.

A checkpoint is a shortcut. The journal is the only truth, and leads to the same state alone: so one that
is damaged, foreign or of another version is set aside with a warning, and never stands in the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from fsm.engine.journal import to_text

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["VERSION", "Checkpoint", "decode", "encode", "newest", "whole"]

VERSION: Final = 2
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_LISTS: Final = ("after", "starts")
_SEAL: Final = ',\n"sha256":"'
_SEAL_LENGTH: Final = len(_SEAL) + 64 + len('"}\n')


class Checkpoint(NamedTuple):
    """The `state` of a run (`fsm.run.snapshot`) after record `seq`, whose hash is `hash`.

    `seq` names it: checkpoint 41 is the state after record 41. `at` is in seconds since the epoch.
    `before` is the step that was about to start and asked for it; empty if it was merely time for one.
    """

    seq: int
    hash: str
    at: float
    before: str
    state: Mapping[str, JsonValue]


def encode(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as one JSON object, a line for each step, sealed by a SHA-256 of what stands before.

    What the state holds of each step, or as a list of all, comes last: what a person looks for stands first.
    """
    fields: dict[str, JsonValue] = {"version": VERSION, **checkpoint._asdict()}
    state = dict(checkpoint.state)
    steps = cast("Mapping[str, Mapping[str, JsonValue]]", state.pop("steps"))
    lines = ",\n".join(f"{_to_json(name)}:{to_text(step)}" for name, step in steps.items())
    lists = "".join(f',\n"{name}":{_to_json(state.pop(name))}' for name in _LISTS if name in state)
    opening = to_text({**fields, "state": state})
    text = f'{opening[:-1]},\n"steps":{{\n{lines}\n}}{lists}'
    return f'{text}{_SEAL}{_checksum(text)}"}}\n'.encode()


def decode(data: bytes) -> Checkpoint:
    """The checkpoint that `encode` wrote. Raises `ValueError`, which says in words why it is none."""
    text = data.decode()
    body, seal = text[:-_SEAL_LENGTH], text[-_SEAL_LENGTH:]
    if seal != f'{_SEAL}{_checksum(body)}"}}\n':
        raise ValueError("it was altered")
    fields = json.loads(text)
    if not 1 <= fields["version"] <= VERSION:
        raise ValueError(f"it is of version {fields['version']}, and {VERSION} is known here")
    return Checkpoint(
        fields["seq"],
        fields["hash"],
        fields["at"],
        fields["before"],
        {
            **fields["state"],
            **{name: fields[name] for name in ("steps", *_LISTS) if name in fields},
        },
    )


def newest(
    run_id: str, kept: Iterable[tuple[int, bytes]], hash_of: Callable[[int], str | None]
) -> tuple[Checkpoint | None, list[str]]:
    """The first of `kept` (newest first: number, bytes) that is whole and of the journal; and warnings.

    `hash_of` tells the hash of the journal's record of that number, if it has one. What is older than the
    first that is whole is not looked at.
    """
    warnings: list[str] = []
    for seq, data in kept:
        try:
            checkpoint = decode(data)
            if (checkpoint.seq, checkpoint.hash) == (seq, hash_of(seq)):
                return checkpoint, warnings
            why = "it is not of this journal"
        except ValueError as error:
            why = str(error)
        warnings.append(f"checkpoint {seq} of run {run_id} is set aside: {why}")
    return None, warnings


def whole(kept: Iterable[tuple[int, bytes]]) -> list[Checkpoint]:
    """Those of `kept` that are as they were written."""
    checkpoints = []
    for _, data in kept:
        with suppress(ValueError):
            checkpoints.append(decode(data))
    return checkpoints


def _checksum(text: str) -> str:
    return sha256(text.encode()).hexdigest()
