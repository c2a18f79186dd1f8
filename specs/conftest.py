"""The vocabulary of the features, by what it speaks of, and the place in which a scenario happens."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from .place import Place

_VOCABULARY = [
    import_module(f".steps.{chapter}", __package__)
    for chapter in (
        "bad_plans",
        "clocks",
        "damage",
        "diagrams",
        "files",
        "git",
        "happenings",
        "journals",
        "past",
        "plans",
        "processes",
        "running",
        "servers",
        "sites",
        "skills",
        "specifying",
        "survivors",
    )
]


def pytest_configure(config: pytest.Config) -> None:
    for chapter in _VOCABULARY:
        config.pluginmanager.register(chapter)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty folder, a home and an environment of its own; nothing outlives it."""
    with Place.at(tmp_path) as place:
        yield place
