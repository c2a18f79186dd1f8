"""The names that a plan's templates and conditions may use while it runs: `params`, `steps`, `run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsm.run.standing import Standing

__all__ = ["scope"]


def scope(run: Standing) -> Mapping[str, object]:
    """The values as they stand now; `steps.ID` is looked up when it is asked for, not before."""
    return {"params": run.plan.params, "steps": _Steps(run), "run": {"id": run.run_id}}


class _Steps:
    """What `steps` is in a template. No method has a public name: a step may be called anything."""

    __slots__ = ("_run",)

    def __init__(self, run: Standing) -> None:
        self._run = run

    def __getitem__(self, step_id: str) -> Mapping[str, object]:
        record = self._run.record(step_id)
        return {"state": record.state, "outputs": record.outputs}

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._run.plan.positions

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.plan.positions)

    def __len__(self) -> int:
        return len(self._run.steps)
