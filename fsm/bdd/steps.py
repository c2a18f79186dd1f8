"""The vocabulary as steps of pytest-bdd: three of them, one for each keyword, that know every sentence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parser import Scenario, Step
from pytest_bdd.parsers import StepParser

from fsm.bdd.features import STORY, FeatureFile, has_failed, note_failure, note_scenario
from fsm.spec.sentences import Said
from fsm.spec.story import Story
from fsm.spec.words import VOCABULARY, unknown

__all__: list[str] = []


class _Sentences(StepParser):
    """Every sentence that may follow a keyword."""

    def __init__(self, keyword: str) -> None:
        super().__init__(f"fsm {keyword}")
        self._keyword = keyword

    def is_matching(self, name: str) -> bool:
        return VOCABULARY.find(self._keyword, name) is not None

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        said = VOCABULARY.find(self._keyword, name)
        return None if said is None else {"fsm_said": said}


@pytest.fixture
def fsm_story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """What the sentences of one scenario act on."""
    story = Story(Path(request.node.path).parent)
    if request.node.get_closest_marker("real") is not None:
        from fsm.spec.performance import Performance

        story.scratch = request.getfixturevalue("tmp_path")
        story.open_stage = partial(Performance, folder=story.scratch)
    elif request.config.getoption("--fsm-stage") == "executor":
        from fsm.spec.performance import Performance

        story.open_stage = Performance
    request.node.stash[STORY] = story
    yield story
    story.close()


@given(_Sentences("given"))
@when(_Sentences("when"))
@then(_Sentences("then"))
def _say(fsm_story: Story, fsm_said: Said, docstring: str | None = None) -> None:
    fsm_said.act(fsm_story, docstring)


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Scenario) -> None:
    """Keep what the scenario is called, for its report and for its failure."""
    if request.node.getparent(FeatureFile) is not None:
        note_scenario(request.node, scenario)


def pytest_bdd_after_scenario(request: pytest.FixtureRequest) -> None:
    """A refusal of which the scenario does not speak is a failure."""
    story = request.node.stash.get(STORY, None)
    if story is None or has_failed(request.node):
        return
    story.refuse_untold()
    if request.config.getoption("--fsm-coverage"):
        from fsm.spec.coverage import of_story

        found = [("fsm-coverage", coverage.as_json()) for coverage in of_story(story)]
        request.node.user_properties += found


def pytest_bdd_step_error(request: pytest.FixtureRequest, step: Step) -> None:
    """Keep where it failed: the message begins with it."""
    note_failure(request.node, step)


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, step: Step) -> None:
    """A sentence that nobody knows: the nearest ones of the vocabulary are named."""
    if request.node.getparent(FeatureFile) is None:
        return
    note_failure(request.node, step)
    raise unknown(step.type, step.name)
