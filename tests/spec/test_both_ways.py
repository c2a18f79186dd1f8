"""A rehearsal is worth what it has in common with the executor: every shipped feature, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pytest_bdd.parser import FeatureParser, ScenarioTemplate

from fsm.run.events import encode
from fsm.spec.performance import Performance
from fsm.spec.stages import Opener, Rehearsal
from fsm.spec.story import Story
from fsm.spec.words import tell

from .any_story import AnyStory, any_story

SHIPPED = Path(__file__).parents[2] / "specs"


def scenarios() -> Iterator[Any]:
    """Every scenario that ships beside a plan or a machine and is not `@real`, with its examples."""
    for folder in ("plans", "machines"):
        for path in sorted((SHIPPED / folder).glob("*.feature")):
            feature = FeatureParser(str(path.parent), path.name).parse()
            for template in feature.scenarios.values():
                if "real" in template.tags | feature.tags:
                    continue
                for example in _examples(template):
                    name = (
                        f"{path.stem}: {template.render(example).name} {' '.join(example.values())}"
                    )
                    yield pytest.param(path, template, example, id=name.strip())


def _examples(template: ScenarioTemplate) -> Sequence[dict[str, str]]:
    found = [context for table in template.examples for context in table.as_contexts()]
    return found or [{}]


def told_on(
    stage: Opener, path: Path, template: ScenarioTemplate, example: dict[str, str]
) -> Story:
    """The story of the scenario, told to its end on this stage: all that it says holds."""
    story = Story(path.parent, open_stage=stage)
    for step in template.render(example).steps:
        tell(story, step.type, step.name, step.docstring)
    story.refuse_untold()
    story.close()
    return story


def facts(story: Story) -> object:
    """All that a story can tell but for the clock: what took how long, when it is tried again."""
    events = []
    for event in story.tape.events:
        kind, data = encode(event)
        clock = (
            "seconds",
            "retry_at",
            "approved_at",
            "checks",
            "cwd",
            "path",
            "folder",
            "by",
            "reason",
        )
        events.append((kind, {name: data[name] for name in data if name not in clock}))
    answers = [(a.command, a.exit_code, _steady(a.printed)) for a in story.answers]
    return events, answers


def _steady(printed: str) -> str:
    printed = re.sub(r"\d{8}-\d{6}-\w{4}", "simulated", printed)
    printed = re.sub(r" in (\d+[a-z]+)+$|^ +took .*\n", "", printed, flags=re.MULTILINE)
    printed = re.sub(r"(What you can do now:\n).*", r"\1", printed, flags=re.DOTALL)
    return printed.replace("run simulated is", "run is").replace("run  is", "run is")


@pytest.mark.parametrize(("path", "template", "example"), [*scenarios()])
def test_a_shipped_scenario_holds_on_the_executor_as_it_does_when_rehearsed(
    path: Path, template: ScenarioTemplate, example: dict[str, str]
) -> None:
    rehearsed = told_on(Rehearsal, path, template, example)
    performed = told_on(Performance, path, template, example)
    assert facts(rehearsed) == facts(performed)


@settings(deadline=None)
@given(any_story())
def test_any_story_goes_the_same_way_on_the_executor(
    tmp_path_factory: pytest.TempPathFactory, any_: AnyStory
) -> None:
    folder = tmp_path_factory.mktemp("story")
    stories = []
    for stage in (Rehearsal, Performance):
        story = any_.told(Story(folder, open_stage=stage))
        story.close()
        stories.append(story)
    rehearsed, performed = stories
    assert facts(rehearsed) == facts(performed)
