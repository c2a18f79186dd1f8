"""How long a retry waits: exponential, spread, never beyond the cap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.plan.model import Retry

seconds = st.floats(0.0, 1e6)
chances = st.floats(0.0, 1.0, exclude_max=True)
retries = st.builds(
    Retry,
    delay_seconds=seconds,
    factor=st.floats(1.0, 100.0),
    max_delay_seconds=seconds,
    jitter=st.floats(0.0, 1.0),
)


@pytest.mark.parametrize(
    ("attempt", "delay"), [(1, 2.0), (2, 6.0), (3, 18.0), (4, 54.0), (5, 60.0), (1000, 60.0)]
)
def test_each_wait_is_a_factor_longer_up_to_the_cap(attempt: int, delay: float) -> None:
    retry = Retry(attempts=9, delay_seconds=2.0, factor=3.0, max_delay_seconds=60.0)
    assert retry.delay_after(attempt, 0.25) == delay


@pytest.mark.parametrize(
    ("chance", "delay"), [(0.0, 90.0), (0.25, 95.0), (0.5, 100.0), (0.75, 105.0)]
)
def test_jitter_spreads_the_wait_evenly_to_both_sides(chance: float, delay: float) -> None:
    retry = Retry(delay_seconds=100.0, jitter=0.1)
    assert retry.delay_after(1, chance) == pytest.approx(delay)


def test_who_waits_for_nothing_never_waits() -> None:
    retry = Retry(delay_seconds=0.0, factor=10.0, max_delay_seconds=300.0)
    assert {retry.delay_after(attempt, 0.5) for attempt in (1, 2, 308, 400, 1000)} == {0.0}


@given(retries, st.integers(1, 1000), chances)
def test_no_wait_is_negative_or_beyond_the_cap(retry: Retry, attempt: int, chance: float) -> None:
    delay = retry.delay_after(attempt, chance)
    assert math.isfinite(delay)
    assert 0.0 <= delay <= retry.max_delay_seconds


@given(retries, st.integers(1, 999), chances)
def test_with_the_same_chance_no_wait_is_shorter_than_the_one_before(
    retry: Retry, attempt: int, chance: float
) -> None:
    assert retry.delay_after(attempt, chance) <= retry.delay_after(attempt + 1, chance)
