"""What stands in for the outputs that templates ask for, however they ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsm.spec.story import Story

from .conftest import told

PLAN = """\
plan:
  id: asks
  steps:
    - {{id: a, run: touch a}}
    - {{id: b, run: [use, "{{{{ {asked} }}}}"], depends_on: [a], check: [look, "{{{{ {asked} }}}}"]}}
"""


@pytest.mark.parametrize(
    "asked",
    [
        "steps.a.outputs.x",
        "steps['a'].outputs['x']",
        "steps.a['outputs'].x",
        "(steps.a).outputs.x | upper",
    ],
)
def test_a_text_stands_in_however_a_template_asks_for_it(tmp_path: Path, asked: str) -> None:
    (tmp_path / "asks.yaml").write_text(PLAN.format(asked=asked))
    told(
        Story(tmp_path),
        'Given the approved plan "asks.yaml"',
        'And the step "b" is interrupted',
        'And the check of "b" finds it done',
        "When somebody runs the plan",
        "And somebody resumes the run",
        "Then the run is completed",
        'And the step "a" returned "x" as "a.x"',
    )


def test_one_stands_in_that_only_a_check_asks_for(tmp_path: Path) -> None:
    plan = PLAN.format(asked="steps.a.outputs.x")
    plan = plan.replace('run: [use, "{{ steps.a.outputs.x }}"]', "run: use")
    assert plan.count("outputs") == 1
    (tmp_path / "asks.yaml").write_text(plan)
    told(
        Story(tmp_path),
        'Given the approved plan "asks.yaml"',
        "When somebody runs the plan",
        'Then the step "a" returned "x" as "a.x"',
    )
