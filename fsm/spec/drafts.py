"""What a generated specification tries: stories as templates, each for a row that they should take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Step

__all__ = ["TEMPLATES", "Template", "castings", "last_attempt", "several_failures"]

_MOST_CASTINGS = 60


@dataclass(frozen=True)
class Template:
    """A story about one step, or about two; `wants` is how the names of the rows begin that it is told for.

    `title` and `lines` name the steps as `{a}` and `{b}`, and `{last_a}` is the last attempt of one.
    """

    wants: tuple[str, ...]
    title: str
    lines: tuple[str, ...]
    steps: int = 1


def castings(plan: Plan, template: Template) -> Iterator[Sequence[Step]]:
    """The steps that a template may be told of, the likeliest first: those in the middle of the plan."""
    steps = plan.steps
    if template.steps == 0:
        yield ()
        return
    middle = len(steps) // 2
    ordered = [*steps[middle:], *reversed(steps[:middle])]
    if template.steps == 2:
        ordered = list(steps)
    yield from islice(permutations(ordered, template.steps), _MOST_CASTINGS)


def last_attempt(step: Step) -> str:
    """What a sentence calls the attempt after which there is no other."""
    attempts = step.retry.attempts
    return f'attempt {attempts} of "{step.id}"' if attempts > 1 else f'"{step.id}"'


def several_failures(plan: Plan) -> Iterator[tuple[Template, Sequence[Step]]]:
    """As many steps as are several to the plan fail, each mended before the next one fails.

    Where one failure does not pause the run, somebody stops it as the step fails; the last step fails of
    itself, or as somebody stops the run.
    """
    count = plan.error_handling.several
    stopping = [step for step in plan.steps if step.on_failure == "stop"]
    for is_stopped, is_last_stopped in product((False, True), repeat=2):
        for first in range(min(len(stopping) - count + 1, _MOST_CASTINGS)):
            steps = stopping[first : first + count]
            where = "paused" if is_last_stopped else "running"
            title = "{}, one after the other" + (
                ", and somebody stops it" if is_last_stopped else ""
            )
            title += " each time" if is_stopped else ""
            lines = _one_after_the_other(steps, is_stopped, is_last_stopped)
            several = " and ".join(f"`{step.id}`" for step in steps)
            yield (
                Template(
                    (f"plan: step_failed {where}",), title.format(f"{several} fail"), tuple(lines)
                ),
                steps,
            )


def _one_after_the_other(
    steps: Sequence[Step], is_stopped: bool, is_last_stopped: bool
) -> Iterator[str]:
    for step in steps:
        yield f'Given the step "{step.id}" fails'
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1
        keyword = "When" if number else "Given"
        if number:
            yield f'When the step "{steps[number - 1].id}" succeeds'
        if is_last_stopped if is_last else is_stopped:
            yield f"{keyword} somebody pauses the run while {last_attempt(step)} runs"
        yield _RESUME if number else _RUN


_RUN = "When somebody runs the plan"
_RESUME = "When somebody resumes the run"
_ROLL_BACK = "When somebody rolls the run back"

TEMPLATES: Sequence[Template] = (
    Template(
        ("plan: pause running", "plan: resume paused"),
        "Somebody stops it while {a} runs, and it goes on later",
        ('Given somebody pauses the run while "{a}" runs', _RUN, _RESUME),
    ),
    Template(
        ("step: cancelled running",),
        "Somebody stops it while {a} runs, which takes too long to wait for",
        (
            'Given the step "{a}" takes 1h',
            'And somebody pauses the run while "{a}" runs',
            _RUN,
        ),
    ),
    Template(
        ("step: retry failed", "step: failed running → pending"),
        "{a} is mended, and it goes on",
        ('Given the step "{a}" fails', _RUN, 'When the step "{a}" succeeds', _RESUME),
    ),
    Template(
        ("plan: step_failed paused → paused [not tolerated",),
        "{a} fails after somebody has stopped it",
        ('Given the step "{a}" fails', "And somebody pauses the run while {last_a} runs", _RUN),
    ),
    Template(
        ("plan: step_failed paused → paused [tolerated",),
        "{a} fails after somebody has stopped it, which does not matter",
        ('Given the step "{a}" fails', "And somebody pauses the run while {last_a} runs", _RUN),
    ),
    # Interruptions.
    Template(
        ("plan: stall", "step: rerun"),
        "The runner dies while {a} runs, and a person says that it may run again",
        (
            'Given the step "{a}" is interrupted',
            _RUN,
            _RESUME,
            'When somebody resumes the run, answering that "{a}" may run again',
        ),
    ),
    Template(
        ("plan: runner_lost running", "step: interrupted running", "step: rerun"),
        "The runner dies while {a} runs, and a person lets it run again",
        (
            'Given the step "{a}" is interrupted',
            _RUN,
            'When somebody resumes the run, answering that "{a}" may run again',
        ),
    ),
    Template(
        ("step: start interrupted",),
        "The runner dies while {a} runs, which may simply run again",
        ('Given the step "{a}" is interrupted', _RUN, _RESUME),
    ),
    Template(
        ("step: start interrupted",),
        "The runner dies while {a} runs, its check cannot tell, and it may simply run again",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" cannot tell',
            _RUN,
            _RESUME,
        ),
    ),
    Template(
        ("step: found_done",),
        "The runner dies while {a} runs, and its check finds it done",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" finds it done',
            _RUN,
            _RESUME,
        ),
    ),
    Template(
        ("step: found_not_done",),
        "The runner dies while {a} runs, and its check finds it not done",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" finds it not done',
            _RUN,
            _RESUME,
        ),
    ),
    Template(
        ("step: found_unknown", "plan: stall"),
        "The runner dies while {a} runs, its check cannot tell, and a person says that it was done",
        (
            'Given the step "{a}" is interrupted',
            'And the check of "{a}" cannot tell',
            _RUN,
            _RESUME,
            'When somebody resumes the run, answering that "{a}" was done',
        ),
    ),
    Template(
        ("plan: runner_lost paused",),
        "The runner dies while {a} runs, after somebody has stopped it",
        (
            'Given the step "{a}" is interrupted',
            'And somebody pauses the run while "{a}" runs',
            _RUN,
        ),
    ),
    Template(
        ("plan: undecided", "plan: mark needs_intervention"),
        "Nobody knows what {a} left, so a person sees to it before the rest is undone",
        (
            'Given the step "{a}" is interrupted',
            _RUN,
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
            _RUN,
            _ROLL_BACK,
        ),
    ),
    # Rollbacks.
    Template(
        ("plan: pause rolling_back",),
        "Somebody stops the rollback while {a} is undone, and it goes on later",
        (
            'Given somebody pauses the run while "{a}" is rolled back',
            _RUN,
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
            _RUN,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: rollback_failed needs_intervention",),
        "The rollback of {a} fails after somebody has stopped it",
        (
            'Given the rollback of "{a}" fails',
            'And somebody pauses the run while "{a}" is rolled back',
            _RUN,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: runner_lost rolling_back", "step: interrupted rolling_back"),
        "The runner dies while {a} is undone, which is then undone once more",
        ('Given the rollback of "{a}" is interrupted', _RUN, _ROLL_BACK, _ROLL_BACK),
    ),
    Template(
        ("plan: runner_lost needs_intervention",),
        "The runner dies while {a} is undone, after somebody has stopped that",
        (
            'Given the rollback of "{a}" is interrupted',
            'And somebody pauses the run while "{a}" is rolled back',
            _RUN,
            _ROLL_BACK,
        ),
    ),
    Template(
        ("plan: mark needs_intervention", "step: mark_undone"),
        "The rollback of {a} fails, a person undoes it, and the rest is undone",
        (
            'Given the rollback of "{a}" fails',
            _RUN,
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
            _RUN,
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
            _RUN,
            "When somebody aborts the run",
            'When "ann" marks "{a}" as done',
        ),
    ),
    Template(
        ("plan: mark paused", "step: mark_done"),
        "A person does what {a} could not, and it goes on",
        ('Given the step "{a}" fails', _RUN, 'When "ann" marks "{a}" as done', _RESUME),
    ),
    Template(
        ("plan: mark paused", "step: mark_done"),
        "A person does what {a} was stopped in, and it goes on",
        (
            'Given the step "{a}" takes 1h',
            'And somebody pauses the run while "{a}" runs',
            _RUN,
            'When "ann" marks "{a}" as done',
        ),
    ),
    Template(
        ("plan: mark completed", "step: mark_undone"),
        "A person has undone {a} after all was done",
        (_RUN, 'When "ann" marks "{a}" as undone'),
    ),
    Template(
        ("step: redo",),
        "It goes on from {a}, which runs once more",
        (
            'Given the step "{b}" fails',
            _RUN,
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
            _RUN,
            'When somebody resumes the run from "{a}"',
        ),
    ),
    # Failures that skip what depends on them; conditions.
    Template(
        ("plan: resume failed", "step: retry skipped"),
        "{a} is mended, and what was skipped for it runs after all",
        ('Given the step "{a}" fails', _RUN, 'When the step "{a}" succeeds', _RESUME),
    ),
    Template(
        ("step: reject",),
        "{a} returns nothing, so a condition cannot be decided",
        ('Given the step "{a}" returns nothing', _RUN),
    ),
)
