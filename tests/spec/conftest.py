"""A story of three steps, told without pytest's features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fsm.spec.story import Story
from fsm.spec.words import tell

PLAN = """\
plan:
  id: release
  steps:
    - {id: build, run: touch built, rollback: {run: rm built, timeout: 1m}}
    - {id: test, run: touch tested, depends_on: build, timeout: 10m, retry: {attempts: 2, delay: 1h}}
    - {id: publish, run: touch published, depends_on: test, check: test -e published, rollback: rm published}
"""

Tell = Callable[..., Story]


def told(story: Story, *sentences: str) -> Story:
    """The story, after each of the sentences; `And` goes on with the keyword before it."""
    last = "Given"
    for sentence in sentences:
        keyword, _, text = sentence.partition(" ")
        last = last if keyword == "And" else keyword
        tell(story, last, text)
    return story


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "release.yaml").write_text(PLAN)
    return tmp_path


@pytest.fixture
def story(folder: Path) -> Story:
    """A story whose plan is approved."""
    return told(Story(folder), 'Given the approved plan "release.yaml"')
