"""A few kills of every kind, for the tests of every day. Each line is a `Case`."""

from __future__ import annotations

from collections.abc import Mapping

from .backends import BACKENDS
from .traced import can_trace

__all__ = ["CASES", "CONTROLS"]

_OF_ALL = (
    # between two durable writes
    "beside: begin observed 9",
    "beside: begin act:begun 4",
    "backward: begin act:begun 7",
    "backward: begin recorded 11",
    "cancelled: begin act:cancelled 1",
    "paused: resume append:noting 1",
    # a process that died after all was done, or took its last breath in back-off
    "forward: begin rested 1",
    "forward: begin waiting 2",
    # recovery, and what recovers from that (F10); from a checkpoint, too
    "undecided: begin act:begun 6, again append:noting 1, again launch:done 1",
    "saved: begin keep:before 5, again load:from_checkpoint 1, again keep:done 1",
    "unsaved: begin act:begun 8, again load:from_checkpoint 1, again act:done 1",
    # resume is never refused where status offers it
    "aborted: begin act:cancelled 1",
    # the runner is killed by a step of its own, or from within; the real command takes the run up
    "commands: rollback step:undoing:c 1",
    "commands: begin act:begun 1",
)
_TORN = (
    "paused: approve approve:torn -1",
    "beside: begin create:torn -1",
    "saved: begin keep:torn 4",
    "forward: begin append:torn 3, again acquire:torn 1, again acquire:noting 1",
)
"""In the middle of a write to a file."""
_OF_STORE = {
    "sqlite": (
        *_TORN,
        "forward: begin create:link 1",
        "forward: begin create:COMMIT -1",
        "paused: begin create:COMMIT 1",
        "forward: begin append:INSERT 5",
        "saved: begin keep:DELETE 4",
        "requested: rollback acquire:COMMIT 1",
        "cancelled: begin close:torn 1",
    ),
    "json": (
        *_TORN,
        "forward: begin create:rename 1",
        "paused: begin create:rename 1",
        "forward: begin append:write 5",
        "forward: begin append:fsync 4",
        "saved: begin keep:rename 4",
        "saved: begin keep:unlink 1",
        "saved: begin forget:unlink 2",
        "requested: rollback acquire:fsync 1",
        "backward: begin append:torn 9, again acquire:ftruncate 1",
    ),
    "redis": (
        "paused: approve approve:sent 2",
        "paused: begin create:sent 3",
        "forward: begin create:answered 1",
        "forward: begin append:send 4",
        "backward: begin append:sent 5",
        "beside: begin append:answered 3",
        "saved: begin keep:sent 4",
        "saved: begin forget:sent 1",
        "requested: rollback acquire:sent 3",
        "cancelled: begin close:send 1",
        "forward: begin append:sent 3, again acquire:answered 1, again acquire:noting 1",
    ),
}
_FROM_OUTSIDE = {
    "sqlite": (
        "commands: begin call:link 1",
        "abreast: begin call:fdatasync 4, again call:pwrite64 9",
        "commands: rollback call:fdatasync 2",
        "abreast: rollback call:unlink 1",
        "commands: begin fail:fdatasync 5",
        "commands: begin fail:pwrite64 30",
        "commands: rollback fail:pwrite64 20",
    ),
    "json": (
        "commands: begin call:rename 1",
        "abreast: begin call:fsync 9, again call:fsync 1",
        "commands: rollback call:write 2",
        "abreast: rollback call:pwrite64 3",
        "commands: begin fail:write 7",
        "commands: rollback fail:fsync 2",
        "commands: begin fail:recvfrom 2",
    ),
    "redis": (
        "commands: begin call:sendto 7",
        "abreast: begin call:recvfrom 20, again call:sendto 6",
        "commands: rollback call:sendto 8",
        "abreast: rollback call:recvfrom 9",
        "commands: begin fail:recvfrom 25",
        "commands: rollback fail:sendto 9",
    ),
}
_CONTROLS_FROM_OUTSIDE = {
    "acknowledges_before_it_commits_as_seen_from_outside": {
        "sqlite": ("commands: begin call:recvfrom 1", "I3"),
        "json": ("commands: begin call:recvfrom 1", "I3"),
        "redis": ("commands: begin call:recvfrom 20", "I3"),
    },
    "passes_over_a_disk_that_fails": {
        "sqlite": ("commands: begin fail:fdatasync 5", "I3"),
        "json": ("commands: begin fail:write 7", "I3"),
    },
}
"""Where `strace` can be had: by control, for each store."""
_CONTROLS = {
    "launches_before_the_intent_is_written": ("forward: begin act:begun 2", "I3"),
    "acknowledges_before_it_commits": ("forward: begin append:done 3", "I21"),
    "takes_what_was_lost_as_failed": ("forward: begin act:done 1", "I5"),
    "takes_what_was_lost_as_completed": ("forward: begin act:begun 1", "I17"),
    "forgets_what_the_shim_saw": ("commands: begin step:started:b 1", "I17"),
    "forgets_a_step_when_it_rolls_back": ("backward: begin outcome:made 6", "I14"),
    "forgets_a_completion": ("forward: begin launch:before 5", "I17"),
    "forgets_the_attempts_made": ("backward: begin waiting 1", "Damaged"),
    "forgets_what_follows_a_checkpoint": ("saved: begin keep:before 3", "I17"),
    "compensates_again_what_is_undone": ("backward: begin launch:before 8", "Damaged"),
}
_CONTROLS_OF_STORE = {
    "sqlite": {
        "uses_an_approval_up_too_early": ("paused: begin create:INSERT 2", "F12"),
    },
    "json": {
        "uses_an_approval_up_too_early": ("paused: begin create:rename 1", "F12"),
        "writes_checkpoints_in_place": ("saved: begin keep:torn 4", "F06"),
        "leaves_half_a_line_behind": ("forward: begin append:torn 3", "Damaged"),
    },
    "redis": {
        "uses_an_approval_up_too_early": ("paused: begin create:send 1", "F12"),
    },
}


def _at(store: str, case: str) -> str:
    name, colon, kills = case.partition(":")
    return f"{name}@{store}{colon}{kills}"


def _outside(store: str) -> tuple[str, ...]:
    return _FROM_OUTSIDE[store] if can_trace() else ()


def _controls(store: str) -> Mapping[str, tuple[str, str]]:
    outside = {n: cases[store] for n, cases in _CONTROLS_FROM_OUTSIDE.items() if store in cases}
    return {**_CONTROLS, **_CONTROLS_OF_STORE[store], **(outside if can_trace() else {})}


CASES: Mapping[str, tuple[str, ...]] = {
    store: tuple(_at(store, case) for case in (*_OF_ALL, *_OF_STORE[store], *_outside(store)))
    for store in BACKENDS
}
"""By store."""

CONTROLS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    store: {name: (_at(store, case), blamed) for name, (case, blamed) in _controls(store).items()}
    for store in BACKENDS
}
"""By store, for each engine that is broken on purpose: where it shows, and what is blamed, among others.

A journal that recovery has spoiled is refused by every later reader (`Damaged`, I1).
"""
