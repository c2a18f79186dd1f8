"""The scenarios that `fsm check` tells are specifications: carried out as such, each of them holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
import yaml

from fsm.plan import load_plan
from fsm.run.explore import explore
from fsm.spec.story import Story
from fsm.views.check import Told, feature_text

from .conftest import told

PLANS = Path(__file__).parents[2] / "specs" / "plans"


def random_plan(rng: Random) -> Mapping[str, object]:
    """A plan as its author writes it, with all that findings are about."""
    steps: list[dict[str, object]] = []
    for index in range(rng.randint(2, 6)):
        earlier = [str(step["id"]) for step in steps]
        needed = [name for name in earlier if rng.random() < 0.35]
        steps.append(_random_step(rng, f"s{index}", needed))
    answers = ("pause", "rollback", "abort", "continue")
    return {
        "plan": {
            "id": "random",
            "parallel": rng.randint(1, 3),
            "params": {"deep": rng.random() < 0.5},
            "error_handling": {
                "single_failure": rng.choice(answers),
                "multiple_failures": {"after": rng.choice((2, 3)), "then": rng.choice(answers)},
            },
            "steps": steps,
        }
    }


def _random_step(rng: Random, name: str, needed: list[str]) -> dict[str, object]:
    step: dict[str, object] = {"id": name, "run": "true", "depends_on": needed}
    other = rng.choice(needed or [name])
    if rng.random() < 0.7:
        named = rng.choice((other, name))
        command = ["undo", f"{{{{ steps.{named}.outputs.id }}}}"] if rng.random() < 0.3 else "undo"
        step["rollback"] = {"run": command, "on": rng.choice(("completed", "started"))}
    if needed and rng.random() < 0.2:
        step["run"] = ["echo", f"{{{{ steps.{other}.outputs.id | int + 1 }}}}"]
    if rng.random() < 0.3:
        step["retry"] = {"attempts": 2, "delay": rng.choice(("0s", "1m"))}
    if needed and rng.random() < 0.3:
        asked = (
            "outputs.n == '1'",
            "outputs.n | int > 41",
            "state == 'failed'",
            "state == 'skipped'",
        )
        step["if"] = f"steps.{other}.{rng.choice(asked)}"
    elif rng.random() < 0.1:
        step["if"] = rng.choice(("params.deep", "not true", "run.id"))
    if rng.random() < 0.2:
        step["timeout"] = rng.choice(("300ms", "2s", "1m"))
    if rng.random() < 0.3:
        step["on_failure"] = rng.choice(("continue", "skip_dependents"))
    return step


@pytest.mark.parametrize("seed", range(150))
def test_every_scenario_of_a_random_plan_holds(seed: int, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(random_plan(Random(seed))))
    plan = load_plan(tmp_path / "plan.yaml")
    found = explore(plan)
    for scenario in _scenarios(feature_text(plan, found, Told("plan.yaml", "plan.yaml"))):
        story = told(Story(tmp_path), *scenario)
        story.refuse_untold()
        story.close()


def _scenarios(feature: str) -> list[list[str]]:
    found: list[list[str]] = []
    for line in map(str.strip, feature.splitlines()[1:]):
        assert not line.startswith("#")
        if line.startswith("Scenario:"):
            found.append([])
        elif line:
            found[-1].append(line)
    return found


def test_a_parameter_that_no_sentence_can_say_is_told_beside(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "plan:\n  id: p\n  params: {who: x}\n  error_handling: {single_failure: abort}\n"
        "  steps:\n    - {id: a, run: 'true', timeout: 500ms}\n    - {id: b, run: 'true'}\n"
    )
    given = {"who": "rings\a"}
    plan = load_plan(tmp_path / "plan.yaml", typed=given)
    text = feature_text(plan, explore(plan), Told("plan.yaml", "plan.yaml", given))
    assert "  # no sentence can say who=rings\\x07: let the plan say it" in text
    assert "the parameter" not in text


def test_values_with_quotes_and_of_several_lines_are_given_below_their_sentence(
    tmp_path: Path,
) -> None:
    condition = """steps.a.outputs.x == 'say "hi"' and params.p == 'one "1"\\n  two'"""
    plan = {
        "id": "quoted",
        "params": {"p": ""},
        "steps": [
            {"id": "a", "run": "a", "rollback": "a"},
            {"id": "b", "run": "b", "depends_on": ["a"], "if": condition},
            {"id": "c", "run": "c", "depends_on": ["b"], "retry": 3},
        ],
    }
    (tmp_path / "quoted.yaml").write_text(yaml.safe_dump({"plan": plan}))
    arguments = ("-p", 'p=one "1"\n  two', "-o", "found.feature", "--ignore", "left_behind")
    done = _run(tmp_path, "-m", "fsm", "check", "quoted.yaml", *arguments)
    assert done.returncode == 1, done.stderr
    assert 'returns "x" as:' in done.stdout
    assert 'the parameter "p" is:' in done.stdout
    carried_out = _run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "found.feature")
    assert "1 passed" in carried_out.stdout, carried_out.stdout


@pytest.mark.parametrize("stage", ["rehearsal", "executor"])
def test_pytest_carries_out_what_the_command_writes(stage: str, tmp_path: Path) -> None:
    for name in ("deploy", "s0", "reference"):
        (tmp_path / f"{name}.yaml").write_bytes((PLANS / f"{name}.yaml").read_bytes())
    done = _run(tmp_path, "-m", "fsm", "check", "deploy.yaml", "-o", "found.feature")
    assert done.returncode == 1, done.stderr
    options = ("-q", "-p", "no:cacheprovider", f"--fsm-stage={stage}")
    carried_out = _run(tmp_path, "-m", "pytest", *options, "found.feature")
    assert carried_out.returncode == 0, carried_out.stdout
    assert "2 passed" in carried_out.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
