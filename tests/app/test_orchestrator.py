"""S3's Python API: a workflow of phases, as commands or as functions of the calling program."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent

import pytest

from fsm import Invalid, Phase, Refused, WorkflowOrchestrator, WorkflowSpec


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSM_STATE", "sqlite:.fsm/state.db")


def workflow(*phases: Phase, **settings: object) -> WorkflowOrchestrator:
    return WorkflowOrchestrator(workflow_id="test", phases=phases, **settings)  # type: ignore[arg-type]


def once(name: str, command: str, *needs: str) -> Phase:
    return Phase(name=name, command=command, retry_count=1, depends_on=list(needs))


# S3, "Testing Strategy".


def test_workflow_validation() -> None:
    spec = WorkflowSpec(workflow_id="test", phases=[Phase(name="p1", command="echo test")])
    orchestrator = WorkflowOrchestrator(spec)
    assert orchestrator.validate()["p1_cmd"] == True  # noqa: E712  as S3 writes it


def test_checkpoint_recovery() -> None:
    orchestrator = workflow(once("p1", "echo one"), once("p2", "test -e mended", "p1"))
    assert orchestrator.execute()["status"] == "failed"
    Path("mended").touch()
    recovered = orchestrator.recover()
    assert recovered["status"] == "completed"


def test_recovery_from_the_checkpoint_of_a_phase_runs_again_what_ran_after_it() -> None:
    orchestrator = workflow(
        once("p1", "echo one >> made"), once("p2", "echo two >> made; test -e mended", "p1")
    )
    orchestrator.execute()
    with pytest.raises(Refused, match="has no checkpoint before `p3`") as refused:
        orchestrator.recover_from_checkpoint("p3")
    assert "(before p1)" in refused.value.hint
    Path("mended").touch()
    assert orchestrator.recover_from_checkpoint("p1")["status"] == "completed"
    assert Path("made").read_text().split() == ["one", "two", "one", "two"]


def test_recovering_what_has_completed_tells_its_results_again() -> None:
    orchestrator = workflow(once("p1", "echo once >> made; echo one"))
    assert orchestrator.execute() == {"p1": {"status": "completed", "result": "one"}}
    assert orchestrator.recover()["status"] == "completed"
    assert Path("made").read_text() == "once\n"


# Results.


def test_the_results_are_those_of_s3_and_status_is_that_of_the_whole() -> None:
    result = workflow(
        once("p1", "exit 3"), once("p2", "true", "p1"), once("p3", 'echo v=1 >> "$FSM_OUTPUT"')
    ).execute()
    assert result == {
        "p1": {"status": "failed", "error": "exit code 3"},
        "p2": {"status": "skipped", "reason": "deps_not_met", "detail": "p1 failed"},
        "p3": {"status": "completed", "result": "", "outputs": {"v": "1"}},
    }
    assert (result.status, result["status"], list(result)) == (
        "failed",
        "failed",
        ["p1", "p2", "p3"],
    )
    assert json.loads(json.dumps(result)) == result
    with pytest.raises(KeyError):
        result["p4"]


def test_a_phase_called_status_is_refused() -> None:
    refused = workflow(once("status", "true"))
    assert refused.problems() == [
        '`status` is no phase: result["status"] is the whole\'s; give it another name'
    ]


# Functions.


def test_names_are_a_sequence_bound_to_functions_and_commands() -> None:
    flow = WorkflowOrchestrator(workflow_id="names", phases=["scout", "plan", "build"])
    order: list[str] = []

    @flow.phase("scout")
    def scout() -> dict[str, list[str]]:
        order.append("scout")
        return {"files": ["a", "b"]}

    @flow.phase("plan")
    async def plan() -> int:
        await asyncio.sleep(0)
        order.append("plan")
        return 2

    flow.bind("build", "echo built")
    assert flow.execute() == {
        "scout": {"status": "completed", "result": {"files": ["a", "b"]}},
        "plan": {"status": "completed", "result": 2},
        "build": {"status": "completed", "result": "built"},
    }
    assert order == ["scout", "plan"]
    assert scout() == {"files": ["a", "b"]}


def test_what_follows_a_failed_name_is_skipped_and_recovery_makes_it() -> None:
    tries: list[int] = []

    def test() -> str:
        tries.append(1)
        if len(tries) < 2:
            raise RuntimeError("the tests are red")
        return "green"

    phases: list[Phase | str] = [Phase(name="test", retry_count=1), "review"]
    flow = WorkflowOrchestrator(
        workflow_id="w", phases=phases, commands={"test": test, "review": lambda: "fine"}
    )
    assert flow.execute() == {
        "test": {"status": "failed", "error": "RuntimeError: the tests are red"},
        "review": {"status": "skipped", "reason": "deps_not_met", "detail": "test failed"},
    }
    assert flow.recover_from_checkpoint() == {
        "test": {"status": "completed", "result": "green"},
        "review": {"status": "completed", "result": "fine"},
    }


def test_a_name_bound_to_nothing_says_how_to_bind_it() -> None:
    flow = WorkflowOrchestrator(workflow_id="w", phases=["build"])
    assert flow.validate() == {"build_cmd": False, "build_deps": True}
    with pytest.raises(Invalid) as refused:
        flow.execute()
    assert str(refused.value) == (
        "the phase `build` is bound to no command and no function; "
        'bind it: @workflow.phase("build") above a function, or workflow.bind("build", command)'
    )


def test_binding_what_is_no_phase_names_the_phases() -> None:
    flow = WorkflowOrchestrator(workflow_id="w", phases=["build", "test"])
    with pytest.raises(Invalid, match="no phase is called `tset`; there is: `build`, `test`"):
        flow.bind("tset", "true")


def test_what_is_not_json_is_no_result() -> None:
    flow = workflow(Phase(name="p1", retry_count=1), commands={"p1": lambda: {1, 2}})
    error = flow.execute()["p1"]["error"]
    assert error.startswith("TypeError: it returned what is not JSON")
    assert "return text, numbers, lists, mappings or None" in error


def test_a_function_runs_beside_the_loop_and_its_timeout_waits_for_its_end() -> None:
    let_go, ended = threading.Event(), threading.Event()

    def slow() -> None:
        threading.Timer(0.5, let_go.set).start()
        let_go.wait(30)
        ended.set()

    flow = workflow(
        Phase(name="slow", retry_count=1, timeout=0.05),
        commands={"slow": slow},
    )
    assert flow.execute()["slow"] == {"status": "failed", "error": "timed out after 50ms"}
    assert ended.is_set()


def test_a_function_is_named_in_the_plan() -> None:
    def build() -> None:
        """Nothing."""

    flow = workflow(Phase(name="p1"), commands={"p1": build})
    [step] = flow.plan.steps
    assert step.call.skill == "python"
    assert str(step.call.params["is"]).endswith("build")


# Specifications.


def test_a_specification_file_a_mapping_and_its_fields_are_the_same_workflow() -> None:
    data = {
        "workflow_id": "w",
        "phases": [{"name": "p1", "command": "echo 1", "timeout": 5, "checkpoint": False}],
        "state_backend": "sqlite",
    }
    Path("w.json").write_text(json.dumps(data))
    flows = [WorkflowOrchestrator("w.json"), WorkflowOrchestrator(data)]
    flows.append(WorkflowOrchestrator(WorkflowSpec.model_validate(data)))
    flows.append(WorkflowOrchestrator(WorkflowSpec.parse_file("w.json")))
    assert len({flow.plan.digest for flow in flows}) == 1
    assert {flow.spec.state_backend for flow in flows} == {"sqlite"}


def test_circles_and_unknown_dependencies_are_false_and_told_in_words() -> None:
    flow = workflow(
        once("a", "true", "b"), once("b", "true", "a"), once("c", "true", "d"), once("e", "nowhere")
    )
    assert flow.validate() == {
        "a_cmd": True,
        "a_deps": False,
        "b_cmd": True,
        "b_deps": False,
        "c_cmd": True,
        "c_deps": False,
        "e_cmd": False,
        "e_deps": True,
    }
    assert flow.problems() == [
        "these phases wait for each other: `a → b → a`; take one of these dependencies out",
        "phase `c` depends on `d`, which the specification does not have; "
        "there is: `a`, `b`, `c`, `e`",
    ]
    with pytest.raises(Invalid):
        flow.execute()


def test_a_missing_command_is_refused_before_anything_happens() -> None:
    flow = workflow(once("p1", "touch made"), once("p2", "no-such-program"))
    assert flow.problems() == ["the command of phase `p2` cannot be run here"]
    with pytest.raises(Invalid, match="no-such-program"):
        flow.execute()
    assert not Path("made").exists()


# After a crash, in another process.

CRASHES = """
    import os
    from fsm import WorkflowOrchestrator

    flow = WorkflowOrchestrator(workflow_id="crash", phases=["one", "two", "three"])
    flow.bind("one", "echo one >> made")

    @flow.phase("two")
    def two():
        if not os.path.exists("mended"):
            os._exit(9)
        with open("made", "a") as made:
            made.write("two\\n")
        return "done"

    flow.bind("three", "echo three >> made")
    flow.execute()
