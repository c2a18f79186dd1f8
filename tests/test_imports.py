"""What a command may load: imports are the start-up time (FACTS.md, "Start-up")."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

SAY_WHAT_IS_LOADED = """
import json, sys
before = {*sys.modules}
at_work = set()

def look(event, _):
    if event == "socket.sendmsg" and not at_work:
        at_work.update({*sys.modules} - before)

sys.addaudithook(look)
from fsm.__main__ import main
try:
    main()
finally:
    with open("loaded", "w") as file:
        json.dump({"all": sorted({*sys.modules} - before), "at_work": sorted(at_work)}, file)
"""

NEVER_WITHOUT_NEED = {"jinja2", "rich", "ssl", "difflib", "decimal"}
PARSERS = {"pydantic", "pydantic_core", "typing_extensions", "yaml"}
MACHINES = {"transitions", "fsm.machine", "fsm.run.run", "fsm.plan.model"}
NOT_BEFORE_WORK = {"fsm.views.report", "fsm.views.next_moves", "shlex", "random", "zlib", "redis"}
ENGINES = {"asyncio", "subprocess", "socket", "random", "fsm.actions", "fsm.engine.executor"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan that has run once, and with one that is paused."""
    folder = tmp_path_factory.mktemp("workspace")
    plan = folder / "plan.yaml"
    plan.write_text("plan: {id: one, steps: [{id: only, run: 'true'}]}")
    paused = folder / "paused.yaml"
    paused.write_text(
        "plan: {id: two, steps: [{id: only, run: 'test -e loaded.too || ! touch loaded.too'}]}"
    )
    loaded_by(folder, "run", "plan.yaml", "--yes")
    loaded_by(folder, "run", "paused.yaml", "--yes", exit_code=3)
    return folder


def loaded_by(
    folder: Path, *arguments: str, exit_code: int = 0, when: str = "all"
) -> Collection[str]:
    """The modules that this command line loaded; `at_work`: before it first asked for a process."""
    command = [sys.executable, "-c", SAY_WHAT_IS_LOADED, *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == exit_code, ended.stderr
    return set(json.loads((folder / "loaded").read_text())[when])


def test_the_version_costs_nothing_but_itself(workspace: Path) -> None:
    assert loaded_by(workspace, "--version") == {"__future__", "fsm", "fsm.__main__", "gc"}


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_listing_runs_reads_no_plan_and_builds_no_machine(
    workspace: Path, options: tuple[str, ...]
) -> None:
    loaded = loaded_by(workspace, "list", *options)
    assert "sqlite3" in loaded
    assert not loaded & (NEVER_WITHOUT_NEED | PARSERS | MACHINES | ENGINES)


@pytest.mark.parametrize("command", ["status", "log"])
def test_looking_at_a_run_parses_no_yaml_and_starts_no_engine(
    workspace: Path, command: str
) -> None:
    loaded = loaded_by(workspace, command)
    assert "transitions" in loaded  # the journal is replayed through the guarded machines
    assert not loaded & (NEVER_WITHOUT_NEED | PARSERS | ENGINES)


def test_resuming_takes_the_stored_plan_and_the_packed_tables(workspace: Path) -> None:
    loaded = loaded_by(workspace, "resume")
    assert {"transitions", "asyncio"} <= loaded
    assert not loaded & (NEVER_WITHOUT_NEED - {"ssl"} | PARSERS)  # asyncio brings ssl


def test_a_resumed_run_goes_on_before_what_only_its_end_or_a_failure_needs_is_loaded(
    workspace: Path,
) -> None:
    plan = workspace / "again.yaml"
    plan.write_text("plan: {id: again, steps: [{id: only, run: 'test -e tried || ! touch tried'}]}")
    loaded_by(workspace, "run", "again.yaml", "--yes", exit_code=3)
    loaded = loaded_by(workspace, "resume", when="at_work")
    assert {"fsm.engine.executor", "fsm.actions.shell"} <= loaded
    assert not loaded & (NOT_BEFORE_WORK | NEVER_WITHOUT_NEED - {"ssl"} | PARSERS)


def test_running_a_plan_without_templates_needs_no_jinja2(workspace: Path) -> None:
    loaded = loaded_by(workspace, "run", "plan.yaml", "--yes")
    assert loaded >= PARSERS
    assert not loaded & {"jinja2", "rich"}


def test_looking_at_a_plan_that_speaks_http_loads_no_client(workspace: Path) -> None:
    plan = workspace / "ask.yaml"
    plan.write_text(
        "plan: {id: ask, steps: [{id: only, skill: http, action: get, params: {url: 'https://a.b'}}, "
        "{id: move, skill: jira-write, action: transition, params: {issue: A-1, status: Done}}]}"
    )
    loaded = loaded_by(workspace, "plan", "ask.yaml")
    assert "fsm.actions.skills.http" in loaded
    assert not loaded & {"httpx", "httpcore", "certifi"}
