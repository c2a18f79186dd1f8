"""A step of a shipped skill, performed as the engine asks for it, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python import PythonAction
from fsm.actions.skill import Skill
from fsm.engine.ports import Failed, Outcome, Purpose, Task


@dataclass
class Steps:
    """Performs actions of a skill in `folder`; each step's name is its own in the one run."""

    skill: Skill
    folder: Path
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def perform(
        self,
        action: str,
        params: Mapping[str, Any],
        purpose: Purpose = "run",
        step: str = "step",
        cwd: str = "",
    ) -> Outcome:
        logs = self.folder / ".fsm/logs/run"
        task = Task(
            run_id="run",
            step_id=step,
            attempt=1,
            purpose=purpose,
            action=action,
            params=params,
            env=self.env,
            cwd=str(self.folder / cwd),
            log=str(logs / f"{step}.1.log"),
            outputs=str(logs / f"{step}.1.outputs"),
        )
        return asyncio.run(PythonAction(self.skill, self.folder).perform(task))

    def error(self, action: str, purpose: Purpose = "run", **params: Any) -> str:
        """Why it fails."""
        outcome = self.perform(action, params, purpose)
        assert isinstance(outcome, Failed), outcome
        assert "Traceback" not in outcome.tail
        return outcome.error

    def log(self, step: str = "step") -> str:
        """What the step's log says."""
        path = self.folder / f".fsm/logs/run/{step}.1.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the plan, beside which there are others."""
    path = tmp_path / "plan"
    path.mkdir()
    return path
