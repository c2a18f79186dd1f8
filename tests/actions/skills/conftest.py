"""A step of a shipped skill, performed as the engine asks for it, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.python.action import PythonAction
from fsm.actions.python.apart import ApartAction
from fsm.actions.python.skill import Skill
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Failed, Outcome, Purpose, Task

from .names import resolve as resolve


@dataclass
class Steps:
    """Performs actions of a skill in `folder`; each step's name is its own in the one run."""

    skill: Skill
    folder: Path
    reference: str = ""
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    secrets: Sequence[bytes] = ()
    shell: ShellAction = field(default_factory=ShellAction)
    attempt: int = 0
    is_first: bool = False

    def perform(
        self,
        action: str,
        params: Mapping[str, Any],
        purpose: Purpose = "run",
        step: str = "step",
        cwd: str = "",
    ) -> Outcome:
        logs = self.folder / ".fsm/logs/run"
        self.attempt += 1
        stem = f"{step}.{self.attempt}"
        own = {
            "FSM_RUN_ID": f"run of {self.folder}",
            "FSM_STEP_ID": step,
            "FSM_ATTEMPT": str(self.attempt),
            "FSM_OUTPUT": str(logs / f"{stem}.outputs"),
        }
        task = Task(
            run_id="run",
            step_id=step,
            attempt=self.attempt,
            is_first=self.is_first,
            purpose=purpose,
            action=action,
            params=params,
            env={**self.env, **own},
            cwd=str(self.folder / cwd),
            log=str(logs / f"{stem}.log"),
            outputs=own["FSM_OUTPUT"],
            secrets=self.secrets,
        )
        if not self.skill.apart:
            return asyncio.run(PythonAction(self.skill, self.folder).perform(task))
        action = ApartAction(self.skill, self.folder, self.reference, self.shell)
        return asyncio.run(action.perform(task))

    def error(self, action: str, purpose: Purpose = "run", **params: Any) -> str:
        """Why it fails."""
        outcome = self.perform(action, params, purpose)
        assert isinstance(outcome, Failed), outcome
        assert "Traceback" not in outcome.tail
        return f"{outcome.error}\n{outcome.tail}".strip()

    def log(self, step: str = "step") -> str:
        """What the step's logs say."""
        paths = sorted(self.folder.glob(f".fsm/logs/run/{step}.*.log"))
        return "".join(path.read_text() for path in paths)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the plan, beside which there are others."""
    path = tmp_path / "plan"
    path.mkdir()
    return path
