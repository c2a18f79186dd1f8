"""Features as pytest collects them: a module made up of the scenarios of one file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from pytest_bdd import scenario
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.feature import get_feature
from pytest_bdd.gherkin_parser import Child, get_gherkin_document
from pytest_bdd.parser import Feature, Scenario, ScenarioTemplate, Step
from pytest_bdd.scenario import get_python_name_generator, scenario_wrapper_template_registry

from fsm.errors import FsmError
from fsm.spec.story import Mismatch, Story

__all__ = [
    "STORY",
    "FeatureFile",
    "explained",
    "has_failed",
    "name_scenario",
    "note_failure",
    "note_scenario",
    "without_those_of_glue",
]

_ENCODING = "utf-8-sig"
"""UTF-8, with the mark that editors of Windows put before it, or without."""

_NAME = pytest.StashKey[str]()
_FAILED = pytest.StashKey[str]()
STORY = pytest.StashKey[Story]()
"""The story of a scenario, once one of its sentences acted on it."""


class FeatureFile(pytest.Module):
    """One feature; its scenarios are test functions, as if a glue module had named them."""

    def _getobj(self) -> ModuleType:
        feature = self._feature()
        module = ModuleType(self.path.stem)
        module.__file__ = str(self.path)
        for name, template in feature.scenarios.items():
            for tag in template.tags | feature.tags:
                self.config.addinivalue_line("markers", f"{tag}: a tag of {self.path.name}")

            @scenario(
                str(self.path), name, encoding=_ENCODING, features_base_dir=str(self.path.parent)
            )
            def told() -> None:
                """The scenario itself is all there is."""

            vars(told)["place_as"] = _placed(self.path, template.line_number)
            for test_name in get_python_name_generator(name):
                if not hasattr(module, test_name):
                    setattr(module, test_name, told)
                    break
        return module

    def _feature(self) -> Feature:
        try:
            document = get_gherkin_document(str(self.path), _ENCODING)
            names = _scenario_names(document.feature.children)
            feature = get_feature(str(self.path.parent), self.path.name, encoding=_ENCODING)
        except GherkinParseError as error:
            place = f"{self.nodeid}:{error.line}"
            raise self.CollectError(f"{place}  {error.message}\n  {error.line_content}") from None
        except (KeyError, TypeError):
            raise self.CollectError(f"{self.nodeid}  there is no feature in it") from None
        except UnicodeDecodeError:
            told = "cannot be read as UTF-8; save it in that encoding"
            raise self.CollectError(f"{self.nodeid}  {told}") from None
        except OSError as error:
            raise self.CollectError(f"{self.nodeid}  cannot be read: {error}") from None
        for name in names:
            if names.count(name) > 1:
                told = f"two scenarios are called `{name}`; give one of them another name"
                raise self.CollectError(f"{self.nodeid}  {told}")
        if not names:
            raise self.CollectError(f"{self.nodeid}  the feature has no scenario")
        for template in feature.scenarios.values():
            if not template._steps:
                place = f"{self.nodeid}:{template.line_number}"
                told = "no line of it begins with Given, When, Then, And or But"
                raise self.CollectError(
                    f"{place}  the scenario `{template.name}` says nothing; {told}"
                )
        return feature

    def funcnamefilter(self, name: str) -> bool:
        """Every scenario counts, however a project calls its test functions."""
        return name.startswith("test_")


def _scenario_names(children: Iterable[Child]) -> list[str]:
    """The names as they are written: pytest-bdd keeps one scenario of each name, and says nothing."""
    names = []
    for child in children:
        if child.scenario:
            names.append(child.scenario.name)
        if child.rule:
            names += _scenario_names(child.rule.children)
    return names


def without_those_of_glue(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The items but those of features that a glue module has collected as well."""
    items = list(items)
    elsewhere: set[str] = set()
    for item in items:
        template = _template(item)
        if template is not None and item.getparent(FeatureFile) is None:
            elsewhere.add(template.feature.filename)
    return [
        item
        for item in items
        if item.getparent(FeatureFile) is None or str(item.path) not in elsewhere
    ]


def name_scenario(item: pytest.Item) -> None:
    """Keep what the scenario is called, for those that are chosen by it, and those that never begin."""
    template = _template(item)
    if template is not None:
        _, _, example = item.name.partition("[")
        name = f"{template.name} ({example[:-1]})" if example else template.name
        item.user_properties += [("scenario", name), ("line", template.line_number)]


def _template(item: pytest.Item) -> ScenarioTemplate | None:
    return scenario_wrapper_template_registry.get(getattr(item, "function", None))  # type: ignore[arg-type]


def has_failed(item: pytest.Item) -> bool:
    """Whether a sentence of the scenario has failed."""
    return _FAILED in item.stash


def note_scenario(item: pytest.Item, scenario: Scenario) -> None:
    """Keep what the scenario is called with the values of its example."""
    item.stash[_NAME] = scenario.name
    item.user_properties.append(("scenario", scenario.name))
    item.user_properties.append(("line", scenario.line_number))


def note_failure(item: pytest.Item, step: Step) -> None:
    """Keep where a scenario failed, for `explained`."""
    place = f"{os.path.relpath(item.path, item.config.invocation_params.dir)}:{step.line_number}"
    item.stash[_FAILED] = f"  {place}  {step.keyword} {step.name}\n\n"


def explained(item: pytest.Item, error: BaseException) -> str:
    """What failed in a feature, for its author; "" if that is not for this module to say."""
    if item.getparent(FeatureFile) is None or not isinstance(error, FsmError | Mismatch):
        return ""
    return f"{item.stash.get(_NAME, item.name)}\n{item.stash.get(_FAILED, '')}{error}"


def _placed(path: Path, line: int) -> object:
    """A function that stands in the feature: where reports say that the scenario is."""

    def scenario() -> None: ...

    scenario.__code__ = scenario.__code__.replace(co_filename=str(path), co_firstlineno=line)
    return scenario
