"""The vocabulary as steps of pytest-bdd: three of them, one for each keyword, that know every sentence.

They stand among the steps of plugins from the beginning, so that those of a project come before them, and
know no sentence until a feature is collected: other tests pay for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import StepParser

if TYPE_CHECKING:
    from fsm.spec.sentences import Said, Vocabulary
    from fsm.spec.story import Story

__all__ = ["Sentences"]


class Sentences(StepParser):
    """Every sentence that may follow a keyword; none while there is no `vocabulary`."""

    vocabulary: ClassVar[Vocabulary | None] = None

    def __init__(self, keyword: str) -> None:
        super().__init__(f"fsm {keyword}")
        self._keyword = keyword

    def is_matching(self, name: str) -> bool:
        return self._find(name) is not None

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        said = self._find(name)
        return None if said is None else {"fsm_said": said}

    def _find(self, name: str) -> Said | None:
        known = self.vocabulary
        return None if known is None else known.find(self._keyword, name)


@pytest.fixture
def fsm_story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """What the sentences of one scenario act on."""
    from fsm.bdd.features import STORY
    from fsm.spec.story import Story

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


@given(Sentences("given"))
@when(Sentences("when"))
@then(Sentences("then"))
def _say(fsm_story: Story, fsm_said: Said, docstring: str | None = None) -> None:
    fsm_said.act(fsm_story, docstring)
