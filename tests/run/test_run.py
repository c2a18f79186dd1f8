"""What a run means, sentence by sentence (DESIGN.md, "Semantics that every face keeps")."""

from __future__ import annotations

import pytest

from fsm.errors import TransitionRefused
from fsm.plan.model import Plan, Response, Retry, Rollback
from fsm.run import Run
from fsm.run import events as on
from fsm.run.endings import CRASHES, FAILS, SUCCEEDS, Ending, script
from fsm.run.simulate import Launch, Simulator, simulate

from .plans import CALL, TWICE, TWICE_LATER, UNDO, UNDO_STARTED, plan, step
from .stories import RESPONSES, essence

SLOWLY = Ending(seconds=9.0)
CANNOT_TELL = Ending("failed", exit_code=2)


def states(run: Run) -> dict[str, str]:
    return {record.id: record.state for record in run.steps}


def launched(sim: Simulator, *purposes: str) -> list[str]:
    """What was launched: `STEP`, `STEP@rollback`, `STEP@check`."""
    return [_name(one) for one in sim.launches if not purposes or one.purpose in purposes]


def _name(launch: Launch) -> str:
    return launch.step if launch.purpose == "run" else f"{launch.step}@{launch.purpose}"


def resume(sim: Simulator, **said: object) -> Run:
    sim.request(on.RunResumed(sim.plan.digest, by="ann", **said))  # type: ignore[arg-type]
    return sim.run_until_rest()


def roll_back(sim: Simulator) -> Run:
    sim.request(on.RollbackRequested(by="ann"))
    return sim.run_until_rest()


def until(sim: Simulator, name: str) -> None:
    """Turn until that is in flight."""
    while name not in map(_name, sim.in_flight.values()):
        assert sim.step(), f"{name} was never launched"


CHAIN = plan(step("a", rollback=UNDO), step("b", "a", rollback=UNDO), step("c", "b", rollback=UNDO))


# 1. No run without approval and validation.


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ([], ("approved", "validated")),
        ([on.RunValidated(CHAIN.digest)], ("approved",)),
        ([on.RunApproved(CHAIN.digest, "ann", "yes")], ("validated",)),
        ([on.RunApproved("0" * 64, "eve", "yes"), on.RunValidated(CHAIN.digest)], ("approved",)),
        ([on.RunApproved(CHAIN.digest, "ann", "yes"), on.RunValidated("0" * 64)], ("validated",)),
    ],
)
def test_a_run_starts_only_approved_and_validated_for_its_own_digest(
    said: list[on.Event], missing: tuple[str, ...]
) -> None:
    sim = Simulator(CHAIN)
    for event in said:
        sim.request(event)
    with pytest.raises(TransitionRefused) as refused:
        sim.request(on.RunStarted())
    assert refused.value.failed == missing
    assert sim.run_until_rest().state == "pending"
    assert sim.launches == []


def test_a_run_is_not_resumed_with_another_plan() -> None:
    sim = simulate(CHAIN, script({"b": FAILS}))
    with pytest.raises(TransitionRefused, match="digest_unchanged"):
        sim.request(on.RunResumed("0" * 64))
    assert sim.run.state == "paused"


# 2. Sequential unless the plan says parallel.


def test_steps_run_one_after_the_other_in_the_order_of_the_plan() -> None:
    sim = simulate(plan(step("c"), step("a"), step("b", "c")))
    assert sim.run.state == "completed"
    assert [(one.step, one.at) for one in sim.launches] == [("c", 0.0), ("a", 1.0), ("b", 2.0)]


def test_a_parallel_plan_runs_as_many_at_once_as_it_says() -> None:
    sim = simulate(plan(*(step(name) for name in "abcde"), parallel=2))
    assert [(one.step, one.at) for one in sim.launches] == [
        *(("a", 0.0), ("b", 0.0), ("c", 1.0)),
        *(("d", 1.0), ("e", 2.0)),
    ]


def test_a_step_waits_for_all_that_it_depends_on() -> None:
    two = plan(step("a"), step("b"), step("c", "a", "b"), parallel=3)
    sim = simulate(two, script({"b": SLOWLY}))
    assert [(one.step, one.at) for one in sim.launches] == [("a", 0.0), ("b", 0.0), ("c", 9.0)]


def test_a_step_whose_condition_is_false_is_skipped_and_what_depends_on_it_runs() -> None:
    sim = simulate(plan(step("a"), step("b", "a", condition="false"), step("c", "b")))
    assert sim.run.state == "completed"
    assert states(sim.run) == {"a": "completed", "b": "skipped", "c": "completed"}
    assert launched(sim) == ["a", "c"]


