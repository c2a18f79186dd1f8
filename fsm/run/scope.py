"""The names that a plan's templates and conditions may use while it runs: `params`, `steps`, `run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fsm.plan.template.terms import TemplateError
from fsm.run.events import MASKED

if TYPE_CHECKING:
    from pydantic import JsonValue

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
        return {"state": record.state, "outputs": _usable(step_id, record.outputs)}

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._run.plan.positions

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.plan.positions)

    def __len__(self) -> int:
        return len(self._run.steps)


def _usable(step_id: str, outputs: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """The outputs without those that held a secret: `***` in a command would do harm in silence."""
    if not any(_is_masked(value) for value in outputs.values()):
        return outputs
    return _Unmasked(step_id, outputs)


class _Unmasked(dict[str, "JsonValue"]):
    """Outputs of which those that held a secret are missed in words that say so."""

    __slots__ = ("_masked", "_step_id")

    def __init__(self, step_id: str, outputs: Mapping[str, JsonValue]) -> None:
        super().__init__((n, value) for n, value in outputs.items() if not _is_masked(value))
        self._step_id = step_id
        self._masked = outputs.keys() - self.keys()

    def __missing__(self, name: str) -> JsonValue:
        if name not in self._masked:
            raise KeyError(name)
        raise TemplateError(
            f"output `{name}` of step `{self._step_id}` held a secret and was masked",
            "name the secret under `secrets` alone: each step finds it in its environment",
        )


def _is_masked(value: JsonValue) -> bool:
    return isinstance(value, dict) and MASKED in value
