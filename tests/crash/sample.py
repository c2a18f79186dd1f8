"""A few kills of every kind, for the tests of every day. Each line is a `Case`."""

from __future__ import annotations

__all__ = ["BACK_OFF", "BETWEEN_WRITES", "COMMANDS", "CONTROLS", "RECOVERY", "TORN", "UNENDED"]

BETWEEN_WRITES = (
    "forward: begin create:link 1",
    "forward: begin create:COMMIT -1",
    "forward: begin taken:up 1",
    "forward: begin append:before 2",
    "forward: begin append:INSERT 5",
    "forward: begin append:COMMIT 4",
    "forward: begin append:noting 7",
    "forward: begin append:done 8",
    "forward: begin launch:before 5",
    "forward: begin launch:done 1",
    "forward: begin act:begun -1",
    "forward: begin act:done -1",
    "beside: begin append:BEGIN 3",
    "beside: begin observed 9",
    "beside: begin act:begun 4",
    "beside: begin outcome:made 2",
    "backward: begin recorded 11",
    "backward: begin act:begun 7",
    "backward: begin act:done -1",
    "cancelled: begin act:cancelled 1",
    "undecided: begin act:done 3",
    "requested: rollback acquire:COMMIT 1",
    "requested: rollback act:done 2",
    "paused: resume append:COMMIT 1",
)
TORN = (
    "paused: approve approve:torn -1",
    "beside: begin create:torn -1",
    "forward: begin append:torn 3",
    "backward: begin append:torn 9",
    "requested: rollback acquire:torn 1",
    "cancelled: begin close:torn 1",
)
RECOVERY = (
    "forward: begin act:begun 3, again acquire:UPDATE 1, again acquire:noting 1",
    "forward: begin append:noting 6, again load:done 1, again append:INSERT 1, again append:torn 1",
    "beside: begin act:done 2, again recorded 1, again append:done 1, again act:begun 1",
    "backward: begin act:begun 8, again append:COMMIT 1, again act:done 1",
    "undecided: begin act:begun 6, again append:noting 1, again launch:done 1",
)
"""Recovery is killed, too, and what recovers from that (F10)."""
BACK_OFF = ("forward: begin waiting 1", "forward: begin waiting 2", "backward: begin waiting 2")
COMMANDS = (
    "commands: begin step:started:b 1",
    "commands: rollback step:undoing:c 1",
    "commands: begin act:begun 1",
)
"""The runner is killed by a step of its own, or from within; the real command takes the run up."""
UNENDED = ("undecided: begin act:cancelled 1", "aborted: begin act:cancelled 1")
CONTROLS = {
    "launches_before_the_intent_is_written": ("forward: begin act:begun 2", "I3"),
    "acknowledges_before_it_commits": ("forward: begin append:done 3", "I21"),
    "takes_what_was_lost_as_failed": ("forward: begin act:done 1", "I5"),
    "takes_what_was_lost_as_completed": ("forward: begin act:begun 1", "I17"),
    "forgets_what_the_shim_saw": ("commands: begin step:started:b 1", "I17"),
    "forgets_a_step_when_it_rolls_back": ("backward: begin outcome:made 6", "I14"),
    "forgets_a_completion": ("forward: begin launch:before 5", "I17"),
    "forgets_the_attempts_made": ("backward: begin waiting 1", "Damaged"),
    "compensates_again_what_is_undone": ("backward: begin launch:before 8", "Damaged"),
    "uses_an_approval_up_too_early": ("paused: begin create:INSERT 2", "F12"),
}
"""For each engine that is broken on purpose: where it shows, and what is blamed, among others.

A journal that recovery has spoiled is refused by every later reader (`Damaged`, I1).
"""