def test_a_condition_sees_the_outputs_of_the_steps_before() -> None:
    said = {"a": Ending(outputs={"deploy": "no"})}
    condition = "steps.a.outputs.deploy == 'yes'"
    sim = simulate(plan(step("a"), step("b", "a", condition=condition)), script(said))
    assert states(sim.run)["b"] == "skipped"


def test_a_condition_that_cannot_be_decided_is_a_failure() -> None:
    sim = simulate(plan(step("a", condition="params.nobody"), step("b")))
    assert sim.run.state == "paused"
    assert states(sim.run) == {"a": "failed", "b": "pending"}
    assert sim.run.failed == {"a"}
    assert "nobody" in sim.run.record("a").error


def test_what_was_not_yet_launched_when_a_rejection_began_the_rollback_never_is() -> None:
    both = plan(
        step("a", rollback=UNDO),
        step("b", condition="params.nobody"),
        parallel=2,
        single_failure="rollback",
    )
    sim = simulate(both)
    assert sim.run.state == "rolled_back"
    assert sim.launches == []


# 3. A failure is never swallowed.


def test_a_single_failure_pauses_and_starts_nothing_more() -> None:
    sim = simulate(CHAIN, script({"b": FAILS}))
    assert sim.run.state == "paused"
    assert states(sim.run) == {"a": "completed", "b": "failed", "c": "pending"}
    assert launched(sim) == ["a", "b"]


def test_a_second_step_that_fails_rolls_back_in_reverse_order_of_completion() -> None:
    several = plan(
        step("a", rollback=UNDO), step("b", rollback=UNDO), step("c", "a", "b", rollback=UNDO),
        step("d", "c"), step("e", "d"), parallel=2,
    )  # fmt: skip
    sim = simulate(several, script({"a": SLOWLY, "d": [FAILS, SUCCEEDS], "e": FAILS}))
    assert sim.run.state == "paused"
    resume(sim)
    assert sim.run.state == "rolled_back"
    assert launched(sim, "rollback") == ["c@rollback", "a@rollback", "b@rollback"]


def test_the_same_step_failing_twice_is_one_failure() -> None:
    sim = simulate(CHAIN, script({"b": [FAILS, FAILS, SUCCEEDS]}))
    assert resume(sim).state == "paused"
    assert resume(sim).state == "completed"
    assert sim.run.failed == {"b"}


def test_retries_come_first_each_after_a_longer_wait() -> None:
    retry = Retry(attempts=4, delay_seconds=10.0, factor=2.0, max_delay_seconds=15.0)
    sim = simulate(plan(step("a", retry=retry)), script({"a": [FAILS, FAILS, FAILS, SUCCEEDS]}))
    assert sim.run.state == "completed"
    assert [(one.attempt, one.at) for one in sim.launches] == [
        *((1, 0.0), (2, 11.0), (3, 27.0), (4, 43.0)),
    ]
    assert sim.run.failed == set()


def test_a_step_fails_for_good_after_its_last_attempt() -> None:
    sim = simulate(plan(step("a", retry=TWICE)), script({"a": FAILS}))
    assert sim.run.state == "paused"
    assert launched(sim) == ["a", "a"]


def test_a_sequential_run_starts_nothing_else_while_a_retry_waits() -> None:
    sim = simulate(plan(step("a", retry=TWICE_LATER), step("b")), script({"a": [FAILS, SUCCEEDS]}))
    assert launched(sim) == ["a", "a", "b"]


def test_a_parallel_run_goes_on_while_a_retry_waits() -> None:
    two = plan(step("a", retry=TWICE_LATER), step("b"), step("c"), parallel=2)
    sim = simulate(two, script({"a": [FAILS, SUCCEEDS]}))
    assert launched(sim) == ["a", "b", "c", "a"]


def test_a_failure_that_the_plan_tolerates_does_not_stop_it() -> None:
    sim = simulate(plan(step("a", on_failure="continue"), step("b", "a")), script({"a": FAILS}))
    assert sim.run.state == "completed"
    assert states(sim.run) == {"a": "failed", "b": "completed"}
    assert sim.run.failed == set()


SKIPPING = plan(
    step("a", rollback=UNDO),
    step("b", "a", on_failure="skip_dependents"),
    step("c", "b", on_failure="continue", rollback=UNDO),
    step("d", "c", "a"),
    step("e", "a", rollback=UNDO),
)


