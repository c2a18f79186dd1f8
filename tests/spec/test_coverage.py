"""What counts as exercised, and that nothing is owed which cannot be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from fsm.run import plan_spec
from fsm.spec.coverage import Coverage, of_story, rows_of
from fsm.spec.coverage_marks import row_marks, step_marks
from fsm.spec.story import Story
from fsm.views.drawings.drawing import Mark

from .any_story import AnyStory, any_story
from .conftest import told

RACES = {
    "plan: step_failed rolling_back → rolling_back",
    "plan: step_failed aborting → aborting",
    "plan: step_failed needs_intervention → needs_intervention",
    "plan: rollback_failed aborting → aborting",
    "plan: runner_lost aborting → aborting",
}


def exercised(story: Story) -> Coverage:
    [covered] = of_story(story)
    return covered


def test_a_run_exercises_the_rows_it_took_and_the_paths_of_its_steps(story: Story) -> None:
    told(
        story,
        'Given the step "test" fails 1 time, then succeeds',
        'And the step "publish" fails',
        "When somebody runs the plan",
        "And somebody rolls the run back",
    )
    found = exercised(story).exercised
    assert "plan: start pending → running [approved, validated]" in found
    assert "step: undone rolling_back → rolled_back" in found
    paths = [name for name in found if name.startswith("step ")]
    assert paths == ["step test: retry", "step publish: failure", "step build: rollback"]


def test_a_refused_request_takes_no_row(story: Story) -> None:
    told(story, "When somebody runs the plan", "And somebody resumes the run", "Then it is refused")
    assert "plan: resume paused → running [digest_unchanged]" not in exercised(story).exercised


def test_what_a_plan_has_not_it_does_not_owe(story: Story) -> None:
    owed = "\n".join(rows_of(story.plan))
    for foreign in (
        "idempotent",
        "[tolerated]",
        ", failure_remains]",
        "conditional",
        "skipped_for",
    ):
        assert foreign not in owed
    for own in ("attempts_left", "found_done", "rollback_failed", "several_failed"):
        assert own in owed


def test_coverage_adds_up_over_scenarios_and_survives_json(folder: Path) -> None:
    whole: Coverage | None = None
    for arranged in ("succeeds", "fails"):
        story = told(Story(folder), 'Given the approved plan "release.yaml"')
        told(story, f'Given the step "test" {arranged}', "When somebody runs the plan")
        found = Coverage.from_json(exercised(story).as_json())
        if whole is None:
            whole = found
        else:
            whole.add(found)
    assert whole is not None
    assert "step test: failure" in whole.exercised
    assert "plan: finish running → completed [all_settled, not failure_remains]" in whole.exercised
    assert whole.covered + len(whole.missed) == len(whole.there)
    assert 0 < whole.percent < 100


def test_rows_of_a_machine_are_all_owed(tmp_path: Path) -> None:
    (tmp_path / "lamp.yaml").write_text(
        "{name: lamp, initial: off, states: {off: , on: {final: true}}, rows: ["
        "{trigger: press, source: off, dest: on, why: light}, "
        "{trigger: press, source: on, dest: off, why: dark}]}"
    )
    story = told(Story(tmp_path), 'Given the machine "lamp.yaml"', 'When the trigger "press" fires')
    found = exercised(story)
    assert list(found.exercised) == ["lamp: press off → on"]
    assert found.missed == ["lamp: press on → off"]
    assert found.percent == 50


@settings(deadline=None)
@given(any_story())
def test_whatever_a_story_takes_is_owed_or_a_race(
    tmp_path_factory: pytest.TempPathFactory, any_: AnyStory
) -> None:
    story = any_.told(Story(tmp_path_factory.mktemp("story")))
    found = exercised(story)
    assert {name for name in found.exercised if name not in found.there} <= RACES


def test_a_drawing_shows_what_was_exercised_by_colour(story: Story) -> None:
    told(
        story,
        'Given the step "build" fails',
        "When somebody runs the plan",
        'And the step "build" succeeds',
        'And the step "test" fails 1 time, then succeeds',
        "And somebody resumes the run",
    )
    marks = step_marks(story.plan, exercised(story))
    assert marks["build"] == Mark("doubt", ("never: rollback", "never: rollback failure"))
    assert marks["test"] == Mark("doubt", ("never: failure",))
    assert marks["publish"].colour == "bad"


def test_rows_are_coloured_but_for_those_that_need_not_be_taken(story: Story) -> None:
    told(story, "When somebody runs the plan")
    spec = plan_spec(story.plan.error_handling)
    marks = row_marks("plan", spec, exercised(story))
    coloured = {
        (row.trigger, row.source): marks[index].colour
        for index, row in enumerate(spec.rows)
        if index in marks
    }
    assert coloured["start", ("pending",)] == "good"
    assert coloured["abort", ("running", "paused", "needs_intervention")] == "bad"
    assert ("step_failed", ("rolling_back",)) not in coloured
