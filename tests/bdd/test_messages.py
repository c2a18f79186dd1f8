"""What the author of a feature reads when it fails: the place, the sentence, what happened instead."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


def told(pytester: pytest.Pytester, folder: Path, *sentences: str) -> str:
    """What pytest says of a scenario of these sentences, which fails."""
    lines = "\n    ".join(('Given the approved plan "release.yaml"', *sentences))
    (folder / "release.feature").write_text(f"Feature: f\n  Scenario: s\n    {lines}\n")
    result = pytester.runpytest("-q")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "Traceback" not in text
    assert ".py" not in text
    return text


def test_what_happened_instead(pytester: pytest.Pytester, folder: Path) -> None:
    text = told(
        pytester,
        folder,
        'Given the step "test" fails',
        "When somebody runs the plan",
        "Then the run is completed",
    )
    assert "release.feature:6  Then the run is completed" in text
    assert "the run is paused" in text
    assert "✗ Step 2: test - failed: exit code 1" in text


def test_an_unknown_sentence_is_answered_with_the_nearest(
    pytester: pytest.Pytester, folder: Path
) -> None:
    text = told(pytester, folder, 'Given step "test" fails 2 times and then succeeds')
    assert "there is no such sentence; the nearest are:" in text
    assert 'Given the step "STEP" fails N time(s), then succeeds' in text


def test_a_refusal_that_nobody_spoke_of_fails(pytester: pytest.Pytester, folder: Path) -> None:
    text = told(pytester, folder, "When somebody runs the plan", "And somebody resumes the run")
    assert "`fsm resume` was refused" in text
    assert "if that is meant, say: Then it is refused" in text
