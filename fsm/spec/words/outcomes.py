"""How steps, their rollbacks and their checks end."""

from __future__ import annotations

from fsm.errors import Invalid, Problem
from fsm.plan.duration import parse_duration
from fsm.run.endings import CRASHES, FAILS, SUCCEEDS, Ending, Purpose
from fsm.spec.endings import CANNOT_TELL, NOT_DONE, timed_out
from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Story

__all__ = ["words"]

words = Vocabulary()


@words.arranging(
    'the step "{step}" succeeds', "from now on; what nothing is said of succeeds anyway"
)
def succeeds(story: Story, step: str) -> None:
    story.says(step, "run", SUCCEEDS)


@words.arranging('the step "{step}" fails', "every attempt fails, with exit code 1")
def fails(story: Story, step: str) -> None:
    story.says(step, "run", FAILS)


@words.arranging('the step "{step}" fails with "{error}"', "every attempt fails with these words")
def fails_with(story: Story, step: str, error: str) -> None:
    story.says(step, "run", Ending("failed", error=error, exit_code=None))


@words.arranging('the step "{step}" fails with exit code {code:number}', "every attempt does")
def fails_with_code(story: Story, step: str, code: int) -> None:
    story.says(step, "run", Ending("failed", error=f"exit code {code}", exit_code=code))


@words.arranging(
    'the step "{step}" fails {times:number} time(s), then succeeds', "attempt by attempt"
)
def fails_first(story: Story, step: str, times: int) -> None:
    story.says(step, "run", *[FAILS] * times, SUCCEEDS)


@words.arranging(
    'the step "{step}" times out', "every attempt takes longer than the step's `timeout`"
)
def times_out(story: Story, step: str) -> None:
    story.says(step, "run", _timeout(story, step, "run"))


@words.arranging(
    'the step "{step}" times out {times:number} time(s), then succeeds', "attempt by attempt"
)
def times_out_first(story: Story, step: str, times: int) -> None:
    story.says(step, "run", *[_timeout(story, step, "run")] * times, SUCCEEDS)


@words.arranging(
    'the step "{step}" is interrupted',
    "the process that runs the plan dies while the step runs; later attempts succeed",
)
def is_interrupted(story: Story, step: str) -> None:
    story.says(step, "run", CRASHES, SUCCEEDS)


@words.arranging(
    'the step "{step}" takes {duration:duration}', "each attempt does, however it ends"
)
def takes(story: Story, step: str, duration: str) -> None:
    story.takes(step, "run", _seconds(duration))


@words.arranging('the step "{step}" returns "{name}" as "{value}"', "an output, when it succeeds")
def returns(story: Story, step: str, name: str, value: str) -> None:
    story.script.returns(story.step(step).id, name, value)


@words.arranging(
    'the step "{step}" returns "{name}" as:', "the same; the text below, between triple quotes"
)
def returns_text(story: Story, step: str, name: str, docstring: str) -> None:
    story.script.returns(story.step(step).id, name, docstring)


@words.arranging(
    'the step "{step}" returns nothing',
    "not even the outputs that others ask for, for which texts stand in otherwise",
)
def returns_nothing(story: Story, step: str) -> None:
    story.script.returns_nothing(story.step(step).id)


@words.arranging('the rollback of "{step}" succeeds', "from now on")
def rollback_succeeds(story: Story, step: str) -> None:
    story.says(step, "rollback", SUCCEEDS)


@words.arranging('the rollback of "{step}" fails', "every attempt fails, with exit code 1")
def rollback_fails(story: Story, step: str) -> None:
    story.says(step, "rollback", FAILS)


@words.arranging(
    'the rollback of "{step}" fails {times:number} time(s), then succeeds', "attempt by attempt"
)
def rollback_fails_first(story: Story, step: str, times: int) -> None:
    story.says(step, "rollback", *[FAILS] * times, SUCCEEDS)


@words.arranging(
    'the rollback of "{step}" times out', "every attempt takes longer than its `timeout`"
)
def rollback_times_out(story: Story, step: str) -> None:
    story.says(step, "rollback", _timeout(story, step, "rollback"))


@words.arranging('the rollback of "{step}" is interrupted', "the process dies while it runs")
def rollback_is_interrupted(story: Story, step: str) -> None:
    story.says(step, "rollback", CRASHES, SUCCEEDS)


@words.arranging('the rollback of "{step}" takes {duration:duration}', "each attempt does")
def rollback_takes(story: Story, step: str, duration: str) -> None:
    story.takes(step, "rollback", _seconds(duration))


@words.arranging('the check of "{step}" finds it done', "after an interruption")
def check_done(story: Story, step: str) -> None:
    story.says(step, "check", SUCCEEDS)


@words.arranging('the check of "{step}" finds it not done', "after an interruption")
def check_not_done(story: Story, step: str) -> None:
    story.says(step, "check", NOT_DONE)


@words.arranging('the check of "{step}" cannot tell', "after an interruption")
def check_unknown(story: Story, step: str) -> None:
    story.says(step, "check", CANNOT_TELL)


def _timeout(story: Story, name: str, purpose: Purpose) -> Ending:
    step = story.step(name)
    seconds = step.timeout_seconds
    if purpose == "rollback":
        seconds = step.rollback.timeout_seconds if step.rollback else None
    if seconds is None:
        what = "rollback of" if purpose == "rollback" else "step"
        raise Invalid([Problem(f"the {what} `{name}` has no timeout", "give it a `timeout`")])
    return timed_out(seconds)


def _seconds(duration: str) -> float:
    try:
        return parse_duration(duration)
    except ValueError as error:
        raise Invalid([Problem(str(error), "write a duration such as 90s, 10m or 1h30m")]) from None
