"""Small plans, written shortly."""

from __future__ import annotations

from fsm.plan.model import Call, ErrorHandling, Plan, Retry, Rollback, Step

__all__ = ["CALL", "TWICE", "TWICE_LATER", "UNDO", "UNDO_STARTED", "plan", "step"]

CALL = Call(skill="shell", action="run", params={"command": "true"})
UNDO = Rollback(call=CALL)
UNDO_STARTED = Rollback(call=CALL, on="started")
TWICE = Retry(attempts=2, delay_seconds=0.0)
TWICE_LATER = Retry(attempts=2, delay_seconds=60.0)


def step(name: str, *needs: str, **declared: object) -> Step:
    return Step(id=name, name=name, call=CALL, depends_on=needs, **declared)  # type: ignore[arg-type]


def plan(*steps: Step, parallel: int = 1, **policy: object) -> Plan:
    return Plan(
        id="small",
        name="small",
        parallel=parallel,
        steps=steps,
        error_handling=ErrorHandling(**policy),  # type: ignore[arg-type]
    )
