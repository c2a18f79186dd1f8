"""What a plan file means: the short forms, the defaults, the templates that are rendered at once."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from fsm.document import parse_document
from fsm.errors import Invalid
from fsm.plan import Call, ErrorHandling, Plan, Retry, Rollback, Step, load_plan, resolve
from fsm.plan.template import render

S0 = """
plan:
  id: "plan-001"
  name: "Implement Feature"
  steps:
    - id: "step-1"
      skill: "git-operations"
      action: "create-branch"
      params:
        name: "feature/PROJ-123-new-feature"
      rollback:
        action: "delete-branch"

    - id: "step-2"
      skill: "jira-write"
      action: "transition"
      params:
        issue: "PROJ-123"
        status: "In Progress"
      dependsOn: ["step-1"]
"""


def load(text: str, **arguments: object) -> Plan:
    return resolve(parse_document(dedent(text), "plan.yaml"), **arguments)  # type: ignore[arg-type]


def step(text: str) -> Step:
    """The only step of a plan, from its keys but `id`; `params.x` is `[1, {a: b}]`."""
    lines = dedent(text).strip().splitlines()
    body = "\n".join(f"      {line}" for line in lines)
    head = "plan:\n  id: p\n  params: {x: [1, {a: b}], n: 7, yes: true, title: a b}\n  steps:\n"
    return load(f"{head}    - id: s\n{body}\n").steps[0]


def shell(command: object) -> Call:
    return Call(skill="shell", action="run", params={"command": command})  # type: ignore[dict-item]


def test_the_plan_of_s0_loads_as_it_stands_there() -> None:
    branch = {"name": "feature/PROJ-123-new-feature"}
    assert load(S0) == Plan(
        id="plan-001",
        name="Implement Feature",
        steps=(
            Step(
                id="step-1",
                name="step-1",
                call=Call(skill="git-operations", action="create-branch", params=branch),
                rollback=Rollback(
                    call=Call(skill="git-operations", action="delete-branch", params=branch)
                ),
            ),
            Step(
                id="step-2",
                name="step-2",
                call=Call(
                    skill="jira-write",
                    action="transition",
                    params={"issue": "PROJ-123", "status": "In Progress"},
                ),
                depends_on=("step-1",),
            ),
        ),
    )


def test_every_key_of_a_plan_has_its_place() -> None:
    plan = load(
        """
        plan:
          id: release
          name: Release {{ params.version }}
          description: Makes a release.
          params: {version: 1.2.0, dry: false}
          secrets: [TOKEN]
          env: {CI: true, JOBS: 4, PYTHON: 3.10, TAG: "v{{ params.version }}"}
          parallel: 4
          checkpoint_interval: 50
          error_handling:
            single_failure: abort
            multiple_failures: {after: 3, then: abort}
            rollback_failure: alert
          steps:
            - id: test
              name: Test {{ params.version }}
              description: Runs the tests.
              run: pytest -q
              depends_on: build
              if: not params.dry
              env: {LEVEL: 1}
              cwd: src/{{ params.version }}
              timeout: 1h30m
              retry: {attempts: 3, delay: 2s, factor: 3, max_delay: 1m, jitter: 0.1}
              idempotent: true
              check: test -f done
              dry_run: {run: [pytest, --collect-only]}
              rollback: {run: make clean, retry: 2, timeout: 500ms, on: started}
              on_failure: continue
              checkpoint: true
            - id: build
              run: [make, -j, 4, true, 1.50]
        """
    )
    assert plan == Plan(
        id="release",
        name="Release 1.2.0",
        description="Makes a release.",
        params={"version": "1.2.0", "dry": False},
        secrets=("TOKEN",),
        env={"CI": "true", "JOBS": "4", "PYTHON": "3.10", "TAG": "v1.2.0"},
        parallel=4,
        checkpoint_interval=50,
        error_handling=ErrorHandling(single_failure="abort", several=3, multiple_failures="abort"),
        steps=(
            Step(id="build", name="build", call=shell(["make", "-j", "4", "true", "1.50"])),
            Step(
                id="test",
                name="Test 1.2.0",
                description="Runs the tests.",
                call=shell("pytest -q"),
                depends_on=("build",),
                condition="not params.dry",
                env={"LEVEL": "1"},
                cwd="src/1.2.0",
                timeout_seconds=5400.0,
                retry=Retry(
                    attempts=3, delay_seconds=2, factor=3, max_delay_seconds=60, jitter=0.1
                ),
                idempotent=True,
                check=shell("test -f done"),
                dry_run=shell(["pytest", "--collect-only"]),
                rollback=Rollback(
                    call=shell("make clean"),
                    retry=Retry(attempts=2),
                    timeout_seconds=0.5,
                    on="started",
                ),
                on_failure="continue",
                checkpoint=True,
            ),
        ),
    )


def test_a_plan_in_json_is_the_same_plan() -> None:
    text = json.dumps(
        {"plan": {"id": "p", "env": {"A": 1.0}, "steps": [{"id": "s", "run": ["x", 2]}]}}
    )
    assert load(text) == load("plan: {id: p, env: {A: 1.0}, steps: [{id: s, run: [x, 2]}]}")


@pytest.mark.parametrize(
    ("written", "rollback"),
    [
        ("rollback: make clean", Rollback(call=shell("make clean"))),
        ("rollback: [make, clean]", Rollback(call=shell(["make", "clean"]))),
        ("rollback: {run: make clean}", Rollback(call=shell("make clean"))),
        (
            "rollback: {action: untag}",
            Rollback(call=Call(skill="git", action="untag", params={"name": "v1"})),
        ),
        (
            "rollback: {skill: git, action: untag}",
            Rollback(call=Call(skill="git", action="untag", params={"name": "v1"})),
        ),
        (
            "rollback: {action: untag, params: {}}",
            Rollback(call=Call(skill="git", action="untag")),
        ),
        (
            "rollback: {action: untag, params: {force: true}}",
            Rollback(call=Call(skill="git", action="untag", params={"force": True})),
        ),
        (
            "rollback: {skill: jira, action: close}",
            Rollback(call=Call(skill="jira", action="close")),
        ),
    ],
)
def test_a_rollback_leans_on_its_step_as_far_as_it_says_nothing_else(
    written: str, rollback: Rollback
) -> None:
    assert step(f"skill: git\naction: tag\nparams: {{name: v1}}\n{written}").rollback == rollback


@pytest.mark.parametrize("key", ["check", "dry_run", "dryRun"])
def test_a_check_and_a_dry_run_have_the_forms_of_a_rollback(key: str) -> None:
    found = step(f"skill: git\naction: tag\nparams: {{name: v1}}\n{key}: {{action: has-tag}}")
    expected = Call(skill="git", action="has-tag", params={"name": "v1"})
    assert (found.check or found.dry_run) == expected


@pytest.mark.parametrize(
    "words", [["bash"], ["bash", "-c"], ["env", "sh", "-ec"], ["sh", "-e", "x"]]
)
def test_a_shell_that_is_given_no_script_is_a_list_like_any_other(words: list[str]) -> None:
    assert step(f"run: [{', '.join(words)}]").call == shell(words)


def test_the_short_and_the_long_form_of_a_command_are_one_call() -> None:
    short = step("run: [echo, 7, '{{ params.n }}']")
    long = step("skill: shell\naction: run\nparams: {command: [echo, 7, '{{ params.n }}']}")
    assert short == long
    assert short.call == shell(["echo", "7", "7"])


@pytest.mark.parametrize(
    ("written", "retry"),
    [
        ("retry: 1", Retry()),
        ("retry: 3", Retry(attempts=3)),
        ("retry: {attempts: 3, delay: 0}", Retry(attempts=3, delay_seconds=0)),
        ("retry: {attempts: 3, maxDelay: 90}", Retry(attempts=3, max_delay_seconds=90)),
        (
            "retry: {attempts: 3, delay: 10m}",
            Retry(attempts=3, delay_seconds=600, max_delay_seconds=600),
        ),
    ],
)
def test_retries_are_a_number_or_a_mapping(written: str, retry: Retry) -> None:
    assert step(f"run: make\n{written}").retry == retry


@pytest.mark.parametrize(
    ("written", "handling"),
    [
        ("{}", ErrorHandling()),
        ("{multiple_failures: abort}", ErrorHandling(multiple_failures="abort")),
        ("{multipleFailures: {after: 5}}", ErrorHandling(several=5)),
        ("{multipleFailures: {then: pause}}", ErrorHandling(multiple_failures="pause")),
        ("{singleFailure: continue}", ErrorHandling(single_failure="continue")),
    ],
)
def test_error_handling_has_the_defaults_of_s0(written: str, handling: ErrorHandling) -> None:
    plan = load(f"plan: {{id: p, error_handling: {written}, steps: [{{id: s, run: make}}]}}")
    assert plan.error_handling == handling


def test_numbers_in_commands_and_environments_are_spelled_as_the_author_spelled_them() -> None:
    found = step('run: [sleep, 0.20, 1e3, -1.0]\nenv: {A: 3.10, "B" : 1.0, C: 10, D: true}')
    assert found.call == shell(["sleep", "0.20", "1e3", "-1.0"])
    assert found.env == {"A": "3.10", "B": "1.0", "C": "10", "D": "true"}


def test_a_number_behind_an_alias_is_spelled_as_json_would() -> None:
    plan = load("plan: {id: p, params: {x: &x 3.10}, steps: [{id: s, run: [x, *x]}]}")
    assert plan.steps[0].call == shell(["x", "3.1"])


def test_templates_of_parameters_are_rendered_when_the_plan_is_loaded() -> None:
    found = step(
        """
        skill: web
        action: post
        params:
          typed: "{{ params.x }}"
          text: "n={{ params.n }}"
          deep: [{k: "{{ params.yes }}"}]
          constant: "{{ 1 + 1 }}"
        env: {N: "{{ params.n }}", Y: "{{ params.yes }}"}
        """
    )
    assert found.call.params == {
        "typed": [1, {"a": "b"}],
        "text": "n=7",
        "deep": [{"k": True}],
        "constant": 2,
    }
    assert found.env == {"N": "7", "Y": "true"}


def test_templates_that_need_a_step_or_the_run_wait_as_markers() -> None:
    plan = load(
        """
        plan:
          id: p
          params: {n: 7}
          env: {RUN: "{{ run.id }}"}
          steps:
            - {id: a, run: make}
            - {id: b, run: make, depends_on: a}
            - id: c
              run: [echo, "{{ steps.a.outputs.x }}{{ params.n }}", "{{ params.n }}"]
              env: {X: "{{ steps.b.state }}", Y: "{{ params.n }}"}
              depends_on: b
              if: steps.a.outputs.x != 'y'
              rollback: [undo, "{{ steps.c.outputs.id }}"]
        """
    )
    last = plan.step("c")
    assert plan.env == {"RUN": {"$template": "{{ run.id }}"}}
    waiting = {"$template": "{{ steps.a.outputs.x }}{{ params.n }}"}
    assert last.call == shell(["echo", waiting, "7"])
    assert last.env == {"X": {"$template": "{{ steps.b.state }}"}, "Y": "7"}
    assert last.condition == "steps.a.outputs.x != 'y'"
    assert last.rollback is not None
    assert last.rollback.call == shell(["undo", {"$template": "{{ steps.c.outputs.id }}"}])


def test_a_parameter_that_looks_like_a_template_is_never_rendered() -> None:
    plan = load(
        """
        plan:
          id: p
          params: {title: x}
          steps:
            - id: s
              run: [echo, "{{ params.title }}", "{{ params.title }} {{ run.id }}"]
              env: {TITLE: "{{ params.title }}"}
        """,
        params={"title": "{{ run.id }} {% raw %}"},
    )
    evil = "{{ run.id }} {% raw %}"
    found = plan.steps[0]
    assert found.env == {"TITLE": evil}
    context = {"params": plan.params, "steps": {}, "run": {"id": "run-1"}}
    rendered = render(found.call.params, context)  # type: ignore[arg-type]
    assert rendered == {"command": ["echo", evil, f"{evil} run-1"]}


@pytest.mark.parametrize(
    "value", ["B-2", 7, 1.5, True, None, ["a"], {"k": [1]}, "", "{{ x }}", "ä\n☃"]
)
def test_a_parameter_can_be_overridden_with_any_json_value(value: object) -> None:
    one = '{id: s, skill: a, action: b, params: {y: "{{ params.x }}"}}'
    plan = load(f"plan: {{id: p, params: {{x: old}}, steps: [{one}]}}", params={"x": value})
    assert plan.params == {"x": value}
    assert plan.steps[0].call.params == {"y": value}


def test_the_bound_for_parallel_steps_can_be_overridden() -> None:
    text = "plan: {id: p, parallel: 4, steps: [{id: s, run: make}]}"
    assert load(text).parallel == 4
    assert load(text, parallel=1).parallel == 1
    assert load("plan: {id: p, steps: [{id: s, run: make}]}").parallel == 1


def test_steps_stand_in_execution_order_ties_as_declared() -> None:
    plan = load(
        """
        plan:
          id: p
          steps:
            - {id: last, run: x, depends_on: [b, a]}
            - {id: c, run: x}
            - {id: b, run: x, depends_on: a}
            - {id: a, run: x}
        """
    )
    assert [found.id for found in plan.steps] == ["c", "a", "b", "last"]
    assert plan.step("last").depends_on == ("b", "a")
    assert plan.positions == {"c": 0, "a": 1, "b": 2, "last": 3}


def test_conditions_may_be_plain_booleans() -> None:
    assert step("run: make\nif: false").condition == "false"
    assert (
        step("run: make\nif: params.yes and params.n > 3").condition
        == "params.yes and params.n > 3"
    )


def test_a_chain_of_ten_thousand_steps_declared_backwards_loads() -> None:
    count = 10_000
    lines = ["plan:", "  id: chain", "  steps:"]
    for number in range(count - 1, -1, -1):
        wait = f", depends_on: s{number - 1}" if number else ""
        lines.append(f"    - {{id: s{number}, run: 'true'{wait}}}")
    lines[-1] = lines[-1].replace("run: 'true'", "run: [echo, '{{ run.id }}']")
    lines[3] = lines[3].replace("run: 'true'", "run: [echo, '{{ steps.s0.outputs.x }}']")
    plan = load("\n".join(lines))
    assert [found.id for found in plan.steps] == [f"s{number}" for number in range(count)]


def test_jinja2_is_imported_only_for_a_template_or_a_condition(tmp_path: Path) -> None:
    script = (
        "import sys; from fsm.plan import load_plan\n"
        "for path in sys.argv[1:]:\n"
        "    load_plan(path).digest; print('jinja2' in sys.modules)\n"
    )
    plain, template = tmp_path / "plain.yaml", tmp_path / "template.yaml"
    plain.write_text(S0)
    template.write_text("plan: {id: p, steps: [{id: s, run: make, if: true}]}")
    done = subprocess.run(
        [sys.executable, "-c", script, str(plain), str(template)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == ["False", "True"]


def test_loading_leaves_the_garbage_collector_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("plan: {id: p, steps: [{id: s, runn: make}]}")
    was = gc.isenabled()
    try:
        for switch, expected in ((gc.enable, True), (gc.disable, False)):
            switch()
            with pytest.raises(Invalid):
                load_plan(path)
            assert gc.isenabled() is expected
    finally:
        (gc.enable if was else gc.disable)()


def test_the_shared_retry_of_many_steps_is_one_value() -> None:
    plan = load(
        "plan: {id: p, steps: [{id: a, run: x, retry: {attempts: 3}}, {id: b, run: x, retry: 3}]}"
    )
    assert plan.steps[0].retry is plan.steps[1].retry
