"""I1 … I19 over random plans and random stories: failures, crashes, persons, in any order.

A few hundred here; the full run is

    FSM_STORIES=10000 pytest tests/run/test_invariants.py -s

`FSM_SEED` chooses other stories; a failure prints the seed and the number of its story.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm.plan.model import Plan
from fsm.run import events as on

from .invariants import check
from .plans import CALL, UNDO, plan, step
from .stories import Watched, tell
from .variants import VARIANTS

STORIES = int(os.environ.get("FSM_STORIES", "300"))
SEED = os.environ.get("FSM_SEED", "core")
ENOUGH = 1_500
"""How many stories a broken core has to show itself in."""


def test_no_story_breaks_an_invariant() -> None:
    ends: Counter[str] = Counter()
    events = crashes = refusals = 0
    for number in range(STORIES):
        story = tell(Random(f"{SEED}:{number}"))
        assert not story.violations, f"FSM_SEED={SEED}, story {number}\n{story}"
        ends[story.sim.run.state] += 1
        events += len(story.sim.journal)
        crashes += story.crashes
        refusals += story.sim.refusals
    print(f"\nFSM_SEED={SEED}: {STORIES} stories, {events} events, {crashes} crashes,")
    print(f"{refusals} refusals; they ended {dict(ends)}")
    assert crashes > STORIES / 4
    assert {"completed", "failed", "rolled_back"} <= set(ends)


@settings(
    max_examples=max(50, STORIES // 20),
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False))
def test_hypothesis_finds_no_smaller_story_that_breaks_one(rng: Random) -> None:
    story = tell(rng, turns=20)
    assert not story.violations, str(story)


def test_the_journal_alone_convinces_the_judge() -> None:
    for number in range(20):
        story = tell(Random(f"{SEED}:{number}"))
        assert check(story.plan, story.sim.journal, launches=story.sim.launches) == []


def test_every_invariant_has_a_broken_core() -> None:
    broken = {variant.partition("-")[0] for variant in VARIANTS}
    assert {f"I{number}" for number in range(1, 20)} <= broken


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_a_core_that_is_broken_is_caught(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = variant.partition("-")[0]
    watched: type[Watched] = VARIANTS[variant](monkeypatch)
    found: Counter[str] = Counter()
    for number in range(ENOUGH):
        story = tell(Random(f"{SEED}:{number}"), watched=watched)
        found.update({violation.number for violation in story.violations})
        if found[wanted]:
            return
    pytest.fail(f"{ENOUGH} stories did not break {wanted}; they broke {dict(found)}")


THREE = plan(
    step("a", rollback=UNDO), step("b", rollback=UNDO), step("c", "a"), step("d", "c", check=CALL)
)
BEGUN = (
    on.RunApproved(THREE.digest, "ann", "yes"),
    on.RunValidated(THREE.digest),
    on.RunStarted(),
)
A_DONE = (on.StepStarted("a", 1), on.StepCompleted("a", 1))
B_DONE = (on.StepStarted("b", 1), on.StepCompleted("b", 1))
B_UNDONE = (on.UndoStarted("b", 1), on.UndoCompleted("b", 1))
BACK = (on.RunPaused(), on.RollbackRequested())
FORGED: dict[str, tuple[str, tuple[on.Event, ...]]] = {
    "a start that nobody approved": ("I1", (on.RunStarted(),)),
    "a step before the run": ("I1", (on.StepStarted("a", 1),)),
    "an end without a beginning": ("I1", (*BEGUN, on.StepCompleted("a", 1))),
    "the end of another attempt": (
        "I1",
        (*BEGUN, on.StepStarted("a", 1), on.StepFailed("a", 2, "")),
    ),
    "one end twice": ("I1", (*BEGUN, *A_DONE, on.StepCompleted("a", 1))),
    "one attempt twice": ("I1", (*BEGUN, on.StepStarted("a", 1), on.StepStarted("a", 1))),
    "a step before its needs": ("I1", (*BEGUN, on.StepStarted("c", 1))),
    "a step after its completion": ("I1", (*BEGUN, *A_DONE, on.StepStarted("a", 2))),
    "a step in a paused run": ("I1", (*BEGUN, on.RunPaused(), on.StepStarted("a", 1))),
    "a step in a rollback": ("I1", (*BEGUN, *A_DONE, *BACK, on.StepStarted("b", 1))),
    "the first effect undone first": (
        "I1",
        (*BEGUN, *A_DONE, *B_DONE, *BACK, on.UndoStarted("a", 1)),
    ),
    "an effect undone twice": (
        "I1",
        (*BEGUN, *A_DONE, *B_DONE, *BACK, *B_UNDONE, on.UndoStarted("b", 2)),
    ),
    "no effect undone": ("I1", (*BEGUN, *A_DONE, *BACK, on.UndoStarted("b", 1))),
    "two at once in a sequential plan": (
        "I1",
        (*BEGUN, on.StepStarted("a", 1), on.StepStarted("b", 1)),
    ),
    "a step skipped without a condition": ("I1", (*BEGUN, on.StepSkipped("a"))),
    "a step rejected without a condition": ("I1", (*BEGUN, on.StepFailed("a", 0, ""))),
    "a verdict without a check": (
        "S5",
        (*BEGUN, on.StepStarted("a", 1), on.RunnerLost(), on.StepProbed("a", "done")),
    ),
    "a process of a step that never began": (
        "I1",
        (*BEGUN, on.ProcessIdentified("a", 0, 9, 1, "")),
    ),
    "a process of a step that has ended": (
        "I1",
        (*BEGUN, *A_DONE, on.ProcessIdentified("a", 1, 9, 1, "")),
    ),
    "a process of another attempt": (
        "I1",
        (*BEGUN, on.StepStarted("a", 1), on.ProcessIdentified("a", 2, 9, 1, "")),
    ),
    "a compensation beside a step in flight": (
        "I1",
        (*BEGUN, *A_DONE, on.StepStarted("b", 1), *BACK, on.UndoStarted("a", 1)),
    ),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_journal_is_caught(forgery: str) -> None:
    """By the run itself (I1: no row admits it), or else by the judge."""
    number, journal = FORGED[forgery]
    assert {violation.number for violation in check(THREE, journal)} == {number}


BOTH = plan(step("a"), step("b", check=CALL), parallel=2)
AGAIN = plan(step("a", idempotent=True), step("b", "a"))
SPOILT = plan(step("a", on_failure="skip_dependents"), step("b", "a"))
ABOVE = plan(step("a"), step("b", "a", idempotent=True), step("c", "a", check=CALL), parallel=2)
MAYBE = plan(step("a", condition="false"), step("b", "a", condition="false"))
BESIDE = plan(
    step("a"),
    step("b"),
    step("c", condition="false"),
    step("d", on_failure="skip_dependents"),
    step("e", "d"),
    parallel=3,
)
UNKNOWN = (on.StepStarted("a", 1), on.RunnerLost(), on.RunResumed(BESIDE.digest))
FORBIDDEN: dict[str, tuple[Plan, str, tuple[on.Event, ...], on.Event]] = {
    "an unknown step again, beside one whose check may decide it": (
        BOTH,
        "idempotent",
        (
            on.StepStarted("a", 1),
            on.StepStarted("b", 1),
            on.RunnerLost(),
            on.RunResumed(BOTH.digest),
        ),
        on.StepStarted("a", 2),
    ),
    "an unknown step again, before anybody resumes": (
        AGAIN,
        "plan_running",
        (on.StepStarted("a", 1), on.RunnerLost()),
        on.StepStarted("a", 2),
    ),
    "an unknown step again, before what it needs was done again": (
        ABOVE,
        "dependencies_concluded",
        (
            *A_DONE,
            on.StepStarted("b", 1),
            on.StepStarted("c", 1),
            on.RunnerLost(),
            on.StepMarked("a", "undone", "ann", ""),
            on.RunResumed(ABOVE.digest),
        ),
        on.StepStarted("b", 2),
    ),
    "a step skipped while the run is paused": (
        MAYBE,
        "plan_running",
        (on.RunPaused(),),
        on.StepSkipped("a"),
    ),
    "a step skipped before its turn": (
        MAYBE,
        "dependencies_concluded",
        (),
        on.StepSkipped("b"),
    ),
    "a step skipped for another while the run is paused": (
        SPOILT,
        "plan_running",
        (on.StepStarted("a", 1), on.StepFailed("a", 1, ""), on.RunPaused()),
        on.StepSkipped("b"),
    ),
    "a step rejected while the run is paused": (
        MAYBE,
        "plan_running",
        (on.RunPaused(),),
        on.StepFailed("a", 0, ""),
    ),
    "a step beside an unknown one": (BESIDE, "none_interrupted", UNKNOWN, on.StepStarted("b", 1)),
    "a step skipped beside an unknown one": (
        BESIDE,
        "none_interrupted",
        UNKNOWN,
        on.StepSkipped("c"),
    ),
    "a step rejected beside an unknown one": (
        BESIDE,
        "none_interrupted",
        UNKNOWN,
        on.StepFailed("c", 0, ""),
    ),
    "a step skipped for another beside an unknown one": (
        BESIDE,
        "none_interrupted",
        (on.StepStarted("d", 1), on.StepFailed("d", 1, ""), *UNKNOWN),
        on.StepSkipped("e"),
    ),
    "a step that needs one that failed": (
        SPOILT,
        "not dependency_failed",
        (on.StepStarted("a", 1), on.StepFailed("a", 1, "")),
        on.StepStarted("b", 1),
    ),
}


@pytest.mark.parametrize("forgery", FORBIDDEN)
def test_what_the_run_never_commands_its_table_does_not_admit_either(forgery: str) -> None:
    of, condition, before, forged = FORBIDDEN[forgery]
    begun = (on.RunApproved(of.digest, "ann", "yes"), on.RunValidated(of.digest), on.RunStarted())
    assert check(of, (*begun, *before)) == []
    (violation,) = check(of, (*begun, *before, forged))
    assert violation.number == "I1"
    assert f"`{condition}`" in violation.message