def test_a_failure_that_skips_dependents_lets_all_others_run_and_the_run_ends_as_failed() -> None:
    sim = simulate(SKIPPING, script({"b": FAILS}))
    assert sim.run.state == "failed"
    assert list(states(sim.run).values()) == [
        *("completed", "failed", "skipped", "skipped", "completed")
    ]
    assert [sim.run.record(name).error for name in "cd"] == ["b failed", "b failed"]
    assert launched(sim) == ["a", "b", "e"]
    assert sim.run.failed == set()


def test_resuming_such_a_run_tries_what_failed_again_and_then_what_was_skipped_for_it() -> None:
    sim = simulate(SKIPPING, script({"b": [FAILS, SUCCEEDS]}))
    assert resume(sim).state == "completed"
    assert launched(sim) == ["a", "b", "e", "b", "c", "d"]


def test_a_run_that_ended_as_failed_can_be_rolled_back_and_then_not_resumed() -> None:
    sim = simulate(SKIPPING, script({"b": FAILS}))
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["e@rollback", "a@rollback"]
    with pytest.raises(TransitionRefused):
        sim.request(on.RunResumed(SKIPPING.digest))


def test_marking_the_failed_step_done_leaves_what_was_skipped_for_it_to_resume() -> None:
    sim = simulate(SKIPPING, script({"b": FAILS}))
    sim.request(on.StepMarked("b", "done", "ann", "did it by hand"))
    assert sim.run.state == "failed"
    assert resume(sim).state == "completed"
    assert launched(sim) == ["a", "b", "e", "c", "d"]


def test_a_dependency_that_failed_skips_a_step_whatever_its_condition_says() -> None:
    steps = (step("a", on_failure="skip_dependents"), step("b", "a", condition="true"))
    sim = simulate(plan(*steps), script({"a": FAILS}))
    assert states(sim.run) == {"a": "failed", "b": "skipped"}


def test_a_run_that_was_given_up_is_not_resumed() -> None:
    sim = simulate(plan(step("a")), script({"a": FAILS}))
    sim.request(on.RunAborted(by="ann"))
    assert sim.run.state == "failed"
    with pytest.raises(TransitionRefused, match="not given_up"):
        sim.request(on.RunResumed(sim.plan.digest))


def test_single_failure_continue_runs_what_is_independent_and_then_pauses() -> None:
    lenient = plan(step("a"), step("b", "a"), step("c"), step("d", "c"), single_failure="continue")
    sim = simulate(lenient, script({"a": FAILS}))
    assert sim.run.state == "paused"
    assert list(states(sim.run).values()) == ["failed", "pending", "completed", "completed"]


@pytest.mark.parametrize(
    ("answer", "state"), [("pause", "paused"), ("rollback", "rolled_back"), ("abort", "failed")]
)
def test_the_plan_answers_a_single_failure_as_it_declares(answer: Response, state: str) -> None:
    steps = (step("a", rollback=UNDO), step("b", "a"))
    assert simulate(plan(*steps, single_failure=answer), script({"b": FAILS})).run.state == state


@pytest.mark.parametrize("answer", RESPONSES)
def test_the_plan_answers_several_failures_as_it_declares(answer: Response) -> None:
    steps = (step("a"), step("b"), step("c"), step("d"))
    several = plan(*steps, single_failure="continue", several=3, multiple_failures=answer)
    sim = simulate(several, script({"a": FAILS, "b": FAILS, "c": FAILS}))
    ends = {"pause": "paused", "rollback": "rolled_back", "abort": "failed", "continue": "paused"}
    assert sim.run.state == ends[answer]
    assert states(sim.run)["d"] == ("completed" if answer == "continue" else "pending")


# 4. Pausing and rolling back.


def test_pausing_lets_what_is_in_flight_finish_and_starts_nothing() -> None:
    sim = Simulator(CHAIN)
    sim.begin()
    until(sim, "b")
    sim.request(on.RunPaused(by="ann", reason="lunch"))
    assert sim.run_until_rest().state == "paused"
    assert states(sim.run) == {"a": "completed", "b": "completed", "c": "pending"}
    assert sim.run.stopped_because == "lunch"
    assert resume(sim).state == "completed"


