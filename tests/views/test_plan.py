from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.plan.model import Plan
from fsm.views.cells import cells
from fsm.views.plan import PlanView, describe, plan_json, plan_text

PlanOf = Callable[..., Plan]
UNDO = {"call": {"skill": "shell", "action": "run", "params": {"command": ["false"]}}}
SAFE: dict[str, Any] = {"idempotent": True, "timeout_seconds": 60, "rollback": UNDO}


def risks(view: PlanView) -> dict[str, tuple[str, ...]]:
    return {risk.kind: risk.steps for risk in view.risks}


# The whole page.


@pytest.mark.parametrize("width", [60, 88, 0])
def test_the_page_of_a_release(
    release: Plan, snapshot: Callable[[str, str], None], width: int
) -> None:
    text = plan_text(describe(release), width=width, color=False)
    snapshot(f"release-{width}.txt", text + "\n")


def test_the_page_in_color_says_the_same(release: Plan) -> None:
    view = describe(release)
    colored = plan_text(view, width=88, color=True)
    assert re.sub(r"\x1b\[\d+m", "", colored) == plan_text(view, width=88, color=False)
    assert "\x1b[31m!\x1b[0m" in colored


def test_the_json_of_a_release(release: Plan, snapshot: Callable[[str, str], None]) -> None:
    text = json.dumps(plan_json(describe(release)), indent=2, ensure_ascii=False)
    snapshot("release.json", text + "\n")


def test_a_plan_of_many_steps_has_one_line_a_step(
    plan_of: PlanOf, snapshot: Callable[[str, str], None]
) -> None:
    steps = [
        {"id": f"build-{n}", "name": f"Build {n}"}
        | ({"rollback": UNDO} if n % 3 else {})
        | ({"depends_on": [f"build-{n // 2}", f"build-{n // 2 + 1}"]} if n > 4 else {})
        for n in range(1, 61)
    ]
    text = plan_text(describe(plan_of(*steps, parallel=4)), width=80, color=False)
    assert len(text.splitlines()) < 60 + 40
    snapshot("many.txt", text + "\n")


def test_a_page_in_short_counts_the_rollbacks_and_names_all_that_cannot_be_undone(
    plan_of: PlanOf,
) -> None:
    kinds: list[dict[str, Any]] = [
        {"rollback": UNDO},
        {"rollback": UNDO | {"on": "started"}},
        {"read_only": True},
        {},
    ]
    steps = [kinds[n % 4] | {"name": f"Step named {n}"} for n in range(90)]
    view = describe(plan_of(*steps))
    text = plan_text(view, width=80, color=False)
    section = text.split("\nRollbacks\n")[1].split("\n\n")[0]
    words = " ".join(section.split())
    assert words.startswith(
        "undone if completed 23 steps undone if started 23 steps nothing to undo 22 steps "
        "cannot be undone 22: 4 Step named 3, 8 Step named 7, "
    )
    assert words.endswith("84 Step named 83, 88 Step named 87")
    assert "Rollbacks" not in plan_text(view, width=80, color=False, full=True)


def test_a_page_in_full_shows_how_each_of_many_steps_is_undone(plan_of: PlanOf) -> None:
    view = describe(plan_of(*[{"rollback": UNDO} for _ in range(60)]))
    assert plan_text(view, width=80, color=False).count("undo    false") == 0
    assert plan_text(view, width=80, color=False, full=True).count("undo    false") == 60


def test_ten_thousand_steps_fit_on_a_page(plan_of: PlanOf) -> None:
    steps = [{"depends_on": [f"s{n}"]} if n else {} for n in range(10_000)]
    text = plan_text(describe(plan_of(*steps)), width=80, color=False)
    assert len(text.splitlines()) < 10_025


def test_the_page_ends_with_the_digest(release: Plan) -> None:
    text = plan_text(describe(release), width=80, color=False)
    assert text.splitlines()[-1] == f"digest  {release.digest}"


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=60)


