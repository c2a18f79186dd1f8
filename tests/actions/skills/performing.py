"""One attempt of an action of a skill, as the engine makes it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fsm.actions.python.action import PythonAction
from fsm.actions.python.skill import Skill
from fsm.engine.ports import Outcome, Succeeded, Task

__all__ = ["Performing"]


class Performing:
    """Performs actions of one skill in a folder; `log` is what the last attempt wrote into its log."""

    def __init__(self, skill: Skill, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.skill = skill
        self.folder = folder
        self.env = {"PATH": os.environ["PATH"], "FSM_IDEMPOTENCY_KEY": "run-1:one", **(env or {})}
        self.secrets: tuple[bytes, ...] = ()
        self._attempt = 0

    def task(self, action: str, purpose: str = "run", **params: Any) -> Task:
        """The task, with the defaults that loading a plan fills in."""
        self._attempt += 1
        for parameter in self.skill.actions[action].spec.params:
            if parameter.default is not None:
                params.setdefault(parameter.name, parameter.default)
        return Task(
            run_id="run-1",
            step_id="one",
            attempt=self._attempt,
            purpose=purpose,  # type: ignore[arg-type]
            action=action,
            params=params,
            env=self.env,
            cwd=str(self.folder),
            log=str(self._log),
            outputs=str(self.folder / "logs" / "outputs"),
            secrets=self.secrets,
        )

    async def perform(self, action: str, purpose: str = "run", **params: Any) -> Outcome:
        """How it ends; the last output of a failure without the notes that the skill made in its log."""
        task = self.task(action, purpose, **params)
        outcome = await PythonAction(self.skill, self.folder).perform(task)
        if isinstance(outcome, Succeeded):
            return outcome
        lines = [line for line in outcome.tail.splitlines() if not line.startswith("[fsm]")]
        return replace(outcome, tail="\n".join(lines))

    def __call__(self, action: str, purpose: str = "run", **params: Any) -> Outcome:
        return asyncio.run(self.perform(action, purpose, **params))

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / "logs" / f"one.{self._attempt}.log"