def test_rolling_back_first_cancels_what_is_in_flight_and_waits_for_it() -> None:
    two = plan(
        step("a", rollback=UNDO), step("b", "a"), step("c", "a", rollback=UNDO), parallel=2,
        single_failure="rollback",
    )  # fmt: skip
    sim = simulate(two, script({"b": FAILS, "c": SLOWLY}))
    assert sim.run.state == "rolled_back"
    assert states(sim.run) == {"a": "rolled_back", "b": "failed", "c": "failed"}
    assert sim.journal[-4:] == [
        on.StepFailed("b", 1, "exit code 1", 1.0, 1),
        on.StepCancelled("c", 1, "the run is rolling back"),
        on.UndoStarted("a", 1),
        on.UndoCompleted("a", 1, 1.0),
    ]


def test_a_compensation_has_its_own_retry() -> None:
    patient = Rollback(call=CALL, retry=TWICE_LATER)
    single = plan(step("a", rollback=patient), step("b", "a"), single_failure="rollback")
    sim = simulate(single, script({"b": FAILS, "a@rollback": [FAILS, SUCCEEDS]}))
    assert sim.run.state == "rolled_back"
    assert [one.at for one in sim.launches if one.purpose == "rollback"] == [2.0, 63.0]


def test_the_first_compensation_that_fails_stops_the_rollback() -> None:
    sim = simulate(CHAIN, script({"c": FAILS, "b@rollback": [FAILS, SUCCEEDS]}))
    assert roll_back(sim).state == "needs_intervention"
    assert states(sim.run) == {"a": "completed", "b": "rollback_failed", "c": "failed"}
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["b@rollback", "b@rollback", "a@rollback"]


def test_a_step_marked_undone_lets_the_rollback_continue() -> None:
    sim = simulate(CHAIN, script({"c": FAILS, "b@rollback": FAILS}))
    assert roll_back(sim).state == "needs_intervention"
    sim.request(on.StepMarked("b", "undone", "ann", "dropped it by hand"))
    assert sim.run.record("b").marked == "undone by ann"
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["b@rollback", "a@rollback"]


def test_a_rollback_that_a_person_stops_needs_a_person() -> None:
    sim = simulate(CHAIN, script({"c": FAILS}))
    sim.request(on.RollbackRequested())
    until(sim, "b@rollback")
    sim.request(on.RunPaused(by="signal"))
    assert sim.run_until_rest().state == "needs_intervention"
    assert states(sim.run)["b"] == "rolled_back"
    assert roll_back(sim).state == "rolled_back"


def test_giving_up_in_a_stopped_rollback_takes_a_compensation_that_fails_meanwhile() -> None:
    sim = simulate(CHAIN, script({"c": FAILS}))
    sim.request(on.RollbackRequested())
    until(sim, "b@rollback")
    sim.request(on.RunPaused(by="signal"))
    sim.request(on.RunAborted(by="ann"))
    sim.request(on.UndoFailed("b", 1, "it broke just before it was cancelled"))
    assert sim.run.state == "failed"
    assert states(sim.run)["b"] == "rollback_failed"


def test_a_rollback_does_not_wait_for_the_retry_of_a_step_that_it_undoes() -> None:
    two = plan(
        step("a", rollback=UNDO_STARTED, retry=TWICE_LATER), step("b"), parallel=2,
        single_failure="rollback",
    )  # fmt: skip
    sim = simulate(two, script({"a": FAILS, "b": Ending("failed", 2.0)}))
    assert sim.run.state == "rolled_back"
    assert [(one.step, one.at) for one in sim.launches if one.purpose == "rollback"] == [("a", 2.0)]


def test_a_completed_run_can_be_rolled_back() -> None:
    sim = simulate(CHAIN)
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["c@rollback", "b@rollback", "a@rollback"]


def test_no_forward_work_follows_a_rollback() -> None:
    sim = simulate(CHAIN, script({"c": FAILS}))
    assert roll_back(sim).state == "rolled_back"
    for asked in (on.RunResumed(CHAIN.digest), on.RunStarted(), on.StepStarted("c", 2)):
        with pytest.raises(TransitionRefused):
            sim.request(asked)


def test_an_aborted_run_undoes_nothing_and_can_still_be_rolled_back() -> None:
    sim = Simulator(CHAIN)
    sim.begin()
    until(sim, "b")
    sim.request(on.RunAborted(by="ann", reason="wrong day"))
    assert sim.run_until_rest().state == "failed"
    assert states(sim.run) == {"a": "completed", "b": "failed", "c": "pending"}
    assert launched(sim, "rollback") == []
    assert roll_back(sim).state == "rolled_back"


