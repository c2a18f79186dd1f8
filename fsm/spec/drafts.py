"""What a generated specification tries: templates told of a plan's own steps, and stories of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, permutations, product
from typing import TYPE_CHECKING

from fsm.spec.templates import RESUME, RUN, Template

if TYPE_CHECKING:
    from fsm.plan.model import Plan, Step

__all__ = ["castings", "last_attempt", "several_failures"]

_MOST_CASTINGS = 60


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
        yield RESUME if number else RUN
