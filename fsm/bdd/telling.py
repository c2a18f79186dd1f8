"""What the plugin does while scenarios are told; registered when the first feature is collected."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from pytest_bdd.parser import Scenario, Step

from fsm.bdd.features import (
    STORY,
    FeatureFile,
    explained,
    has_failed,
    name_scenario,
    note_failure,
    note_scenario,
    without_those_of_glue,
)
from fsm.bdd.steps import Sentences
from fsm.spec.words import VOCABULARY, unknown

__all__: list[str] = []

Sentences.vocabulary = VOCABULARY


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to a glue module what it has collected, and say what each scenario is called."""
    items[:] = without_those_of_glue(items)
    for item in items:
        name_scenario(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure in words for the author of the feature."""
    report = yield
    if call.excinfo is not None and (told := explained(item, call.excinfo.value)):
        report.longrepr = told
    return report


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
