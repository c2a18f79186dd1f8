"""What is wrong in a specification is told with the next move."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm.errors import Invalid
from fsm.spec.story import Mismatch, Story

from .conftest import told


@pytest.mark.parametrize(
    ("sentence", "nearest"),
    [
        (
            'Given step "test" fails 2 times and then succeeds',
            'Given the step "STEP" fails N time(s), then succeeds',
        ),
        ("When the plan is run", "When somebody runs the plan"),
        ('Then "test" has never run', 'Then the step "STEP" never ran'),
        ("Then it exits with 3", "Then the exit code is N"),
        ('Given the step "a" failed', 'Given the step "STEP" fails'),
    ],
)
def test_an_unknown_sentence_is_answered_with_the_nearest(
    story: Story, sentence: str, nearest: str
) -> None:
    with pytest.raises(Invalid) as refused:
        told(story, sentence)
    assert "there is no such sentence; the nearest are:" in refused.value.message
    assert f"\n    {nearest}" in refused.value.message


def test_a_sentence_after_another_keyword_is_told_where_it_stands(story: Story) -> None:
    with pytest.raises(Invalid) as refused:
        told(story, "Then somebody runs the plan")
    assert "no such sentence is said after Then; this one is said after When" in str(refused.value)


def test_a_sentence_like_no_other_is_answered_with_where_they_all_are(story: Story) -> None:
    with pytest.raises(Invalid) as refused:
        told(story, "Given cucumbers")
    assert refused.value.message == (
        "there is no such sentence; see them all with: fsm test --sentences"
    )


@pytest.mark.parametrize(
    "sentence",
    [
        'Given the step "tset" fails',
        'Given the step "tset" takes 1m',
        'Given the step "tset" times out',
        'Given the rollback of "tset" fails',
        'Given the check of "tset" cannot tell',
        'Given the step "tset" returns "a" as "b"',
        'Given the step "tset" returns nothing',
        'Given somebody pauses the run while "tset" runs',
        'When somebody marks "tset" as done',
        'When somebody resumes the run from "tset"',
        'When somebody resumes the run, answering that "tset" was done',
        'Then the step "tset" is completed',
        'Then the step "tset" never ran',
        'Then the step "tset" was tried 1 time',
        'Then the steps started are "build" and "tset"',
        'Then the steps rolled back are "tset"',
        'Then the steps "build" and "tset" are completed',
        'Then the step "build" started before "tset"',
        'Then the steps "build" and "tset" ran at the same time',
        'Then the step "tset" returned "a" as "b"',
    ],
)
def test_an_unknown_step_is_answered_with_the_near_name(story: Story, sentence: str) -> None:
    if not sentence.startswith("Given"):
        told(story, "When somebody runs the plan")
    with pytest.raises(Invalid) as refused:
        told(story, sentence)
    assert refused.value.message == "the plan release has no step `tset`; did you mean `test`?"


def test_a_step_like_no_other_is_answered_with_all(story: Story) -> None:
    with pytest.raises(Invalid, match="its steps: build, test, publish"):
        told(story, 'Given the step "xyz" fails')


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (
            'Given the plan "relaese.yaml"',
            "there is no plan `relaese.yaml` beside the feature; did you mean `release.yaml`?",
        ),
        ('Given the rollback of "test" fails', "the step `test` has no rollback"),
        ('Given the check of "test" cannot tell', "the step `test` has no check"),
        (
            'Given the step "build" times out',
            "the step `build` has no timeout; give it a `timeout`",
        ),
        (
            'Given the step "build" takes 1fortnight',
            "'1fortnight' is not a duration; write a duration such as 90s, 10m or 1h30m",
        ),
        ("Then the run is paused", "nothing was run yet; say: When somebody runs the plan"),
        ("Then the exit code is 0", "nothing was asked for yet; say: When somebody runs the plan"),
    ],
)
def test_what_cannot_be_is_told(story: Story, sentence: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        told(story, sentence)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("Then the run is complete", "a run is never complete; did you mean `completed`?"),
        ('Then the step "build" is done', "a step is one of: pending, running, interrupted"),
    ],
)
def test_an_unknown_state_is_answered_with_the_known(
    story: Story, sentence: str, message: str
) -> None:
    told(story, "When somebody runs the plan")
    with pytest.raises(Invalid) as refused:
        told(story, sentence)
    assert message in refused.value.message


def test_a_plan_in_the_folder_above_is_named_with_its_way(folder: Path) -> None:
    (folder / "features").mkdir()
    with pytest.raises(Invalid) as refused:
        told(Story(folder / "features"), 'Given the plan "release.yaml"')
    assert "did you mean `../release.yaml`?" in str(refused.value)


def test_a_wrong_plan_is_told_with_file_and_line(folder: Path) -> None:
    (folder / "broken.yaml").write_text("plan:\n  id: broken\n  steps:\n    - {id: a, rum: b}\n")
    with pytest.raises(Invalid, match=r"broken\.yaml:4:.*did you mean `run`\?"):
        told(Story(folder), 'Given the plan "broken.yaml"')


def test_without_a_plan_there_is_nothing_to_speak_of(folder: Path) -> None:
    with pytest.raises(Invalid, match='begin with: Given the approved plan "FILE"'):
        told(Story(folder), 'Given the step "build" fails')


def test_a_refusal_must_be_spoken_of(story: Story) -> None:
    told(story, "When somebody runs the plan", "And somebody resumes the run")
    with pytest.raises(Mismatch, match="`fsm resume` was refused: run simulated is completed"):
        told(story, "When somebody rolls the run back")


def test_a_refusal_that_is_spoken_of_is_none_to_complain_of(story: Story) -> None:
    told(
        story,
        "When somebody runs the plan",
        "And somebody resumes the run",
        'Then it is refused because "`resume` is refused"',
        "And the exit code is 6",
        "When somebody rolls the run back",
        "Then the run is rolled back",
    )


def test_the_plan_cannot_be_changed_once_it_runs(story: Story) -> None:
    told(story, "When somebody runs the plan")
    with pytest.raises(Invalid, match="the plan runs already"):
        told(story, "Given up to 2 steps run at once")
