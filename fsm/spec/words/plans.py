"""The plan: which one, with what parameters, approved by whom."""

from __future__ import annotations

from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Story

__all__ = ["words"]

words = Vocabulary()


@words.given(
    'the plan "{file}"', "what follows is about this plan; the file stands beside the feature"
)
def the_plan(story: Story, file: str) -> None:
    story.open_plan(file)


@words.given('the approved plan "{file}"', "the same, and whoever wrote the scenario approves it")
def the_approved_plan(story: Story, file: str) -> None:
    story.open_plan(file)
    story.approve("the specification")


@words.given('the plan is approved by "{name}"', "NAME consents to the plan as it resolves now")
def approved_by(story: Story, name: str) -> None:
    story.approve(name)


@words.given(
    'the parameter "{name}" is "{value}"', "as `--param NAME=VALUE`; approved plans change by it"
)
def parameter(story: Story, name: str, value: str) -> None:
    approved = story.approved_digest == story.plan.digest
    written_here = story.approver == "the specification"
    story.change()
    story.typed[name] = value
    if approved and written_here:
        story.approve("the specification")


@words.given('the parameter "{name}" is:', "the same; the text below, between triple quotes")
def parameter_text(story: Story, name: str, docstring: str) -> None:
    parameter(story, name, docstring)


@words.given("up to {number:number} steps run at once", "as `--parallel N`")
def parallel(story: Story, number: int) -> None:
    written_here = story.approver == "the specification"
    story.change()
    story.parallel = number
    if written_here:
        story.approve("the specification")
