"""What came of the run: states, orders, attempts, outputs, and what never ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fsm.document import suggest
from fsm.errors import Invalid, Problem
from fsm.run import events as on
from fsm.run.step import step_machine
from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Mismatch, Story
from fsm.views.report import steps_text

__all__ = ["words"]

words = Vocabulary()


# States.


@words.then(
    "the run is {state:state}", "pending, running, paused, completed, failed, rolled back …"
)
def the_run_is(story: Story, state: str) -> None:
    run = story.run
    _known(state, run.states, "a run")
    if run.state != state:
        raise Mismatch(f"the run is {_words(run.state)}\n\n{story.answer.printed}")


@words.then("the run needs intervention", "its rollback stopped, and a person must see to it")
def the_run_needs_intervention(story: Story) -> None:
    the_run_is(story, "needs_intervention")


@words.then(
    'the step "{step}" is {state:state}', "pending, completed, failed, skipped, rolled back …"
)
def the_step_is(story: Story, step: str, state: str) -> None:
    _are(story, [step], state)


@words.then("the steps {steps:names} are {state:state}", "each of them")
def the_steps_are(story: Story, steps: Sequence[str], state: str) -> None:
    _are(story, steps, state)


@words.then("every step is {state:state}", "each step of the plan")
def every_step_is(story: Story, state: str) -> None:
    _are(story, [step.id for step in story.plan.steps], state)


@words.then('the step "{step}" was marked by "{name}"', "a person's word on it was recorded")
def was_marked_by(story: Story, step: str, name: str) -> None:
    story.step(step)
    marks = [
        e for e in story.events(on.StepMarked) if isinstance(e, on.StepMarked) and e.step == step
    ]
    if not any(mark.by == name for mark in marks):
        people = ", ".join(mark.by for mark in marks)
        raise Mismatch(
            f"`{step}` was marked by {people}" if people else f"`{step}` was never marked"
        )


# What ran, and when.


@words.then(
    "the steps started are {steps:names}", "every start, further attempts too, in this order"
)
def the_starts_are(story: Story, steps: Sequence[str]) -> None:
    story.steps(steps)
    _same(story, "started", [_step(e) for e in story.events(on.StepStarted)], steps)


@words.then('the step "{one}" started before "{other}"', "the first start of each")
def started_before(story: Story, one: str, other: str) -> None:
    story.steps([one, other])
    starts = [_step(e) for e in story.events(on.StepStarted)]
    for step in (one, other):
        if step not in starts:
            raise Mismatch(f"`{step}` never started; started were: {_list(starts)}")
    if starts.index(one) > starts.index(other):
        raise Mismatch(f"`{other}` started before `{one}`: {_list(starts)}")


@words.then('the steps "{one}" and "{other}" ran at the same time', "an attempt of each, in part")
def ran_together(story: Story, one: str, other: str) -> None:
    story.steps([one, other])
    if not any({one, other} <= flying for flying in _in_flight(story)):
        raise Mismatch(f"`{one}` and `{other}` never ran at the same time")


@words.then("at most {number:number} step(s) ran at the same time", "and so many did at some time")
def most_together(story: Story, number: int) -> None:
    most = max(map(len, _in_flight(story)), default=0)
    if most != number:
        raise Mismatch(f"at most {most} ran at the same time")


@words.then('the step "{step}" was tried {times:number} time(s)', "its attempts, over all commands")
def was_tried(story: Story, step: str, times: int) -> None:
    story.step(step)
    tried = story.run.record(step).attempt
    if tried != times:
        raise Mismatch(f"`{step}` was tried {tried} times")


@words.then('the step "{step}" never ran', "no attempt of it began")
def never_ran(story: Story, step: str) -> None:
    _never_ran(story, [step])


@words.then("the steps {steps:names} never ran", "no attempt of any of them began")
def they_never_ran(story: Story, steps: Sequence[str]) -> None:
    _never_ran(story, steps)


@words.then("nothing ran", "no attempt of any step began")
def nothing_ran(story: Story) -> None:
    if story.stage is not None:
        _never_ran(story, [step.id for step in story.plan.steps])


# Compensations.


@words.then("the steps rolled back are {steps:names}", "in this order, each once it was undone")
def the_undone_are(story: Story, steps: Sequence[str]) -> None:
    story.steps(steps)
    _same(story, "rolled back", [_step(e) for e in story.events(on.UndoCompleted)], steps)


@words.then("nothing was rolled back", "no compensation began")
def nothing_undone(story: Story) -> None:
    begun = [_step(e) for e in story.events(on.UndoStarted)]
    if begun:
        raise Mismatch(f"compensations began of {_list(begun)}")


@words.then('the rollback of "{step}" was tried {times:number} time(s)', "over all commands")
def undo_was_tried(story: Story, step: str, times: int) -> None:
    story.step(step)
    tried = story.run.record(step).undo_attempt
    if tried != times:
        raise Mismatch(f"the rollback of `{step}` was tried {tried} times")


# Outputs.


@words.then('the step "{step}" returned "{name}" as "{value}"', "an output of its last attempt")
def returned(story: Story, step: str, name: str, value: str) -> None:
    story.step(step)
    outputs = story.run.record(step).outputs
    if name not in outputs:
        hint = f"; it returned {', '.join(outputs) or 'nothing'}"
        raise Mismatch(f"`{step}` returned no `{name}`{hint}")
    if str(outputs[name]) != value:
        raise Mismatch(f"`{step}` returned `{name}` as {outputs[name]!r}")


def _are(story: Story, steps: Sequence[str], state: str) -> None:
    _known(state, step_machine.spec.states, "a step")
    story.steps(steps)
    run = story.run
    wrong = [step for step in steps if run.record(step).state != state]
    if wrong:
        told = ", ".join(f"`{step}` is {_words(run.record(step).state)}" for step in wrong)
        raise Mismatch(f"{told}\n\n{steps_text(run)}")


def _known(state: str, states: Iterable[str], whose: str) -> None:
    names = list(states)
    if state not in names:
        known = f"{whose} is one of: {', '.join(map(_words, names))}"
        raise Invalid(
            [Problem(f"{whose} is never {_words(state)}", suggest(state, names) or known)]
        )


def _words(state: str) -> str:
    return state.replace("_", " ")


def _step(event: on.Event) -> str:
    return str(getattr(event, "step", ""))


def _list(steps: Sequence[str]) -> str:
    return ", ".join(steps) or "nothing"


def _same(story: Story, what: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    if list(found) != list(wanted):
        raise Mismatch(f"{what}: {_list(found)}\n  not: {_list(wanted)}\n\n{steps_text(story.run)}")


def _never_ran(story: Story, steps: Sequence[str]) -> None:
    story.steps(steps)
    if story.stage is None:
        story.answer  # noqa: B018 - it was refused: nothing of it ran
        return
    ran = {_step(e) for e in story.events(on.StepStarted)}
    if began := [step for step in steps if step in ran]:
        raise Mismatch(f"ran: {_list(began)}\n\n{steps_text(story.run)}")


def _in_flight(story: Story) -> list[set[str]]:
    """The steps in flight after each fact."""
    found: list[set[str]] = []
    now: set[str] = set()
    for event in story.events(on.Event):
        match event:
            case on.StepStarted(step=step):
                now = now | {step}
            case (
                on.StepCompleted(step=step) | on.StepFailed(step=step) | on.StepCancelled(step=step)
            ):
                now = now - {step}
            case on.RunnerLost():
                now = set()
            case _:
                continue
        found.append(now)
    return found