# 5. What is undone.


def test_a_step_that_is_known_to_have_failed_is_not_compensated() -> None:
    sim = simulate(CHAIN, script({"b": FAILS}))
    roll_back(sim)
    assert launched(sim, "rollback") == ["a@rollback"]


def test_a_step_that_failed_is_compensated_if_its_rollback_says_on_started() -> None:
    sim = simulate(plan(step("a", rollback=UNDO_STARTED), step("b", "a")), script({"a": FAILS}))
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["a@rollback"]


def test_a_step_that_never_started_is_not_compensated() -> None:
    sim = simulate(plan(step("a"), step("b", "a", rollback=UNDO_STARTED)), script({"a": FAILS}))
    roll_back(sim)
    assert launched(sim, "rollback") == []


def test_a_step_without_a_rollback_stays_as_it_is() -> None:
    sim = simulate(plan(step("a", rollback=UNDO), step("b", "a"), step("c", "b", rollback=UNDO)))
    assert roll_back(sim).state == "rolled_back"
    assert states(sim.run) == {"a": "rolled_back", "b": "completed", "c": "rolled_back"}


def test_completed_steps_that_from_sent_back_are_undone_by_a_later_rollback() -> None:
    patient = plan(*CHAIN.steps, several=3)
    sim = simulate(patient, script({"a": [SUCCEEDS, FAILS], "c": FAILS}))
    assert resume(sim, from_steps=("a",)).state == "paused"
    assert states(sim.run) == {"a": "failed", "b": "pending", "c": "pending"}
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["b@rollback", "a@rollback"]


def test_a_completed_step_whose_condition_is_false_the_second_time_is_still_undone() -> None:
    condition = "steps.a.outputs.n == '1'"
    twice = plan(step("a"), step("b", "a", condition=condition, rollback=UNDO), step("c", "b"))
    outputs = [Ending(outputs={"n": "1"}), Ending(outputs={"n": "0"})]
    sim = simulate(twice, script({"a": outputs, "c": FAILS}))
    resume(sim, from_steps=("a",))
    assert states(sim.run)["b"] == "skipped"
    assert roll_back(sim).state == "rolled_back"
    assert states(sim.run)["b"] == "rolled_back"


# 6. Resume, and what a dead runner left.


def test_resume_tries_the_failed_step_again_and_goes_on() -> None:
    sim = simulate(CHAIN, script({"b": [FAILS, SUCCEEDS]}))
    assert resume(sim).state == "completed"
    assert launched(sim) == ["a", "b", "b", "c"]
    assert [one.attempt for one in sim.launches if one.step == "b"] == [1, 2]


def test_resume_gives_a_failed_step_all_its_attempts_again() -> None:
    sim = simulate(plan(step("a", retry=TWICE)), script({"a": [FAILS, FAILS, FAILS, SUCCEEDS]}))
    assert resume(sim).state == "completed"
    assert [one.attempt for one in sim.launches] == [1, 2, 3, 4]


def test_from_runs_a_step_again_and_all_that_depend_on_it() -> None:
    diamond = plan(step("a"), step("b", "a"), step("c", "a"), step("d", "b"), step("e", "d"))
    sim = simulate(diamond, script({"e": [FAILS, SUCCEEDS]}))
    assert resume(sim, from_steps=("b",)).state == "completed"
    assert launched(sim) == ["a", "b", "c", "d", "e", "b", "d", "e"]


@pytest.mark.parametrize("when", ["running", "paused"])
def test_a_run_whose_runner_died_is_paused_and_names_the_unknown(when: str) -> None:
    sim = Simulator(CHAIN)
    sim.begin()
    until(sim, "b")
    if when == "paused":
        sim.request(on.RunPaused())
    sim.crash()
    assert sim.run.state == "paused"
    assert [record.id for record in sim.run.interrupted] == ["b"]


def test_an_interrupted_step_blocks_resume_until_a_person_answers() -> None:
    sim = simulate(CHAIN, script({"b": [CRASHES, SUCCEEDS]}))
    assert resume(sim).state == "paused"
    assert launched(sim) == ["a", "b"]
    assert resume(sim, rerun=("b",)).state == "completed"
    assert launched(sim) == ["a", "b", "b", "c"]


