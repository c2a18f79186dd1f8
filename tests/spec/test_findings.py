"""Every sentence that checks something holds where it is so, and fails where it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsm.spec.story import Mismatch, Story
from fsm.spec.words import CHAPTERS

from .conftest import told

PAUSED = [
    'Given the step "publish" fails with "the server is down"',
    'And the step "test" fails 1 time, then succeeds',
    'And the step "build" returns "size" as "12"',
    "When somebody runs the plan",
]
UNDONE = [
    *PAUSED,
    'When the step "publish" succeeds',
    "And somebody resumes the run",
    'When "ann" rolls the run back',
]
STUCK = [
    'Given the rollback of "build" fails',
    "When somebody runs the plan",
    "When somebody rolls the run back",
]
REFUSED = ["When somebody runs the plan", "And somebody resumes the run"]
MARKED = [*PAUSED, 'When "ann" marks "publish" as done']
AT_ONCE = [
    "Given up to 2 steps run at once",
    'And the plan is approved by "ann"',
    "When somebody runs the plan",
]

CASES = [
    (PAUSED, "the run is paused", "the run is completed"),
    (STUCK, "the run needs intervention", None),
    (PAUSED, None, "the run needs intervention"),
    (PAUSED, 'the step "publish" is failed', 'the step "publish" is completed'),
    (
        PAUSED,
        'the steps "build" and "test" are completed',
        'the steps "build" and "publish" are completed',
    ),
    (REFUSED[:1], "every step is completed", "every step is rolled back"),
    (MARKED, 'the step "publish" was marked by "ann"', 'the step "publish" was marked by "bob"'),
    (MARKED, None, 'the step "build" was marked by "ann"'),
    (
        PAUSED,
        'the steps started are "build", "test", "test" and "publish"',
        'the steps started are "build", "test" and "publish"',
    ),
    (PAUSED, 'the step "build" started before "test"', 'the step "test" started before "build"'),
    (
        AT_ONCE,
        'the steps "build" and "other" ran at the same time',
        'the steps "build" and "test" ran at the same time',
    ),
    (AT_ONCE, "at most 2 steps ran at the same time", "at most 1 step ran at the same time"),
    (PAUSED, 'the step "test" was tried 2 times', 'the step "test" was tried 1 time'),
    (
        ['Given the step "test" fails', "When somebody runs the plan"],
        'the step "publish" never ran',
        'the step "test" never ran',
    ),
    (
        ['Given the step "build" fails', "When somebody runs the plan"],
        'the steps "test" and "publish" never ran',
        'the steps "build" and "publish" never ran',
    ),
    (PAUSED, None, "nothing ran"),
    (
        UNDONE,
        'the steps rolled back are "publish" and "build"',
        'the steps rolled back are "build" and "publish"',
    ),
    (PAUSED, "nothing was rolled back", None),
    (UNDONE, None, "nothing was rolled back"),
    (
        STUCK,
        'the rollback of "build" was tried 1 time',
        'the rollback of "build" was tried 2 times',
    ),
    (
        PAUSED,
        'the step "build" returned "size" as "12"',
        'the step "build" returned "size" as "13"',
    ),
    (PAUSED, None, 'the step "build" returned "weight" as "12"'),
    (STUCK, "somebody is alerted", "nobody is alerted"),
    (
        STUCK,
        'somebody is alerted that "manual intervention … the rollback stopped"',
        'somebody is alerted that "all is well"',
    ),
    (PAUSED, "nobody is alerted", "somebody is alerted"),
    (PAUSED, "the exit code is 3", "the exit code is 0"),
    (
        PAUSED,
        'the report says "publish - failed: the … is down"',
        'the report says "the server is up"',
    ),
    (
        PAUSED,
        'the report does not say "the server is up"',
        'the report does not say "the server is down"',
    ),
    (REFUSED, "it is refused", None),
    (PAUSED, None, "it is refused"),
    (
        REFUSED,
        'it is refused because "completed: `resume` is refused"',
        'it is refused because "it rains"',
    ),
]


@pytest.fixture
def story(folder: Path) -> Story:
    plan = folder / "release.yaml"
    plan.write_text(plan.read_text() + "    - {id: other, run: touch other}\n")
    return told(Story(folder), 'Given the approved plan "release.yaml"')


@pytest.mark.parametrize(("lines", "so"), [(lines, so) for lines, so, _ in CASES if so])
def test_what_is_so_holds(story: Story, lines: list[str], so: str) -> None:
    told(story, *lines, f"Then {so}")


@pytest.mark.parametrize(("lines", "not_so"), [(lines, no) for lines, _, no in CASES if no])
def test_what_is_not_so_fails(story: Story, lines: list[str], not_so: str) -> None:
    told(story, *lines)
    with pytest.raises(Mismatch):
        told(story, f"Then {not_so}")


def test_nothing_ran_of_what_was_refused(folder: Path) -> None:
    story = told(Story(folder), 'Given the plan "release.yaml"', "When somebody runs the plan")
    told(story, "Then it is refused", "And nothing ran")


def test_every_checking_sentence_is_among_these_cases() -> None:
    said = " | ".join(text for _, so, no in CASES for text in (so, no) if text)
    for sentence in CHAPTERS["What came of it"].sentences:
        if not sentence.text.endswith(":"):
            assert any(sentence.arguments(text) is not None for text in said.split(" | ")), (
                sentence.shown
            )


def test_lines_of_a_report_come_in_their_order(story: Story) -> None:
    told(story, *PAUSED)
    find = CHAPTERS["What came of it"].find("Then", "the report says:")
    assert find is not None
    find.act(story, "▶ Step 1: build - started\n✗ … - failed: the server is down")
    with pytest.raises(Mismatch, match=re.escape("no line `▶ Step 1: build - started`")):
        find.act(story, "✗ … - failed: the server is down\n▶ Step 1: build - started")
