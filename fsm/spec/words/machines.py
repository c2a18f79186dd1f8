"""Machines that users declare: their states, triggers and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from fsm.errors import Invalid, Problem
from fsm.spec.machines import MachineStory
from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Mismatch, Story

__all__ = ["words"]

words = Vocabulary()


@words.given('the machine "{file}"', "what follows is about this machine, in its initial state")
def the_machine(story: Story, file: str) -> None:
    story.machine = MachineStory(story.found(file, "machine"))


@words.given('the machine "{file}" in state "{state}"', "the same, in another state")
def the_machine_in_state(story: Story, file: str, state: str) -> None:
    story.machine = MachineStory(story.found(file, "machine"), state)


@words.arranging("{names:names} hold(s)", "from now on these conditions hold; all others do not")
def holds(story: Story, names: Sequence[str]) -> None:
    for name in names:
        _machine(story).hold(name, True)


@words.arranging("{names:names} no longer hold(s)", "from now on these conditions do not hold")
def holds_no_longer(story: Story, names: Sequence[str]) -> None:
    for name in names:
        _machine(story).hold(name, False)


@words.when('the trigger "{trigger}" fires', "with the conditions that hold")
def fires(story: Story, trigger: str) -> None:
    story.refuse_untold()
    _machine(story).fire(trigger)


@words.when(
    'the trigger "{trigger}" fires with {names:names}', "these conditions hold as well, for once"
)
def fires_with(story: Story, trigger: str, names: Sequence[str]) -> None:
    story.refuse_untold()
    _machine(story).fire(trigger, names)


@words.then('the state is "{state}"', "of the machine")
def the_state_is(story: Story, state: str) -> None:
    machine = _machine(story)
    machine.known(state, machine.spec.states, "state")
    if machine.state != state:
        because = f"\n{machine.refusal}" if machine.refusal else ""
        raise Mismatch(f"the state is `{machine.state}`{because}")


@words.then(
    'the trigger "{trigger}" is refused', "it was, when it fired last, or would be if it fired"
)
def is_refused(story: Story, trigger: str) -> None:
    _refusal(story, trigger)


@words.then(
    'the trigger "{trigger}" is refused because {names:names} do(es) not hold',
    "the same, for exactly these conditions",
)
def is_refused_because(story: Story, trigger: str, names: Sequence[str]) -> None:
    _expect(story, trigger, names)


@words.then(
    'the trigger "{trigger}" is refused because {names:names} hold(s)',
    "the same: conditions of an `unless`",
)
def is_refused_unless(story: Story, trigger: str, names: Sequence[str]) -> None:
    _expect(story, trigger, [f"not {name}" for name in names])


@words.then('the trigger "{trigger}" is possible', "it would not be refused if it fired now")
def is_possible(story: Story, trigger: str) -> None:
    if refusal := _machine(story).refused(trigger):
        raise Mismatch(str(refusal))


@words.then("the machine has ended", "its state is final")
def has_ended(story: Story) -> None:
    machine = _machine(story)
    if not machine.spec.states[machine.state].final:
        raise Mismatch(f"the state `{machine.state}` is not final")


def _machine(story: Story) -> MachineStory:
    if story.machine is None:
        hint = 'begin with: Given the machine "FILE"'
        raise Invalid([Problem("no machine was named yet", hint)])
    return story.machine


def _refusal(story: Story, trigger: str) -> Sequence[str]:
    """The conditions because of which it was refused, if it was fired last, or would be now."""
    machine = _machine(story)
    fired, machine.refusal = machine.refusal, None
    if fired is not None and fired.trigger == trigger:
        return fired.failed
    refused = machine.refused(trigger)
    if refused is None:
        raise Mismatch(f"the state is `{machine.state}`: `{trigger}` is not refused")
    return refused.failed


def _expect(story: Story, trigger: str, failed: Sequence[str]) -> None:
    machine = _machine(story)
    for name in failed:
        machine.known(name.removeprefix("not "), machine.conditions, "condition")
    found = _refusal(story, trigger)
    if set(found) != set(failed):
        names = " and ".join(f"`{name}`" for name in found)
        told = f"because of {names}" if names else f"in state `{machine.state}` whatever holds"
        raise Mismatch(f"`{trigger}` is refused {told}")
