"""What the last command told: alerts, exit codes, reports, refusals."""

from __future__ import annotations

import re

from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Mismatch, Story

__all__ = ["words"]

words = Vocabulary()


@words.then("somebody is alerted", "the run calls for manual intervention")
def alerted(story: Story) -> None:
    if not _alerts(story):
        raise Mismatch(f"nobody is alerted\n\n{story.answer.printed}")


@words.then(
    'somebody is alerted that "{text}"', "the same, in these words; `…` stands for anything"
)
def alerted_that(story: Story, text: str) -> None:
    alerted(story)
    if not any(_said(text, alert) for alert in _alerts(story)):
        raise Mismatch("\n".join(["the alert says:", *_alerts(story)]))


@words.then("nobody is alerted", "the run does not call for manual intervention")
def nobody_alerted(story: Story) -> None:
    if alerts := _alerts(story):
        raise Mismatch("\n".join(alerts))


@words.then("the exit code is {code:number}", "of the last command, as the real one has it")
def the_exit_code_is(story: Story, code: int) -> None:
    answer = story.answer
    answer.told = True
    if answer.exit_code is None:
        raise Mismatch("the process died: it has no exit code of its own")
    if answer.exit_code != code:
        raise Mismatch(f"the exit code is {answer.exit_code}\n\n{answer.printed}")


@words.then(
    'the report says "{text}"', "what the last command prints; `…` stands for anything in a line"
)
def the_report_says(story: Story, text: str) -> None:
    if not _said(text, story.answer.printed):
        raise Mismatch(f"the report is:\n{story.answer.printed}")


@words.then('the report does not say "{text}"', "what the last command prints")
def the_report_does_not_say(story: Story, text: str) -> None:
    if _said(text, story.answer.printed):
        raise Mismatch(f"the report is:\n{story.answer.printed}")


@words.then("the report says:", "these lines, in this order, others between them")
def the_report_says_lines(story: Story, docstring: str) -> None:
    lines = iter(story.answer.printed.splitlines())
    for wanted in filter(None, map(str.strip, docstring.splitlines())):
        if not any(_said(wanted, line) for line in lines):
            raise Mismatch(
                f"no line `{wanted}` where it should be; the report is:\n{story.answer.printed}"
            )


@words.then("it is refused", "what was last asked for may not happen now; nothing was changed")
def refused(story: Story) -> None:
    _refusal(story)


@words.then('it is refused because "{text}"', "the same, and the refusal says TEXT")
def refused_because(story: Story, text: str) -> None:
    refusal = _refusal(story)
    if not _said(text, refusal):
        raise Mismatch(f"it was refused otherwise: {refusal}")


def _alerts(story: Story) -> list[str]:
    return [line for line in story.answer.printed.splitlines() if "ALERT:" in line]


def _said(text: str, printed: str) -> bool:
    return re.search(".*".join(map(re.escape, text.split("…"))), printed) is not None


def _refusal(story: Story) -> str:
    answer = story.answer
    answer.told = True
    if answer.error is None:
        raise Mismatch(f"`{answer.command}` was not refused\n\n{answer.printed}")
    return str(answer.error)
