"""Generated specifications: they hold, they reach everything, and what a person wrote in them stays."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import yaml
from pytest_bdd.parser import FeatureParser

from fsm.plan import load_plan
from fsm.spec.coverage import Coverage, of_story
from fsm.spec.feature_text import Block, merged
from fsm.spec.generate import generate
from fsm.spec.performance import Performance
from fsm.spec.stages import Opener, Rehearsal
from fsm.spec.story import Story
from fsm.spec.words import tell

from .test_check import random_plan

PLANS = Path(__file__).parents[2] / "specs" / "plans"
SHIPPED = sorted(path.name for path in PLANS.glob("*.yaml"))


def carried_out(feature: Path, stage: Opener = Rehearsal) -> Coverage:
    """What all scenarios of the feature exercise together; each of them holds."""
    found: Coverage | None = None
    for template in FeatureParser(str(feature.parent), feature.name).parse().scenarios.values():
        examples = [each for table in template.examples for each in table.as_contexts()] or [{}]
        for example in examples:
            story = Story(feature.parent, open_stage=stage)
            for step in template.render(example).steps:
                tell(story, step.type, step.name, step.docstring)
            story.refuse_untold()
            story.close()
            [covered] = of_story(story)
            if found is None:
                found = covered
            else:
                found.add(covered)
    assert found is not None
    return found


def generated(plan: Path, feature: Path) -> str:
    """The feature of the plan, written beside it."""
    found = generate(plan, feature.parent)
    old = feature.read_text() if feature.exists() else ""
    text = merged(old, found.header, found.blocks)
    feature.write_text(text)
    return text


@pytest.mark.parametrize("stage", [Rehearsal, Performance])
@pytest.mark.parametrize("name", SHIPPED)
def test_of_every_shipped_plan_all_is_reached_and_holds(
    name: str, stage: Opener, tmp_path: Path
) -> None:
    plans = Path(shutil.copytree(PLANS, tmp_path / "plans"))  # with the skills that stand beside
    generated(plans / name, plans / "it.feature")
    covered = carried_out(plans / "it.feature", stage)
    assert covered.missed == []
    assert covered.percent == 100


@pytest.mark.parametrize("seed", range(40))
def test_of_any_plan_what_is_generated_holds_and_says_what_it_misses(
    seed: int, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(random_plan(Random(seed))))
    feature = tmp_path / "plan.feature"
    generated(plan, feature)
    covered = carried_out(feature)
    assert covered.missed == list(generate(plan, tmp_path).missed)


def test_the_command_line_gives_the_same_verdict(tmp_path: Path) -> None:
    shutil.copy(PLANS / "release.yaml", tmp_path)
    for command in (
        ["spec", "generate", "release.yaml"],
        ["test", "--fail-under", "100", "release.feature"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "fsm", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def feature(tmp_path: Path) -> Iterator[Path]:
    """A generated feature of a plan in `tmp_path`."""
    shutil.copy(PLANS / "hello.yaml", tmp_path)
    path = tmp_path / "hello.feature"
    generated(tmp_path / "hello.yaml", path)
    yield path
    load_plan(tmp_path / "hello.yaml")


def again(feature: Path) -> str:
    return generated(feature.with_suffix(".yaml"), feature)


def test_written_again_nothing_changes(feature: Path) -> None:
    assert feature.read_text() == again(feature)


def test_what_a_person_edited_stays(feature: Path) -> None:
    line = "    Then the run is completed\n"
    edited = feature.read_text().replace(line, line + "    And nobody is alerted\n", 1)
    feature.write_text(edited)
    assert again(feature) == edited


def test_what_a_person_added_stays_with_its_tags_and_comments(feature: Path) -> None:
    mine = "  # this one is mine\n  @real @nightly\n  Scenario: Mine\n    When somebody runs the plan\n"
    head, mark, rest = feature.read_text().partition("  # generated")
    feature.write_text(f"{head}{mine}\n{mark}{rest}")
    assert mine in again(feature)
    assert again(feature).count("Scenario: Mine") == 1


def test_the_header_a_person_wrote_stays(feature: Path) -> None:
    text = feature.read_text().replace(
        "Feature: hello", "@mine\nFeature: Hello, world\n  Quite so."
    )
    feature.write_text(text)
    assert again(feature) == text


def test_where_no_background_names_the_plan_each_scenario_does(feature: Path) -> None:
    mine = 'Feature: mine\n\n  Scenario: Mine\n    Given the approved plan "hello.yaml"\n'
    feature.write_text(mine)
    text = again(feature)
    feature.write_text(text)
    assert text.startswith(mine)
    assert text.count("Scenario") == text.count('    Given the approved plan "hello.yaml"\n')
    assert '"hello.yaml"\n    And the step "<step>" fails\n' in text
    assert again(feature) == text


def test_what_is_generated_no_more_goes_and_what_is_new_comes(feature: Path) -> None:
    plan = feature.with_suffix(".yaml")
    plan.write_text(
        plan.read_text()
        .replace("rollback: {run: rm build.txt}", "retry: 2")
        .replace("rollback: {run: rm live.txt}", "idempotent: true")
    )
    before, after = feature.read_text(), again(feature)
    assert "All is undone, the last first" in before
    assert "All is undone, the last first" not in after
    assert "A step fails once, and is tried again" in after


def test_a_text_that_quotes_scenarios_is_no_scenario(feature: Path) -> None:
    mine = '  Scenario: Mine\n    Given a text:\n      """\n      Scenario: quoted\n      """\n'
    feature.write_text(feature.read_text() + "\n" + mine)
    assert again(feature).endswith(mine)


def test_a_block_is_untouched_until_a_word_of_it_changes() -> None:
    block = Block("A", "  Scenario: A\n    Given b\n").marked()
    assert block.is_untouched
    assert Block("A", block.text + "\n\n").is_untouched
    assert not Block("A", block.text.replace("Given b", "Given c")).is_untouched


def test_the_shipped_one_is_as_it_is_generated_now() -> None:
    """`fsm spec generate specs/plans/held.yaml` writes it anew."""
    path = PLANS / "held.feature"
    found = generate(PLANS / "held.yaml", PLANS)
    assert path.read_text() == merged(path.read_text(), found.header, found.blocks)
    assert list(found.missed) == []


def test_a_feature_in_another_folder_names_its_plan_from_there(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "features").mkdir()
    plan = Path(shutil.copy(PLANS / "hello.yaml", tmp_path / "plans"))
    text = generated(plan, tmp_path / "features" / "hello.feature")
    assert 'the approved plan "../plans/hello.yaml"' in text
    assert carried_out(tmp_path / "features" / "hello.feature").percent == 100