@given(name=HOSTILE, word=HOSTILE, width=st.integers(40, 120))
def test_whatever_a_plan_says_no_line_is_too_wide_and_no_control_gets_through(
    name: str, word: str, width: int
) -> None:
    data = {
        "id": "p",
        "name": name,
        "description": word,
        "params": {"x": [word, {name: word}]},
        "env": {"A": word},
        "steps": [
            {
                "id": "s",
                "name": name,
                "description": word,
                "condition": word,
                "cwd": word,
                "env": {"B": name},
                "call": {
                    "skill": "shell",
                    "action": "run",
                    "params": {"command": [word, name]},
                },
                "rollback": {"call": {"skill": word, "action": name, "params": {word: name}}},
            }
        ],
    }
    plan = Plan.from_document(json.dumps(data).encode())
    text = plan_text(describe(plan), width=width, color=False)
    assert "\x1b" not in text
    assert "\r" not in text
    for line in text.split("\n")[:-1]:
        assert cells(line) <= width


# What it finds.


def test_the_error_table_in_force_is_told_in_words(release: Plan) -> None:
    assert [(row.when, row.then) for row in describe(release).errors] == [
        ("a step fails", "pause and report (exit 3)"),
        ("2 different steps failed", "roll back, the last step first (exit 4)"),
        ("a compensation fails", "stop, alert (exit 5)"),
    ]


def test_a_plan_s_own_answers_are_in_its_error_table(plan_of: PlanOf) -> None:
    policy = {"single_failure": "continue", "several": 3, "multiple_failures": "abort"}
    view = describe(plan_of({}, error_handling=policy))
    assert [(row.when, row.then) for row in view.errors][:2] == [
        ("a step fails", "go on with the steps that do not depend on it"),
        ("3 different steps failed", "abort, undo nothing (exit 1)"),
    ]


def test_the_error_table_says_what_becomes_of_steps_whose_failure_skips_others(
    plan_of: PlanOf,
) -> None:
    skips = SAFE | {"on_failure": "skip_dependents"}
    go_on = "go on without what depends on it, end as failed (exit 1)"
    rows = {row.when: row.then for row in describe(plan_of(skips, skips)).errors}
    assert rows == {"a step fails": go_on, "a compensation fails": "stop, alert (exit 5)"}
    rows = {row.when: row.then for row in describe(plan_of(skips, SAFE)).errors}
    assert rows["a step fails that skips what depends on it"] == go_on
    assert rows["a step fails"] == "pause and report (exit 3)"


def test_a_step_that_is_safe_in_every_way_has_no_risk(plan_of: PlanOf) -> None:
    assert describe(plan_of(SAFE)).risks == ()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"rollback": None}, "irreversible"),
        ({"idempotent": False}, "unknown_after_crash"),
        ({"idempotent": False, "retry": {"attempts": 2}}, "retried"),
        ({"on_failure": "continue"}, "continues"),
        ({"on_failure": "skip_dependents"}, "skips"),
        ({"rollback": UNDO | {"on": "started"}}, "undone_when_started"),
        ({"env": {"A": {"$template": "{{ steps.s1.outputs.x }}"}}}, "templated"),
        ({"check": UNDO["call"] | {"params": {"command": "ls"}}}, "shell"),
        ({"timeout_seconds": None}, "no_timeout"),
    ],
)
def test_each_risk_names_the_steps_that_run_it(
    plan_of: PlanOf, change: dict[str, Any], kind: str
) -> None:
    view = describe(plan_of(SAFE, SAFE | change))
    assert risks(view)[kind] == ("s2",)


def test_a_check_makes_a_crash_decidable(plan_of: PlanOf) -> None:
    step = SAFE | {"idempotent": False, "check": UNDO["call"]}
    assert describe(plan_of(step)).risks == ()


def test_an_irreversible_step_is_graver_before_reversible_ones(plan_of: PlanOf) -> None:
    stuck = SAFE | {"rollback": None}
    view = describe(plan_of(SAFE, stuck, SAFE, stuck))
    assert risks(view) == {"irreversible": ("s2", "s4"), "irreversible_first": ("s2",)}
    assert [step.id for step in view.irreversible] == ["s2", "s4"]


def test_running_in_parallel_is_a_risk_of_the_whole_plan(plan_of: PlanOf) -> None:
    [risk] = describe(plan_of(SAFE, parallel=4)).risks
    assert (risk.kind, risk.steps) == ("parallel", ())
    assert "up to 4" in risk.sentence


