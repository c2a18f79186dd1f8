"""A folder with a plan, and pytest as its user runs it there."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import fsm

for _module in pkgutil.walk_packages(fsm.__path__, "fsm."):
    # What an inner pytest loads it forgets again: half of fsm would then be another one in the next.
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

PLAN = """\
plan:
  id: release
  steps:
    - {id: build, run: touch built, rollback: rm built}
    - {id: test, run: touch tested, depends_on: build, retry: {attempts: 2, delay: 1h}}
    - {id: publish, run: touch published, depends_on: test, rollback: rm published}
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `release.yaml` is; its steps would leave files."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (pytester.path / "release.yaml").write_text(PLAN)
    return pytester.path