"""


def crash() -> None:
    done = subprocess.run([sys.executable, "-c", dedent(CRASHES)], check=False)
    assert done.returncode == 9


def test_what_a_dead_process_left_is_loaded_and_recovered_with_its_functions_bound_again() -> None:
    crash()
    flow = WorkflowOrchestrator.load("crash")
    with pytest.raises(Invalid, match="the phase `two` is bound to no command and no function"):
        flow.recover()

    @flow.phase("two")
    def two() -> str:
        with Path("made").open("a") as made:
            made.write("two\n")
        return "made here"

    recovered = flow.recover()
    assert recovered["status"] == "completed"
    assert recovered["two"]["result"] == "made here"
    assert Path("made").read_text().split() == ["one", "two", "three"]


def test_a_workflow_without_a_run_cannot_be_loaded() -> None:
    with pytest.raises(Refused, match="no run is recorded"):
        WorkflowOrchestrator.load("nothing")


# Event loops.


def test_it_may_be_called_within_a_running_loop() -> None:
    async def calls() -> str:
        flow = workflow(once("p1", "echo one"), Phase(name="p2"), commands={"p2": os.getpid})
        return str(flow.execute()["p2"]["result"])

    assert asyncio.run(calls()) == str(os.getpid())


def test_its_async_twins_run_on_the_caller_s_loop() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def which() -> None:
        loops.append(asyncio.get_running_loop())

    async def calls() -> str:
        flow = workflow(
            Phase(name="p1"), once("p2", "test -e mended", "p1"), commands={"p1": which}
        )
        assert (await flow.execute_async()).status == "failed"
        Path("mended").touch()
        assert loops == [asyncio.get_running_loop()]
        return (await flow.recover_async()).status

    assert asyncio.run(calls()) == "completed"
