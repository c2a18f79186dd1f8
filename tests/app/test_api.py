"""`fsm.load`, `fsm.execute`, `fsm.recover`: plans from Python, by the rules of the commands."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import fsm
from fsm.run import events as on

PLAN = """
plan:
  id: p
  steps:
    - {id: one, run: 'echo "x=$FSM_STEP_ID" >> "$FSM_OUTPUT"'}
    - {id: two, run: test -e mended, depends_on: one}
    - {id: three, run: echo three >> made, depends_on: two}
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fsm.Plan:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSM_STATE", "sqlite:.fsm/state.db")
    Path("plan.yaml").write_text(PLAN)
    return fsm.load("plan.yaml")


def test_a_plan_is_executed_with_the_consent_to_its_digest(plan: fsm.Plan) -> None:
    Path("mended").touch()
    events: list[on.Event] = []
    run = fsm.execute(
        plan, approve=plan.digest, observe=lambda run, event, at: events.append(event)
    )
    assert isinstance(run, fsm.Run)
    assert run.state == "completed"
    assert run.record("one").outputs == {"x": "one"}
    assert isinstance(events[0], on.RunCreated)
    assert run.approval is not None
    assert run.approval.how == "api"


def test_nothing_runs_without_consent_or_with_that_to_another_plan(plan: fsm.Plan) -> None:
    with pytest.raises(fsm.Refused, match="is not approved"):
        fsm.execute(plan)
    with pytest.raises(fsm.Refused, match="the digest of plan p is"):
        fsm.execute(plan, approve="0" * 64)
    assert not Path("made").exists()


def test_what_preflight_finds_is_raised_all_at_once(plan: fsm.Plan) -> None:
    Path("plan.yaml").write_text(
        PLAN.replace("test -e", "no-such-a").replace("echo three", "nor-b")
    )
    bad = fsm.load("plan.yaml")
    with pytest.raises(fsm.Invalid) as refused:
        fsm.execute(bad, approve=bad.digest)
    assert len(refused.value.problems) == 2


def test_a_failed_run_is_recovered(plan: fsm.Plan) -> None:
    run = fsm.execute(plan, approve=plan.digest)
    assert run.state == "paused"
    Path("mended").touch()
    assert fsm.recover(run.run_id).state == "completed"


SKILL = """
from pathlib import Path
from fsm import ActionFailed, Skill

marks = Skill("marks", "Leave marks.")

@marks.action
def leave(name: str) -> None:
    if not Path("mended").exists():
        raise ActionFailed("not mended yet")
    Path(name).touch()
"""
SKILLED = """
plan:
  id: skilled
  skills: ["marks.py:marks", notes]
  steps:
    - {id: leave, skill: marks, action: leave, params: {name: mark}}
    - {id: note, skill: notes, action: put, depends_on: leave}
"""


def test_a_run_is_recovered_by_another_process_with_the_skills_beside_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans, work = tmp_path / "plans", tmp_path / "work"
    (plans / "notes" / "scripts").mkdir(parents=True)
    work.mkdir()
    (plans / "marks.py").write_text(SKILL)
    (plans / "notes" / "SKILL.md").write_text("---\nname: notes\ndescription: Notes.\n---\n")
    (plans / "notes" / "scripts" / "put.sh").write_text("touch note\n")
    (plans / "plan.yaml").write_text(SKILLED)
    monkeypatch.chdir(work)
    monkeypatch.setenv("FSM_STATE", f"sqlite:{work}/.fsm/state.db")
    plan = fsm.load("../plans/plan.yaml")
    run = fsm.execute(plan, approve=plan.digest)
    assert run.state == "paused"
    Path("mended").touch()
    code = f"import fsm; print(fsm.recover({run.run_id!r}).state)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("completed\n", "")
    assert Path("mark").exists()
    assert Path("note").exists()


def test_async_runs_on_the_caller_s_loop(plan: fsm.Plan) -> None:
    async def calls() -> str:
        run = await fsm.execute_async(plan, approve=plan.digest)
        Path("mended").touch()
        return (await fsm.recover_async(run.run_id)).state

    assert asyncio.run(calls()) == "completed"


def test_a_call_within_a_running_loop_has_a_loop_of_its_own(plan: fsm.Plan) -> None:
    async def calls() -> str:
        return fsm.execute(plan, approve=plan.digest).state

    assert asyncio.run(calls()) == "paused"


def test_importing_fsm_imports_nothing_else() -> None:
    code = """
import sys
before = set(sys.modules)
import fsm
print(sorted(set(sys.modules) - before - {"__future__"}))
print([name for name in fsm.__all__ if getattr(fsm, name) is None])
"""
    told = subprocess.run(
        [sys.executable, "-S", "-c", code.replace("print([", "0 and print([")],
        cwd=Path(fsm.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "['fsm']\n"


def test_every_public_name_is_there() -> None:
    for name in fsm.__all__:
        assert getattr(fsm, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        fsm.nothing  # noqa: B018
