"""S3's specification of phases: what it means as a plan, and how it is told from one."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from fsm.document import parse_document
from fsm.errors import Invalid
from fsm.plan import Plan, load_plan, load_specification, resolve

S3 = {
    "workflow_id": "unique-id",
    "phases": [
        {"name": "scout", "command": "ls --format '{{.Names}}'"},
        {
            "name": "build",
            "command": "make -j 4",
            "timeout": 60,
            "retry_count": 1,
            "depends_on": ["scout"],
            "checkpoint": False,
        },
    ],
    "state_backend": "sqlite",
    "checkpoint_interval": 5,
}
AS_A_PLAN = """
    plan:
      id: unique-id
      checkpoint_interval: 5
      steps:
        - id: scout
          run: LS
          timeout: 300s
          retry: 3
          idempotent: true
          checkpoint: true
          on_failure: skip_dependents
        - id: build
          run: make -j 4
          depends_on: scout
          timeout: 1m
          retry: 1
          idempotent: true
          on_failure: skip_dependents
"""


def load(text: str) -> Plan:
    return resolve(parse_document(text, "workflow.json"))


def test_a_specification_is_the_plan_that_its_phases_mean() -> None:
    braces = json.dumps(S3["phases"][0]["command"])  # type: ignore[index]
    plan = load(dedent(AS_A_PLAN))
    expected = plan.document.replace(b'"LS"', braces.encode())
    assert load(json.dumps(S3)).document == expected


def test_a_specification_in_yaml_with_the_other_spelling_is_the_same_plan() -> None:
    text = """
        phases:
          - {command: make -j 4, dependsOn: scout, name: build, timeout: 1m, retryCount: 1, checkpoint: false}
          - {name: scout, command: "ls --format '{{.Names}}'"}
        workflowId: unique-id
        stateBackend: redis
        checkpointInterval: 5
    """
    assert load(dedent(text)) == load(json.dumps(S3))


@pytest.mark.parametrize("backend", ["json", "sqlite", "redis"])
def test_the_state_backend_is_no_part_of_the_plan_but_told_beside_it(
    tmp_path: Path, backend: str
) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(S3 | {"state_backend": backend}))
    specification = load_specification(file)
    assert specification is not None
    assert specification.state_backend == backend
    assert specification.plan == load_plan(file) == load(json.dumps(S3))


def test_state_is_kept_in_json_unless_the_specification_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "workflow.json"
    file.write_text('{"workflow_id": "w", "phases": [{"name": "p1", "command": "echo test"}]}')
    specification = load_specification(file)
    assert specification is not None
    assert specification.state_backend == "json"


def test_a_plan_is_no_specification(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("plan: {id: p, steps: [{id: s, run: 'true'}]}")
    assert load_specification(file) is None


def test_the_bound_for_parallel_phases_is_the_caller_s() -> None:
    document = parse_document(json.dumps(S3), "workflow.json")
    assert resolve(document, parallel=4).parallel == 4
    with pytest.raises(Invalid, match="`--parallel 0` must be a number from 1 to 1000"):
        resolve(document, parallel=0)


def test_a_specification_has_no_parameters() -> None:
    document = parse_document(json.dumps(S3), "workflow.json")
    with pytest.raises(Invalid) as refused:
        resolve(document, params={"a": 1})
    assert str(refused.value) == (
        "`--param a`: a specification of phases has no parameters; "
        "a plan has them: a file that begins with `plan:`"
    )
