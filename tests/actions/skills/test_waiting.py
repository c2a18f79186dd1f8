"""When a request may be made again."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fsm.actions.net.waiting import LONGEST_SECONDS, asked_seconds, pause_seconds

NOW = 1_800_000_000.0


@given(some.integers(0, 10**12))
def test_retry_after_reads_seconds(seconds: int) -> None:
    assert asked_seconds(str(seconds), NOW) in (seconds, float("inf"))


@given(some.integers(-(10**6), 10**6))
def test_retry_after_reads_dates_and_the_past_is_now(offset: int) -> None:
    text = formatdate(NOW + offset, usegmt=True)
    assert asked_seconds(text, NOW) == max(0, offset)


@given(some.text())
def test_whatever_else_stands_there_asks_for_nothing(text: str) -> None:
    asked = asked_seconds(text, NOW)
    assert asked is None or asked >= 0


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "٣", "Wed, 99 Foo"])
def test_what_is_neither_seconds_nor_a_date_is_passed_over(text: str) -> None:
    assert asked_seconds(text, NOW) is None


@given(some.integers(1, 10**6), some.none() | some.text() | some.integers().map(str))
def test_no_pause_is_longer_than_a_minute(attempt: int, retry_after: str | None) -> None:
    seconds = pause_seconds(attempt, retry_after, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS


def test_without_a_wish_of_the_server_pauses_double() -> None:
    assert [pause_seconds(n, None, NOW) for n in (1, 2, 3, 4)] == [0.5, 1, 2, 4]


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    assert pause_seconds(1, "3600", NOW) is None
    assert pause_seconds(1, "60", NOW) == 60
