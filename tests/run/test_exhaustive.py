"""Three steps, two at a time, two crashes, two words of persons: every order, every outcome.

`FSM_EXPLORE=1 pytest tests/run/test_exhaustive.py -s` lets persons speak three times: some minutes.
"""

from __future__ import annotations

import os
import time

import pytest

from .explorer import Explorer
from .plans import CALL, TWICE, TWICE_LATER, UNDO, UNDO_STARTED, plan, step
from .variants import RARE

FULL = bool(os.environ.get("FSM_EXPLORE"))
SHAPES = {
    "chain": plan(
        step("a", rollback=UNDO, check=CALL),
        step("b", "a", rollback=UNDO, retry=TWICE),
        step("c", "b", idempotent=True),
        parallel=2,
    ),
    "fork": plan(
        step("a", rollback=UNDO),
        step("b", "a", rollback=UNDO_STARTED, check=CALL),
        step("c", "a", rollback=UNDO, idempotent=True),
        parallel=2,
    ),
    "independent": plan(
        step("a", rollback=UNDO),
        step("b", rollback=UNDO, on_failure="continue"),
        step("c", rollback=UNDO_STARTED, retry=TWICE_LATER),
        single_failure="continue",
        parallel=2,
    ),
    "skipping": plan(
        step("a", rollback=UNDO, on_failure="skip_dependents", idempotent=True),
        step("b", "a", rollback=UNDO, condition="steps.a.state == 'completed'"),
        step("c", "b", on_failure="skip_dependents"),
        parallel=2,
    ),
    "join": plan(
        step("a", rollback=UNDO, idempotent=True),
        step("b", check=CALL),
        step("c", "a", "b", rollback=UNDO, condition="steps.a.state == 'completed'"),
        single_failure="rollback",
        parallel=2,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_that_can_happen_to_three_steps_breaks_a_rule(shape: str) -> None:
    began = time.process_time()
    words = 3 if FULL else 1 if shape == "independent" else 2
    explorer = Explorer(SHAPES[shape], crashes=2, words=words)
    bad = explorer.explore()
    seconds = time.process_time() - began
    print(f"\n{shape}: {len(explorer.seen):,} situations, {explorer.steps:,} ways between them,")
    print(f"resting as {explorer.ends}, {seconds:.1f} s CPU")
    assert bad is None, bad.story()


RETRIED_LATER = plan(
    step("a"),
    step("b", "a", retry=TWICE_LATER, idempotent=True),
    parallel=2,
    single_failure="continue",
)
UNDONE = plan(step("a", rollback=UNDO), step("b", "a"), parallel=2)
CONDITIONAL = plan(
    step("a", on_failure="continue"),
    step("b", "a", rollback=UNDO, condition="steps.a.state == 'completed'"),
    parallel=2,
)
CHECKED = plan(
    step("a", rollback=UNDO_STARTED, check=CALL),
    step("b", idempotent=True),
    parallel=2,
    single_failure="rollback",
)
ONCE_WRONG = {
    "I1-giving_up_has_no_row_for_a_compensation_that_fails": UNDONE,
    "I1-a_skipped_step_cannot_be_undone": CONDITIONAL,
    "I4-a_rollback_overtakes_a_check": CHECKED,
    "I8-an_idempotent_step_is_rerun_before_its_needs": RETRIED_LATER,
    "I18-a_retry_is_waited_for_though_its_needs_are_not_met": RETRIED_LATER,
}


def test_every_rare_variant_has_a_plan_that_shows_it() -> None:
    assert set(ONCE_WRONG) == set(RARE)


@pytest.mark.parametrize("variant", ONCE_WRONG)
def test_a_core_that_was_once_wrong_is_caught_by_exploring(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ONCE_WRONG[variant]
    assert Explorer(small, crashes=1, words=3).explore() is None
    RARE[variant](monkeypatch)
    bad = Explorer(small, crashes=1, words=3).explore()
    assert bad is not None
    assert variant.partition("-")[0] in {broken.number for broken in bad.judge.violations}
