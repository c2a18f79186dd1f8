"""The stories that a generated specification tries: templates, each for the rows that it should take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["RESUME", "RUN", "TEMPLATES", "Template"]


@dataclass(frozen=True)
class Template:
    """A story about one step, or about two; `wants` is how the names of the rows begin that it is told for.

    `title` and `lines` name the steps as `{a}` and `{b}`, and `{last_a}` is the last attempt of one.
    """

    wants: tuple[str, ...]
    title: str
    lines: tuple[str, ...]
    steps: int = 1


RUN = "When somebody runs the plan"
RESUME = "When somebody resumes the run"
_ROLL_BACK = "When somebody rolls the run back"

TEMPLATES: Sequence[Template] = (
    Template(
        ("plan: pause running", "plan: resume paused"),
        "Somebody stops it while {a} runs, and it goes on later",
        ('Given somebody pauses the run while "{a}" runs', RUN, RESUME),
    ),
    Template(
        ("step: cancelled running",),
        "Somebody stops it while {a} runs, which takes too long to wait for",
        (
            'Given the step "{a}" takes 1h',
            'And somebody pauses the run while "{a}" runs',
            RUN,
        ),
    ),
    Template(
        ("step: retry failed", "step: failed running → pending"),
        "{a} is mended, and it goes on",
        ('Given the step "{a}" fails', RUN, 'When the step "{a}" succeeds', RESUME),
    ),
    Template(
        ("plan: step_failed paused → paused [not tolerated",),
        "{a} fails after somebody has stopped it",
        ('Given the step "{a}" fails', "And somebody pauses the run while {last_a} runs", RUN),
    ),
    Template(
        ("plan: step_failed paused → paused [tolerated",),
        "{a} fails after somebody has stopped it, which does not matter",
        ('Given the step "{a}" fails', "And somebody pauses the run while {last_a} runs", RUN),
    ),
    # Interruptions.
    Template(
        ("plan: stall", "step: rerun"),
        "The runner dies while {a} runs, and a person says that it may run again",
        (
            'Given the step "{a}" is interrupted',
            RUN,
            RESUME,
            'When somebody resumes the run, answering that "{a}" may run again',
        ),
    ),
    Template(
        ("plan: runner_lost running", "step: interrupted running", "step: rerun"),
        "The runner dies while {a} runs, and a person lets it run again",
        (
            'Given the step "{a}" is interrupted',
            RUN,
            'When somebody resumes the run, answering that "{a}" may run again',
        ),
    ),
    Template(
        ("step: start interrupted",),
        "The runner dies while {a} runs, which may simply run again",
        ('Given the step "{a}" is interrupted', RUN, RESUME),
    ),
    Template(
        ("step: start interrupted",),
        "The runner dies while {a} runs, its check cannot tell, and it may simply run again",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" cannot tell',
            RUN,
            RESUME,
        ),
    ),
    Template(
        ("step: found_done",),
        "The runner dies while {a} runs, and its check finds it done",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" finds it done',
            RUN,
            RESUME,
        ),
    ),
    Template(
        ("step: found_not_done",),
        "The runner dies while {a} runs, and its check finds it not done",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" finds it not done',
            RUN,
            RESUME,
        ),
    ),
    Template(
        ("step: found_unknown", "plan: stall"),
        "The runner dies while {a} runs, its check cannot tell, and a person says that it was done",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" cannot tell',
            RUN,
            RESUME,
            'When somebody resumes the run, answering that "{a}" was done',
        ),
    ),
    Template(
        ("plan: runner_lost paused",),
        "The runner dies while {a} runs, after somebody has stopped it",
        (
            'Given the step "{a}" is interrupted',
            'And somebody pauses the run while "{a}" runs',
            RUN,
        ),
    ),
    Template(
        ("plan: undecided", "plan: mark needs_intervention"),
        "Nobody knows what {a} left, so a person sees to it before the rest is undone",
        (
            'Given the step "{a}" is interrupted',
            RUN,
            _ROLL_BACK,
            'When "ann" marks "{a}" as undone',
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: undecided",),
        "Neither a person nor the check knows what {a} left",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" cannot tell',
            RUN,
            _ROLL_BACK,
        ),
    ),
    # Rollbacks.
    Template(
        ("plan: pause rolling_back",),
        "Somebody stops the rollback while {a} is undone, and it goes on later",
        (
            'Given somebody pauses the run while "{a}" is rolled back',
            RUN,
            _ROLL_BACK,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("step: cancelled rolling_back",),
        "Somebody stops the rollback of {a}, which takes too long to wait for",
        (
            'Given the rollback of "{a}" takes 1h',
            'And somebody pauses the run while "{a}" is rolled back',
            RUN,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: rollback_failed needs_intervention",),
        "The rollback of {a} fails after somebody has stopped it",
        (
            'Given the rollback of "{a}" fails',
            'And somebody pauses the run while "{a}" is rolled back',
            RUN,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: runner_lost rolling_back", "step: interrupted rolling_back"),
        "The runner dies while {a} is undone, which is then undone once more",
        ('Given the rollback of "{a}" is interrupted', RUN, _ROLL_BACK, _ROLL_BACK),
    ),
    Template(
        ("plan: runner_lost needs_intervention",),
        "The runner dies while {a} is undone, after somebody has stopped that",
        (
            'Given the rollback of "{a}" is interrupted',
            'And somebody pauses the run while "{a}" is rolled back',
            RUN,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: mark needs_intervention", "step: mark_undone"),
        "The rollback of {a} fails, a person undoes it, and the rest is undone",
        (
            'Given the rollback of "{a}" fails',
            RUN,
            _ROLL_BACK,
            'When "ann" marks "{a}" as undone',
            _ROLL_BACK,
        ),
    ),
    # A person's word.
    Template(
        ("plan: abort ", "plan: aborted", "plan: mark failed"),
        "It is given up after {a} failed, and a person does that step all the same",
        (
            'Given the step "{a}" fails',
            RUN,
            "When somebody aborts the run",
            'When "ann" marks "{a}" as done',
        ),
    ),
    Template(
        ("plan: abort ", "plan: aborted", "plan: mark failed"),
        "It is given up while {a} is stopped, and a person does that step all the same",
        (
            'Given the step "{a}" takes 1h',
            'And somebody pauses the run while "{a}" runs',
            RUN,
            "When somebody aborts the run",
            'When "ann" marks "{a}" as done',
        ),
    ),
    Template(
        ("plan: mark paused", "step: mark_done"),
        "A person does what {a} could not, and it goes on",
        ('Given the step "{a}" fails', RUN, 'When "ann" marks "{a}" as done', RESUME),
    ),
    Template(
        ("plan: mark paused", "step: mark_done"),
        "A person does what {a} was stopped in, and it goes on",
        (
            'Given the step "{a}" takes 1h',
            'And somebody pauses the run while "{a}" runs',
            RUN,
            'When "ann" marks "{a}" as done',
        ),
    ),
    Template(
        ("plan: mark completed", "step: mark_undone"),
        "A person has undone {a} after all was done",
        (RUN, 'When "ann" marks "{a}" as undone'),
    ),
    Template(
        ("step: redo",),
        "It goes on from {a}, which runs once more",
        (
            'Given the step "{b}" fails',
            RUN,
            'When the step "{b}" succeeds',
            'And somebody resumes the run from "{a}"',
        ),
        steps=2,
    ),
    Template(
        ("step: redo",),
        "It goes on from {a}, which was stopped",
        (
            'Given somebody pauses the run while "{a}" runs',
            RUN,
            'When somebody resumes the run from "{a}"',
        ),
    ),
    # Failures that skip what depends on them; conditions.
    Template(
        ("plan: resume failed", "step: retry skipped"),
        "{a} is mended, and what was skipped for it runs after all",
        ('Given the step "{a}" fails', RUN, 'When the step "{a}" succeeds', RESUME),
    ),
    Template(
        ("step: reject",),
        "{a} returns nothing, so a condition cannot be decided",
        ('Given the step "{a}" returns nothing', RUN),
    ),
)
