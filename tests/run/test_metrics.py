"""Numbers from journals: told cases, and what must hold of every journal there may be."""

from __future__ import annotations

import statistics
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.plan.model import Plan, Retry
from fsm.run import Run
from fsm.run import events as on
from fsm.run.endings import CRASHES, FAILS, SUCCEEDS, Chooser, Ending, script
from fsm.run.metrics import RunMetrics, percentile, summarize
from fsm.run.simulate import Simulator, simulate

from .measured import measure
from .plans import TWICE, UNDO, plan, step
from .stories import tell

TWO = plan(step("build", rollback=UNDO, retry=TWICE), step("deploy", "build", rollback=UNDO))
OTHER_ERROR = Ending("failed", error="disk full")


def told(of: Plan, chooser: Chooser, *requests: on.Event) -> RunMetrics:
    """The metrics of a simulated run: after it rested, each request, driven to rest again."""
    sim = simulate(of, chooser)
    for request in requests:
        sim.request(request)
        sim.run_until_rest()
    return metrics(sim)


def metrics(sim: Simulator) -> RunMetrics:
    """Every fact a second after the one before, from 100 on."""
    return measure(sim.plan, [(100.0 + n, event) for n, event in enumerate(sim.journal)])


def resumed(of: Plan, **answers: tuple[str, ...]) -> on.RunResumed:
    return on.RunResumed(of.digest, by="ann", **answers)


# --- one run


def test_a_run_that_went_straight_through() -> None:
    found = told(TWO, script({"build": Ending(seconds=2.5)}))
    assert (found.count("completed"), found.retries, found.resumes) == (2, 0, 0)
    assert (found.troubled, found.cause, found.failure) == (False, None, None)
    assert found.steps["build"].seconds == [2.5]
    assert (found.started_at, found.seconds) == (100.0, 7.0)


def test_a_retry_is_an_attempt_that_nobody_asked_for() -> None:
    found = told(TWO, script({"build": [FAILS, SUCCEEDS]}))
    build = found.steps["build"]
    assert (build.attempts, build.retries, build.failures) == (2, 1, 1)
    assert not found.troubled


def test_an_attempt_after_a_resume_is_no_retry() -> None:
    found = told(TWO, script({"deploy": [FAILS, SUCCEEDS]}), resumed(TWO))
    deploy = found.steps["deploy"]
    assert (deploy.attempts, deploy.retries, deploy.failures) == (2, 0, 1)
    assert (found.resumes, found.troubled, found.run.state) == (1, True, "completed")


def test_an_interrupted_step_that_may_run_again_is_retried() -> None:
    of = plan(step("build", idempotent=True))
    found = told(of, script({"build": [CRASHES, SUCCEEDS]}), resumed(of))
    assert (found.steps["build"].attempts, found.steps["build"].retries) == (2, 1)
    assert (found.troubled, found.run.state) == (True, "completed")


def test_a_clock_that_went_back_makes_no_negative_duration() -> None:
    sim = simulate(TWO)
    found = measure(TWO, [(100.0 - n, event) for n, event in enumerate(sim.journal)])
    assert found.seconds == 0.0


ROLLBACK = on.RollbackRequested(by="ann", reason="wrong")
ABORT = on.RunAborted(by="ann", reason="tired")


@pytest.mark.parametrize(
    ("chooser", "requests", "state", "cause"),
    [
        (script({"deploy": FAILS}), [], "paused", on.StepFailed),
        (script({"deploy": FAILS}), [ABORT], "failed", on.RunAborted),
        (script({"deploy": FAILS}), [ROLLBACK], "rolled_back", on.RollbackRequested),
        (
            script({"deploy": FAILS, "build@rollback": FAILS}),
            [ROLLBACK],
            "needs_intervention",
            on.UndoFailed,
        ),
        (script({"build": CRASHES}), [], "paused", on.RunnerLost),
    ],
)
def test_the_cause_is_the_fact_that_brought_the_run_where_it_rests(
    chooser: Chooser, requests: list[on.Event], state: str, cause: type[on.Event]
) -> None:
    found = told(TWO, chooser, *requests)
    assert found.run.state == state
    assert type(found.cause) is cause
    assert found.troubled


def test_a_completed_run_that_was_undone_on_request_had_no_trouble() -> None:
    found = told(TWO, script({}), ROLLBACK)
    assert (found.run.state, found.troubled, found.cause) == ("rolled_back", False, ROLLBACK)
    assert found.count("rolled_back") == 2


def test_a_rollback_that_failed_is_trouble_even_after_completion() -> None:
    found = told(TWO, script({"build@rollback": FAILS}), ROLLBACK)
    assert (found.run.state, found.troubled) == ("needs_intervention", True)
    assert found.steps["build"].errors == {"rollback: exit code 1": 1}


# --- many runs


def test_rates_are_over_the_runs_that_ended() -> None:
    found = summarize(
        [
            told(TWO, script({})),
            told(TWO, script({"deploy": [FAILS, SUCCEEDS]}), resumed(TWO)),
            told(TWO, script({"deploy": FAILS}), ROLLBACK),
            told(TWO, script({"deploy": FAILS}), ABORT),
            told(TWO, script({"deploy": FAILS})),
        ]
    )
    assert found.states == {"completed": 2, "rolled_back": 1, "failed": 1, "paused": 1}
    assert (found.runs, found.ended, found.succeeded, found.success_rate) == (5, 4, 2, 0.5)
    assert (found.troubled, found.recovered, found.recovery_rate) == (3, 1, 1 / 3)


