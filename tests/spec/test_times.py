"""How long attempts take in virtual time, when it is told and when it is not: both ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm.run import events as on
from fsm.spec.performance import Performance
from fsm.spec.stages import Opener, Rehearsal
from fsm.spec.story import Story

from .conftest import told

PLAN = """\
plan:
  id: hasty
  steps:
    - {id: blink, run: "true", timeout: 0.5s, check: "true", rollback: {run: "true", timeout: 200ms}}
    - {id: wait, run: "true", depends_on: blink}
"""


@pytest.fixture(params=[Rehearsal, Performance])
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Story:
    stage: Opener = request.param
    (tmp_path / "hasty.yaml").write_text(PLAN)
    return told(Story(tmp_path, open_stage=stage), 'Given the approved plan "hasty.yaml"')


@pytest.mark.parametrize(
    "sentences",
    [
        [],
        ['Given the step "blink" is interrupted', 'And the check of "blink" finds it not done'],
    ],
)
def test_a_timeout_under_a_second_is_kept_where_no_time_is_told(
    hasty: Story, sentences: list[str]
) -> None:
    told(hasty, *sentences, "When somebody runs the plan")
    if sentences:
        told(hasty, "When somebody resumes the run")
    told(hasty, "Then the run is completed", "When somebody rolls the run back")
    told(hasty, "Then the run is rolled back", 'And the steps rolled back are "blink"')
    hasty.close()


def test_a_time_that_is_told_is_held_against_it(hasty: Story) -> None:
    told(hasty, 'Given the step "blink" takes 600ms', "When somebody runs the plan")
    told(hasty, 'Then the step "blink" is failed', 'And the report says "timed out after 500ms"')
    hasty.close()


def test_what_times_out_does_so_at_its_timeout_whatever_time_is_told(hasty: Story) -> None:
    told(hasty, 'Given the step "blink" times out', 'And the step "blink" takes 100ms')
    told(hasty, "When somebody runs the plan", 'Then the report says "timed out after 500ms"')
    if hasty.open_stage is Rehearsal:  # the executor reads a clock that is not virtual
        assert hasty.run.record("blink").seconds == 0.5
    hasty.close()


def test_words_of_a_failure_that_look_like_those_of_a_timeout_are_words(hasty: Story) -> None:
    told(hasty, 'Given the step "blink" fails with "timed out after lunch"')
    told(hasty, "When somebody runs the plan", 'Then the report says "timed out after lunch"')
    hasty.close()


JITTERY = """\
plan:
  id: jittery
  steps:
    - {id: call, run: call, retry: {attempts: 4, delay: 1m, jitter: 0.5}}
"""


def test_a_retry_with_jitter_comes_at_the_same_moment_on_either_stage(tmp_path: Path) -> None:
    (tmp_path / "jittery.yaml").write_text(JITTERY)
    moments = []
    for stage in (Rehearsal, Performance):
        story = told(
            Story(tmp_path, open_stage=stage),
            'Given the approved plan "jittery.yaml"',
            'And the step "call" fails 3 times, then succeeds',
            "When somebody runs the plan",
            "Then the run is completed",
        )
        failures = [e for e in story.events(on.StepFailed) if isinstance(e, on.StepFailed)]
        moments.append([failure.retry_at for failure in failures])
        story.close()
    assert moments[0] == moments[1]
    assert len(moments[0]) == 3
