"""A folder with a plan, and pytest as its user runs it there."""

from __future__ import annotations

from pathlib import Path

import pytest

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