def test_a_step_s_own_outputs_in_its_rollback_are_no_earlier_outputs(plan_of: PlanOf) -> None:
    own = {"$template": "{{ steps.s1.outputs.id }}"}
    undo = {"call": {"skill": "shell", "action": "run", "params": {"command": ["rm", own]}}}
    assert "templated" not in risks(describe(plan_of(SAFE | {"rollback": undo})))


def test_tools_are_counted_forward_and_backward(release: Plan) -> None:
    tools = {tool.name: (tool.steps, tool.undos) for tool in describe(release).tools}
    assert tools["git"] == ((1,), (1,))
    assert tools["skill jira-write"] == ((3,), (3,))
    assert tools["kubectl"] == ((5,), (5,))
    assert tools["./tools/unpublish.sh"] == ((), (4,))


@pytest.mark.parametrize(
    ("retry", "words"),
    [
        ({"attempts": 2, "delay_seconds": 10}, "up to 2 attempts, waiting 10s"),
        ({"attempts": 3, "factor": 1}, "up to 3 attempts, waiting 1s each"),
        ({"attempts": 4}, "up to 4 attempts, waiting 1s, 2s, 4s"),
        ({"attempts": 20}, "up to 20 attempts, waiting 1s, 2s, 4s … 5m"),
        ({"attempts": 2, "jitter": 0.1}, "up to 2 attempts, waiting 1s ±10 %"),
    ],
)
def test_retries_are_told_by_their_delays(
    plan_of: PlanOf, retry: dict[str, Any], words: str
) -> None:
    assert describe(plan_of({"retry": retry})).steps[0].terms == (words,)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{}], "1 step. It cannot be undone."),
        ([SAFE], "1 step. It can be undone."),
        ([SAFE, SAFE], "2 steps, one at a time. All can be undone."),
        ([{}, {}], "2 steps, one at a time. None can be undone."),
        ([SAFE, {}], "2 steps, one at a time. Cannot be undone: 2 s2."),
    ],
)
def test_one_line_says_how_much_can_be_undone(
    plan_of: PlanOf, steps: list[dict[str, Any]], words: str
) -> None:
    assert words in plan_text(describe(plan_of(*steps)), width=80, color=False).splitlines()


def test_a_script_of_several_lines_is_a_block_in_which_nothing_can_act(
    plan_of: PlanOf, shell: Callable[..., dict[str, Any]]
) -> None:
    script = "set -e\n\nif true; then\n  echo '\x1b[2Jno\\n'\r\nfi\n"
    steps = {"call": shell(script), "rollback": {"call": shell("one\ntwo")}}
    text = plan_text(describe(plan_of(steps)), width=80, color=False)
    assert (
        """
     run
       | set -e
       |
       | if true; then
       |   echo '\\x1b[2Jno\\n'\\r
       | fi
     undo
       | one
       | two
"""
        in text
    )


def test_a_long_script_is_cut_only_where_lines_are_cut(
    plan_of: PlanOf, shell: Callable[..., dict[str, Any]]
) -> None:
    view = describe(plan_of({"call": shell("\n".join(f"line {n}" for n in range(100)))}))
    text = plan_text(view, width=80, color=False)
    assert "| line 38\n       | … 61 more lines\n" in text
    assert "was cut to fit" in text
    assert "| line 99\n" in plan_text(view, width=0, color=False)


def test_arguments_with_line_breaks_stay_one_line(
    plan_of: PlanOf, shell: Callable[..., dict[str, Any]]
) -> None:
    view = describe(plan_of({"call": shell("sh", "-c", "one\ntwo")}))
    assert "     run     sh -c 'one\\ntwo'\n" in plan_text(view, width=80, color=False)


def test_what_was_cut_is_said_and_width_zero_cuts_nothing(plan_of: PlanOf) -> None:
    command = ["echo", *("word" for _ in range(40))]
    call = {"skill": "shell", "action": "run", "params": {"command": command}}
    view = describe(plan_of({"call": call}))
    cut = plan_text(view, width=80, color=False)
    assert "…\n" in cut
    assert "… was cut to fit; `fsm plan --full` shows every command whole." in cut
    whole = plan_text(view, width=0, color=False)
    assert " ".join(command) in whole
    assert "…" not in whole