def test_an_interrupted_step_that_a_person_says_is_done_is_not_run_again() -> None:
    sim = simulate(CHAIN, script({"b": CRASHES}))
    assert resume(sim, done=("b",)).state == "completed"
    assert launched(sim) == ["a", "b", "c"]
    roll_back(sim)
    assert launched(sim, "rollback") == ["c@rollback", "b@rollback", "a@rollback"]


def test_an_interrupted_step_that_is_idempotent_runs_again_by_itself() -> None:
    single = plan(step("a", idempotent=True), step("b", "a"))
    sim = simulate(single, script({"a": [CRASHES, SUCCEEDS]}))
    assert resume(sim).state == "completed"
    assert launched(sim) == ["a", "a", "b"]


def test_an_idempotent_step_is_not_run_again_before_what_it_needs() -> None:
    single = plan(step("a"), step("b", "a", idempotent=True))
    sim = simulate(single, script({"b": [CRASHES, SUCCEEDS]}))
    sim.request(on.StepMarked("a", "undone", "ann", "it had to go"))
    assert resume(sim).state == "paused"
    assert resume(sim, rerun=("b",)).state == "completed"
    assert launched(sim) == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("verdict", "state", "runs"),
    [
        (SUCCEEDS, "completed", ["a", "a@check", "b"]),
        (FAILS, "completed", ["a", "a@check", "a", "b"]),
        (CANNOT_TELL, "paused", ["a", "a@check"]),
    ],
)
def test_the_check_of_an_interrupted_step_decides(
    verdict: Ending, state: str, runs: list[str]
) -> None:
    checked = plan(step("a", check=CALL), step("b", "a"))
    sim = simulate(checked, script({"a": [CRASHES, SUCCEEDS], "a@check": verdict}))
    assert resume(sim).state == state
    assert launched(sim) == runs


def test_a_step_that_its_check_finds_done_tells_of_no_failure_any_more() -> None:
    checked = plan(step("a", check=CALL, rollback=UNDO), step("b", "a"))
    sim = simulate(checked, script({"a": CRASHES, "a@check": SUCCEEDS}))
    assert sim.run.record("a").error == "the runner died while it ran"
    assert resume(sim).state == "completed"
    assert sim.run.record("a").error == ""


def test_nothing_starts_beside_an_interrupted_step() -> None:
    two = plan(step("a"), step("b"), parallel=1)
    sim = simulate(two, script({"a": CRASHES}))
    assert resume(sim).state == "paused"
    assert launched(sim) == ["a"]


def test_a_rollback_stops_at_an_interrupted_step_that_nothing_decides() -> None:
    sim = simulate(CHAIN, script({"b": CRASHES}))
    assert roll_back(sim).state == "needs_intervention"
    assert [record.id for record in sim.run.interrupted] == ["b"]
    assert launched(sim, "rollback") == []
    sim.request(on.StepMarked("b", "undone", "ann", "I looked: nothing there"))
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["a@rollback"]


def test_a_rollback_lets_the_check_decide_what_was_interrupted() -> None:
    checked = plan(step("a", rollback=UNDO), step("b", "a", rollback=UNDO, check=CALL))
    sim = simulate(checked, script({"b": CRASHES, "b@check": SUCCEEDS}))
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim)[2:] == ["b@check", "b@rollback", "a@rollback"]


def test_a_rollback_waits_for_a_check_that_is_still_in_flight() -> None:
    two = plan(
        step("a", check=CALL, rollback=UNDO_STARTED), step("b", idempotent=True), parallel=2,
        single_failure="rollback",
    )  # fmt: skip
    sim = simulate(two, script({"a": SLOWLY, "b": [CRASHES, FAILS], "a@check": SLOWLY}))
    assert resume(sim).state == "rolled_back"
    assert launched(sim) == ["a", "b", "a@check", "b", "a@rollback"]


def test_an_interrupted_step_with_on_started_is_compensated_without_asking() -> None:
    single = plan(step("a", rollback=UNDO), step("b", "a", rollback=UNDO_STARTED))
    sim = simulate(single, script({"b": CRASHES}))
    assert roll_back(sim).state == "rolled_back"
    assert launched(sim, "rollback") == ["b@rollback", "a@rollback"]


def test_a_compensation_that_was_interrupted_is_made_once_more() -> None:
    sim = simulate(CHAIN, script({"c": FAILS, "b@rollback": [CRASHES, SUCCEEDS]}))
    assert roll_back(sim).state == "rolling_back"
    assert sim.run_until_rest().state == "rolled_back"
    assert launched(sim, "rollback") == ["b@rollback", "b@rollback", "a@rollback"]


