"""Machines of users in sentences: what fires, what is refused and why, and names that there are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm.errors import Invalid
from fsm.spec.story import Mismatch, Story

from .conftest import told

DOOR = Path(__file__).parents[2] / "specs" / "machines"


@pytest.fixture
def story() -> Story:
    return told(Story(DOOR), 'Given the machine "door.yaml" in state "locked"')


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (
            'Given the machine "dor.yaml"',
            "no machine `dor.yaml` beside the feature; did you mean `door.yaml`?",
        ),
        (
            'Given the machine "door.yaml" in state "lockd"',
            "the machine door has no state `lockd`; did you mean `locked`?",
        ),
        (
            'Given "key_fit" holds',
            "the machine door has no condition `key_fit`; did you mean `key_fits`?",
        ),
        (
            'When the trigger "unlok" fires',
            "the machine door has no trigger `unlok`; did you mean `unlock`?",
        ),
        ('When the trigger "unlock" fires with "key_fit"', "did you mean `key_fits`?"),
        ('Then the state is "lockd"', "did you mean `locked`?"),
        ('Then the trigger "opn" is refused', "did you mean `open`?"),
        (
            'Then the trigger "open" is refused because "unlockd" does not hold',
            "did you mean `unlocked`?",
        ),
        (
            'Then the trigger "xyz" is possible',
            "it has: unlock, lock, open, close, knock, forced, repair",
        ),
    ],
)
def test_a_name_that_there_is_not_is_answered_with_the_near_one(
    story: Story, sentence: str, message: str
) -> None:
    with pytest.raises(Invalid) as refused:
        told(story, sentence)
    assert message in refused.value.message


def test_without_a_machine_there_is_nothing_to_fire() -> None:
    with pytest.raises(Invalid, match='begin with: Given the machine "FILE"'):
        told(Story(DOOR), 'When the trigger "open" fires')


def test_a_machine_that_is_wrong_is_told_with_each_line(tmp_path: Path) -> None:
    (tmp_path / "door.yaml").write_text(
        "name: door\ninitial: shut\nstates: {open: {final: true}}\nrows:\n"
        "  - {trigger: go, source: open, dest: nowhere, why: to see}\n"
    )
    with pytest.raises(Invalid) as refused:
        told(Story(tmp_path), 'Given the machine "door.yaml"')
    assert {problem.line for problem in refused.value.problems} >= {2, 5}


def test_conditions_hold_for_one_trigger_or_until_further_notice(story: Story) -> None:
    told(
        story,
        'When the trigger "unlock" fires with "key_fits"',
        'Then the state is "closed"',
        'And the trigger "lock" is refused because "key_fits" does not hold',
        'When "key_fits" holds',
        'Then the trigger "lock" is possible',
        'When the trigger "lock" fires',
        'Then the state is "locked"',
        'When "key_fits" no longer holds',
        'Then the trigger "unlock" is refused because "key_fits" does not hold',
    )


def test_asking_changes_nothing(story: Story) -> None:
    told(story, 'Then the trigger "knock" is possible', 'And the trigger "open" is refused')
    assert story.machine is not None
    assert story.machine.state == "locked"
    assert story.machine.taken == []


@pytest.mark.parametrize(
    "sentence",
    [
        'Then the state is "open"',
        'Then the trigger "knock" is refused',
        'Then the trigger "open" is possible',
        'Then the trigger "open" is refused because "key_fits" does not hold',
        'Then the trigger "open" is refused because "unlocked" holds',
        'Then the trigger "close" is refused because "something_in_the_way" holds',
        "Then the machine has ended",
    ],
)
def test_what_is_not_so_fails(story: Story, sentence: str) -> None:
    with pytest.raises(Mismatch):
        told(story, sentence)


def test_a_refusal_must_be_spoken_of(story: Story) -> None:
    told(story, 'When the trigger "open" fires')
    with pytest.raises(Mismatch, match='say: Then the trigger "open" is refused'):
        told(story, 'When the trigger "knock" fires')