def test_of_no_runs_there_are_no_rates() -> None:
    found = summarize([])
    assert (found.runs, found.success_rate, found.recovery_rate) == (0, None, None)
    assert (found.steps, found.error) == ([], None)


def test_steps_are_summed_by_plan_and_name_in_execution_order() -> None:
    renamed = Plan(id="other", name="other", steps=(step("build"),))
    runs = [
        told(TWO, script({"build": [FAILS, Ending(seconds=3.0)]})),
        told(TWO, script({"build": Ending(seconds=1.0), "deploy": OTHER_ERROR})),
        told(renamed, script({})),
    ]
    found = summarize(runs)
    assert [(s.plan, s.step, s.attempts, s.retries, s.failures) for s in found.steps] == [
        ("small", "build", 3, 1, 1),
        ("small", "deploy", 2, 0, 1),
        ("other", "build", 1, 0, 0),
    ]
    assert (found.steps[0].median_seconds, found.steps[0].p95_seconds) == (2.0, 2.9)
    assert found.steps[1].median_seconds == 1.0


def test_the_most_frequent_error_is_found_over_all_steps() -> None:
    of = plan(step("a"), step("b", "a", retry=Retry(attempts=3, delay_seconds=0)))
    found = summarize(
        [told(of, script({"a": FAILS})), told(of, script({"b": [OTHER_ERROR, FAILS, OTHER_ERROR]}))]
    )
    assert found.error is not None
    assert (found.error.step, found.error.error, found.error.times) == ("b", "disk full", 2)
    assert [s.error and s.error.times for s in found.steps] == [1, 2]


def test_a_step_that_never_completed_has_no_duration() -> None:
    [build] = summarize([told(plan(step("build")), script({"build": FAILS}))]).steps
    assert (build.median_seconds, build.p95_seconds) == (None, None)


def test_a_step_whose_condition_cannot_be_decided_failed_without_an_attempt() -> None:
    of = plan(step("a"), step("b", "a", condition="params.nobody"))
    found = told(of, script({}))
    assert (found.steps["b"].attempts, found.steps["b"].failures) == (0, 1)


# --- percentiles


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=60))
def test_percentiles_are_those_of_pythons_statistics(values: list[float]) -> None:
    values.sort()
    hundredths = statistics.quantiles(values, n=100, method="inclusive")
    assert percentile(values, 0.95) == pytest.approx(hundredths[94])
    assert percentile(values, 0.5) == pytest.approx(statistics.median(values))


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert [percentile([7.0], share) for share in (0, 0.5, 0.95, 1)] == [7.0] * 4


def test_percentiles_of_known_values() -> None:
    values = [float(n) for n in range(1, 11)]
    assert percentile(values, 0.5) == 5.5
    assert percentile(values, 0.95) == pytest.approx(9.55)
    assert (percentile(values, 0), percentile(values, 1)) == (1.0, 10.0)


# --- every journal there may be

stories = settings(max_examples=60, deadline=None, derandomize=True)


@stories
@given(st.randoms(use_true_random=False))
def test_the_numbers_of_any_story_are_those_of_its_journal(rng: Random) -> None:
    sim = tell(rng, turns=20).sim
    found = metrics(sim)
    kinds = Counter(
        (type(event).__name__, event.step)
        for event in sim.journal
        if isinstance(event, on.StepEvent)
    )
    for name, numbers in found.steps.items():
        assert numbers.attempts == kinds["StepStarted", name]
        assert numbers.failures == kinds["StepFailed", name]
        assert len(numbers.seconds) == kinds["StepCompleted", name]
        assert 0 <= numbers.retries < max(numbers.attempts, 1)
        assert numbers.errors.total() == kinds["StepFailed", name] + kinds["UndoFailed", name]
    begun = {name for kind, name in kinds if kind in {"StepStarted", "StepFailed"}}
    assert begun <= set(found.steps)
    assert found.seconds == len(sim.journal) - 1


@stories
@given(st.randoms(use_true_random=False))
def test_trouble_is_what_the_states_of_any_story_tell(rng: Random) -> None:
    sim = tell(rng, turns=20).sim
    found = metrics(sim)
    run, states = Run(sim.plan), ["pending"]
    for event in sim.journal:
        run.apply(event)
        states.append(run.state)
    stopped = {"paused", "aborting", "failed", "needs_intervention"} & set(states)
    undone = "rolled_back" in states and "completed" not in states
    lost = any(isinstance(event, on.RunnerLost) for event in sim.journal)
    assert found.troubled == bool(stopped or undone or lost)
    assert (found.cause is None) == (states[-1] in {"running", "completed"})


@settings(stories, max_examples=20)
@given(st.lists(st.randoms(use_true_random=False), max_size=4))
def test_statistics_are_sums_whatever_the_order_of_the_runs(rngs: list[Random]) -> None:
    runs = [metrics(tell(rng, turns=15).sim) for rng in rngs]
    found, turned = summarize(runs), summarize(reversed(runs))
    assert 0 <= found.recovered <= min(found.troubled, found.succeeded)
    assert found.succeeded <= found.ended <= found.runs == len(runs)
    assert sum(s.attempts for s in found.steps) == sum(
        s.attempts for run in runs for s in run.steps.values()
    )
    assert sorted(map(repr, found.steps)) == sorted(map(repr, turned.steps))
    assert (found.states, found.error) == (turned.states, turned.error)
    assert (found.success_rate, found.recovery_rate) == (turned.success_rate, turned.recovery_rate)