def test_an_interruption_uses_up_no_retry_of_a_compensation() -> None:
    """An interruption is no failure: two attempts may fail, however often the runner dies between."""
    single = plan(step("a", rollback=Rollback(call=CALL, retry=TWICE)), step("b", "a"))
    endings = [CRASHES, CRASHES, FAILS, CRASHES, SUCCEEDS]
    sim = simulate(single, script({"b": FAILS, "a@rollback": endings}))
    roll_back(sim)
    while sim.run.state == "rolling_back":
        sim.run_until_rest()
    assert sim.run.state == "rolled_back"
    assert launched(sim, "rollback") == ["a@rollback"] * 5


def test_a_crash_changes_nothing_that_was_concluded() -> None:
    """F10: the runner dies again and again; each step is made once."""
    sim = Simulator(CHAIN)
    sim.begin()
    for name in "abc":
        until(sim, name)
        sim.request(on.RunPaused())
        sim.run_until_rest()
        sim.crash()
        sim.crash()
        sim.request(on.RunResumed(CHAIN.digest))
    assert sim.run.state == "completed"
    assert launched(sim) == ["a", "b", "c"]


def test_a_retry_that_was_waited_for_survives_a_crash() -> None:
    """F13: no attempt is lost or gained, and the moment of the next one stays."""
    sim = Simulator(plan(step("a", retry=TWICE_LATER)), script({"a": [FAILS, SUCCEEDS]}))
    sim.begin()
    while not sim.run.record("a").not_before:
        sim.step()
    sim.crash()
    assert resume(sim).state == "completed"
    assert [(one.attempt, one.at) for one in sim.launches] == [(1, 0.0), (2, 61.0)]


def test_a_retry_whose_needs_are_gone_is_not_waited_for() -> None:
    lenient = plan(
        step("a"), step("b", "a", retry=TWICE_LATER), parallel=2, single_failure="continue"
    )
    sim = Simulator(lenient, script({"a": [SUCCEEDS, FAILS], "b": FAILS}))
    sim.begin()
    while not sim.run.record("b").not_before:
        sim.step()
    sim.request(on.RunPaused())
    sim.request(on.StepMarked("a", "undone", "ann", "it had to go"))
    assert resume(sim).state == "paused"
    assert sim.now < 10.0


# 7. Mark.


def test_a_failed_step_marked_done_counts_as_completed() -> None:
    sim = simulate(CHAIN, script({"b": FAILS}))
    sim.request(on.StepMarked("b", "done", "ann", "did it by hand"))
    assert sim.run.record("b").marked == "done by ann"
    assert resume(sim).state == "completed"
    assert launched(sim) == ["a", "b", "c"]


def test_a_step_marked_undone_runs_again_on_resume() -> None:
    sim = simulate(CHAIN, script({"c": [FAILS, SUCCEEDS]}))
    sim.request(on.StepMarked("a", "undone", "ann", "the branch was deleted"))
    assert resume(sim).state == "completed"
    assert launched(sim) == ["a", "b", "c", "a", "c"]


def test_a_step_that_never_began_cannot_be_marked_undone() -> None:
    sim = simulate(CHAIN, script({"b": FAILS}))
    with pytest.raises(TransitionRefused, match="c is pending: `mark_undone` is refused"):
        sim.request(on.StepMarked("c", "undone", "ann", ""))


def test_nobody_marks_a_step_while_something_is_in_flight() -> None:
    sim = Simulator(CHAIN)
    sim.begin()
    until(sim, "b")
    sim.request(on.RunPaused())
    with pytest.raises(TransitionRefused, match="nothing_in_flight"):
        sim.request(on.StepMarked("a", "undone", "ann", ""))


# Refusals.


def _paused_with_one_of_each() -> Simulator:
    """a completed, b failed, c and d interrupted, e in flight (paused beside a crash), f pending."""
    many = plan(
        *(step(name, rollback=UNDO) for name in "abc"), step("d", idempotent=True), step("e"),
        step("f", "b"), parallel=4, single_failure="continue",
    )  # fmt: skip
    crash = Ending("crashed", 2.0)
    sim = simulate(many, script({"b": FAILS, "c": crash, "d": [crash, SLOWLY]}))
    sim.request(on.RunResumed(many.digest, done=("c",)))
    sim.step()
    sim.request(on.RunPaused())
    return sim


