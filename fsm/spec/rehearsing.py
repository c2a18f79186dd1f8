"""A story that is told to see what comes of it: which becomes the sentences that a specification checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsm.errors import FsmError
from fsm.run import events as on
from fsm.spec.coverage import of_story
from fsm.spec.story import Story
from fsm.spec.words import tell

__all__ = ["Told", "end", "end_words", "rehearsed", "words"]


@dataclass
class Told:
    """A story that was told: its lines with what came of them, and what it exercised."""

    lines: list[str]
    taken: Mapping[str, None]
    story: Story


def rehearsed(lines: Sequence[str], plan: str, folder: Path) -> Told | None:
    """The story of the plan in that file, seen from the folder; `None` if it cannot be told."""
    story = Story(folder)
    written: list[str] = []
    keyword = "Given"
    try:
        tell(story, "Given", f'the approved plan "{plan}"')
        for line in lines:
            first, _, text = line.partition(" ")
            keyword = keyword if first == "And" else first
            before = len(story.answers)
            tell(story, keyword, text)
            written.append(f"{keyword} {text}")
            if len(story.answers) > before:
                if story.answer.error is not None:
                    return None
                written += _found(story)
    except FsmError:
        return None
    [covered] = of_story(story)
    return Told(written, covered.exercised, story)


def _found(story: Story) -> list[str]:
    """What is checked after each command: how the run rests, and what stands out."""
    lines = end(story)
    run = story.run
    for state in ("failed", "interrupted", "rollback_failed", "skipped"):
        steps = [record.id for record in run.steps if record.state == state]
        if steps:
            subject = (
                f'the step "{steps[0]}" is' if len(steps) == 1 else f"the steps {_list(steps)} are"
            )
            lines.append(f"And {subject} {words(state)}")
    undone = [str(getattr(e, "step", "")) for e in story.events(on.UndoCompleted)]
    if undone and story.answer.command == "fsm rollback":
        lines.append(f"And the steps rolled back are {_list(undone)}")
    return lines


def end(story: Story) -> list[str]:
    """The sentences about how the run rests."""
    state = story.run.state
    if state == "needs_intervention":
        lines = ["Then the run needs intervention"]
    else:
        lines = [f"Then the run is {words(state)}"]
    if story.answer.exit_code is not None:
        lines.append(f"And the exit code is {story.answer.exit_code}")
    return lines


def end_words(story: Story) -> str:
    """The same, as the end of a title."""
    state = story.run.state
    return "needs intervention" if state == "needs_intervention" else f"is {words(state)}"


def words(state: str) -> str:
    """A state as sentences have it."""
    return state.replace("_", " ")


def _list(steps: Sequence[str]) -> str:
    quoted = [f'"{step}"' for step in steps]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
