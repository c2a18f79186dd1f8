"""What a report says of steps that did not end by themselves."""

from __future__ import annotations

from fsm.plan.model import Call, Plan, Step
from fsm.run import Run
from fsm.run import events as on
from fsm.views.report import report, report_json, report_text, steps_text


def stopped() -> Run:
    """One of three steps at once failed, and the others were cancelled."""
    call = Call(skill="shell", action="run", params={"command": "true"})
    steps = tuple(Step(id=name, name=name, call=call) for name in ("a", "b", "c"))
    run = Run(Plan(id="plan", name="Three", steps=steps, parallel=3), "run-1")
    digest = run.plan.digest
    for event in (
        on.RunCreated(digest),
        on.RunApproved(digest, "somebody", "test"),
        on.RunValidated(digest),
        on.RunStarted(),
        *(on.StepStarted(name, 1) for name in ("a", "b", "c")),
        on.RunPaused(by="signal", reason="stopped by SIGINT"),
        on.StepFailed("a", 1, "exit code 1", 0.5, 1, ""),
        on.StepCancelled("b", 1, "stopped by SIGINT"),
        on.StepCancelled("c", 1, "stopped by SIGINT"),
    ):
        run.apply(event)
    return run


def test_who_was_cancelled_is_not_counted_as_failed() -> None:
    run = stopped()
    view = report(run)
    assert (
        view.headline
        == "‖ Three: paused: 1 step failed, 2 steps cancelled (stopped by SIGINT). Run run-1."
    )
    assert [record.id for record in view.failed] == ["a"]
    assert [record.id for record in view.cancelled] == ["b", "c"]
    assert "\n  cancelled: 2 b, 3 c\n" in report_text(view)
    assert [line.split()[-1] for line in steps_text(run).splitlines()] == [
        "failed",
        "cancelled",
        "cancelled",
    ]
    told = report_json(view)["steps"]
    assert isinstance(told, list)
    assert [step["cancelled"] for step in told if isinstance(step, dict)] == [False, True, True]


def test_who_fails_when_tried_again_is_cancelled_no_more() -> None:
    run = stopped()
    run.apply(on.RunResumed(run.plan.digest))
    for name in ("a", "b", "c"):
        run.apply(on.StepStarted(name, 2))
    run.apply(on.StepFailed("b", 2, "exit code 1", 0.5, 1, ""))
    assert not run.record("b").cancelled
    assert [record.id for record in report(run, held=True).failed] == ["b"]
