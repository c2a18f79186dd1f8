"""A run in S3's words: what came of each phase, and whether each could be run at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.run import Run, StepRecord

__all__ = ["phase_results"]


def phase_results(
    run: Run, printed: Callable[[StepRecord], str]
) -> dict[str, dict[str, JsonValue]]:
    """What came of each phase, by its name, in the order of execution.

    `status` is `completed`, with the `result`: what a function returned, or what a command `printed`, and
    its `outputs` if it has any; `failed`, with the `error`; `skipped`, with the `reason`, which is
    `deps_not_met` if what it depends on failed, and then `detail` says what; or the state it is in.
    """
    return {record.id: _result(record, printed) for record in run.steps}


def _result(record: StepRecord, printed: Callable[[StepRecord], str]) -> dict[str, JsonValue]:
    match record.state:
        case "completed" if record.step.call.skill == "python":
            return {"status": "completed", "result": record.outputs.get("result")}
        case "completed":
            outputs = {"outputs": dict(record.outputs)} if record.outputs else {}
            return {"status": "completed", "result": printed(record), **outputs}
        case "failed":
            return {"status": "failed", "error": record.error}
        case "skipped" if record.cause:
            return {"status": "skipped", "reason": "deps_not_met", "detail": record.error}
        case "skipped":
            return {"status": "skipped", "reason": record.error}
        case state:
            return {"status": state}