def _all_events(plan: Plan) -> list[on.Event]:
    digest = plan.digest
    names = [one.id for one in plan.steps]
    events: list[on.Event] = [
        on.RunCreated(digest),
        on.RunApproved(digest, "ann", "yes"),
        on.RunValidated(digest),
        on.RunStarted(),
        on.RunPaused(reason="x"),
        on.RunResumed("0" * 64),
        on.RunResumed(digest, rerun=("c", "c")),
        on.RunResumed(digest, rerun=("b", "c"), done=("c",)),
        on.RollbackRequested(reason="x"),
        on.RunAborted(reason="x"),
        on.RunnerLost(),
    ]
    for name in names:
        events += [
            on.RunResumed(digest, from_steps=(name,), rerun=("f",)),
            on.RunResumed(digest, from_steps=(name,)),
            on.RunResumed(digest, done=(name, name)),
            on.StepSkipped(name, "x"),
            on.StepFailed(name, 0, "x"),
            *(on.StepProbed(name, verdict) for verdict in ("done", "not_done", "unknown")),
            on.StepMarked(name, "done", "ann", ""),
            on.StepMarked(name, "undone", "ann", ""),
        ]
        for attempt in range(4):
            events += [
                on.StepStarted(name, attempt),
                on.ProcessIdentified(name, attempt, 4711, 1, "boot"),
                on.StepCompleted(name, attempt, outputs={"x": 1}),
                on.StepFailed(name, attempt, "x", retry_at=9.0),
                on.StepCancelled(name, attempt, "x"),
                on.UndoStarted(name, attempt),
                on.UndoCompleted(name, attempt),
                on.UndoFailed(name, attempt, "x"),
                on.UndoCancelled(name, attempt),
            ]
    return events


def test_a_refused_fact_leaves_the_run_exactly_as_it_was() -> None:
    """Every event there is, in every situation that a long story passes through."""
    sim = _paused_with_one_of_each()
    sim.run_until_rest()
    sim.request(on.RollbackRequested())
    sim.run_until_rest()
    refused: set[str] = set()
    for length in range(len(sim.journal) + 1):
        journal = sim.journal[:length]
        run = Run.fold(sim.plan, journal)
        before = essence(run)
        for event in _all_events(sim.plan):
            try:
                run.apply(event)
            except TransitionRefused:
                refused.add(type(event).__name__)
                assert essence(run) == before, f"{event} after {journal}"
            else:
                run = Run.fold(sim.plan, journal)
    assert refused == {kind.__name__ for kind in on.Event.__subclasses__()}


IN_PAUSE = ("step_failed", "resume", "abort", "rollback", "runner_lost", "mark")


@pytest.mark.parametrize(
    ("event", "subject", "state", "failed", "allowed"),
    [
        (
            on.StepStarted("f", 1),
            "f",
            "pending",
            ("plan_running", "none_interrupted", "dependencies_concluded"),
            ("start", "skip", "reject", "redo", "mark_done", "mark_undone", "undo"),
        ),
        (
            on.StepCompleted("a", 1),
            "a",
            "completed",
            ("attempt_is_the_one_in_flight",),
            ("redo", "mark_undone", "undo"),
        ),
        (on.RunStarted(), "run simulated", "paused", (), IN_PAUSE),
        (on.RunResumed("0" * 64), "run simulated", "paused", ("digest_unchanged",), IN_PAUSE),
    ],
)
def test_a_refusal_names_state_trigger_conditions_and_what_is_allowed(
    event: on.Event, subject: str, state: str, failed: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    sim = _paused_with_one_of_each()
    with pytest.raises(TransitionRefused) as refused:
        sim.request(event)
    error = refused.value
    assert (error.subject, error.state) == (subject, state)
    assert (error.failed, error.allowed) == (failed, allowed)


def test_one_answer_a_step_is_enough() -> None:
    sim = simulate(CHAIN, script({"b": CRASHES}))
    for rerun, done in ((("b", "b"), ()), (("b",), ("b",)), ((), ("b", "b"))):
        with pytest.raises(TransitionRefused, match="one_answer_a_step"):
            sim.request(on.RunResumed(CHAIN.digest, rerun=rerun, done=done))
    assert sim.run.state == "paused"


def test_asking_for_commands_changes_nothing_and_repeats_itself() -> None:
    sim = Simulator(plan(step("a"), step("b"), step("c", condition="true"), parallel=3))
    sim.begin()
    asked = sim.run.commands(0.0)
    assert len(asked) == 3
    assert [sim.run.commands(0.0) for _ in range(3)] == [asked] * 3
