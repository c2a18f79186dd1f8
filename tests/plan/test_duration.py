from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.plan.duration import (
    LONGEST_SECONDS,
    PATTERN,
    OutOfRange,
    brief_duration,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("90", 90.0),
        ("1.5", 1.5),
        ("2d", 172_800.0),
        ("1d2h3m4s5ms", 93_784.005),
        ("1.1h", 3960.0),
        ("0s", 0.0),
        (90, 90.0),
        (0.25, 0.25),
        ("366d", LONGEST_SECONDS),
    ],
)
def test_a_duration_is_read_in_seconds(written: str | float, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "soon",
        "10 m",
        "1m1h",
        "1m1m",
        "-5s",
        "+5",
        "m",
        "1:30",
        "10M",
        "1e3",
        ".5",
        "5.",
        "10m\n",
        "١٠m",
    ],
)
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    "written", [-1, -0.001, "367d", "999999999h", 1e300, float("inf"), float("nan")]
)
def test_a_duration_below_zero_or_above_a_year_is_out_of_range(written: str | float) -> None:
    with pytest.raises(OutOfRange):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (90.0, "1m30s"),
        (0.0, "0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (61.25, "1m1.25s"),
        (3600.0, "1h"),
        (93_784.005, "1d2h3m4.005s"),
        (0.9999, "1s"),
        (0.0001, "0s"),
    ],
)
def test_seconds_are_written_for_people(seconds: float, written: str) -> None:
    assert format_duration(seconds) == written


@given(st.integers(0, int(LONGEST_SECONDS * 1000)))
def test_what_is_written_reads_back_to_the_millisecond(thousandths: int) -> None:
    assert parse_duration(format_duration(thousandths / 1000)) == thousandths / 1000


@given(
    st.integers(0, 999_999_999),
    st.none() | st.text("0123456789", min_size=1, max_size=9),
    st.sampled_from(["d", "h", "m", "s", "ms", ""]),
)
def test_no_digit_that_is_written_is_lost(whole: int, fraction: str | None, unit: str) -> None:
    number = str(whole) if fraction is None else f"{whole}.{fraction}"
    sizes = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "": 1, "ms": Decimal("0.001")}
    exact = Decimal(number) * sizes[unit]
    if exact <= LONGEST_SECONDS:
        assert parse_duration(f"{number}{unit}") == float(exact)


@given(st.text(alphabet="0123456789.dhms \n", max_size=12))
def test_the_pattern_of_the_schema_admits_what_is_read_and_nothing_else(text: str) -> None:
    try:
        parse_duration(text)
    except OutOfRange:
        read = True
    except ValueError:
        read = False
    else:
        read = True
    assert read == (re.search(PATTERN, text) is not None and not text.endswith("\n"))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0s"),
        (0.0304, "30ms"),
        (0.9999, "1s"),
        (9.994, "9.99s"),
        (9.999, "10s"),
        (59.94, "59.9s"),
        (59.97, "1m"),
        (90.4, "1m30s"),
        (3_599.7, "1h"),
        (5_400.0, "1h30m"),
        (86_399.0, "1d"),
        (100_000.0, "1d4h"),
        (366 * 86_400.0, "366d"),
    ],
)
def test_a_brief_duration_says_what_a_person_compares(seconds: float, told: str) -> None:
    assert brief_duration(seconds) == told


@given(st.floats(0, 99 * 86_400))
def test_a_brief_duration_is_short_and_near(seconds: float) -> None:
    told = brief_duration(seconds)
    assert len(told) <= 6
    assert parse_duration(told) == pytest.approx(seconds, rel=0.021, abs=0.001)
