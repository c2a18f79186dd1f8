"""The ledger of processes: what a shim writes when its runner has gone, and what recovery believes of it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.actions.processes.ledger import Entry, entries, settle
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Failed, Succeeded, Task

Make = Callable[..., Task]
Until = Callable[[Callable[[], object]], None]

ENTRY = Entry("build", "run", 1, 4711, 900, "a-boot", 100.0, 107.5, 0)
NAME = "processes.jsonl"
SAMPLE = Path(__file__).parent / "samples" / "processes-v1.jsonl"

DRIVE = """
import asyncio, json, os, signal, sys, time
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Task
fields = json.loads(sys.argv[1])
fields["secrets"] = tuple(each.encode() for each in fields["secrets"])
async def drive():
    running = asyncio.ensure_future(ShellAction().perform(Task(**fields)))
    began = os.path.join(fields["cwd"], "began")
    while not os.path.exists(began):
        await asyncio.sleep(0.005)
    BEFORE_DEATH
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(drive())
"""
STAND_STILL = """
    open(os.path.join(fields["cwd"], "go"), "w").close()
    while os.path.exists(f"/proc/{int(open(began).read())}"):
        time.sleep(0.005)
"""
"""Let the step go on, and look at nothing until its process is gone."""


def line(entry: Entry) -> bytes:
    return json.dumps(entry._asdict()).encode() + b"\n"


def outlived(task: Task, limit: str = "", before_death: str = "") -> None:
    """A runner performs the task, and dies of SIGKILL once there is a file `began`."""
    fields: dict[str, Any] = {name: getattr(task, name) for name in Task.__match_args__[:-1]}
    fields["env"], fields["params"] = dict(task.env), dict(task.params)
    fields["secrets"] = [each.decode() for each in task.secrets]
    program = DRIVE.replace("    BEFORE_DEATH", before_death)
    argv = [sys.executable, "-c", program, json.dumps(fields)]
    within = ["sh", "-c", f'{limit}; exec "$@"', "sh"] if limit else []
    ended = subprocess.run([*within, *argv], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL


def wait_until_ends(command: str = "") -> str:
    return f": > began; until [ -e go ]; do sleep 0.02; done; {command}"


def test_the_latest_entry_of_each_attempt_counts(tmp_path: Path) -> None:
    at_work = ENTRY._replace(ended=0.0, status=None)
    other = ENTRY._replace(attempt=2, status=3)
    (tmp_path / NAME).write_bytes(line(at_work) + line(ENTRY) + line(other))
    assert entries(str(tmp_path)) == {("build", "run", 1): ENTRY, ("build", "run", 2): other}


def test_the_ledger_of_the_stored_sample_is_read(tmp_path: Path) -> None:
    """An attempt that was at work when its runner went, and one that had ended and was not recorded."""
    (tmp_path / NAME).write_bytes(SAMPLE.read_bytes())
    boot = "3b8a2c1e-5d0f-4b7a-9c11-7e2f60a4d9b5"
    assert entries(str(tmp_path)) == {
        ("build", "run", 2): Entry("build", "run", 2, 4711, 0, boot, 100.25, 107.5, 4),
        ("deploy", "rollback", 1): Entry("deploy", "rollback", 1, 4712, 0, boot, 101.5, 101.75, -9),
    }


def test_what_a_shim_writes_is_of_the_format_of_the_sample(make_task: Make, tmp_path: Path) -> None:
    """A change here is a change of the format: then what an older fsm left must be read as well."""
    outlived(make_task(wait_until_ends("exit 4")))
    (tmp_path / "go").touch()
    settle(str(tmp_path / "logs"))
    written = (tmp_path / "logs" / NAME).read_text()
    at_work, ended = SAMPLE.read_text().splitlines()[:2]
    assert [shape(each) for each in written.splitlines()] == [shape(at_work), shape(ended)]


def shape(text: str) -> str:
    """The line with what differs from run to run blanked."""
    text = re.sub(r'("(?:step|boot)": )"[^"]+"', r'\1"…"', text)
    text = re.sub(r'("(?:began|ended)": )[1-9]\d*\.\d+', r"\1moment", text)
    return re.sub(r'("(?:attempt|pid|start)": )[1-9]\d*', r"\1number", text)


@given(cut=st.integers(1, len(line(ENTRY)) - 2))
def test_a_torn_line_is_passed_over(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("torn")
    other = ENTRY._replace(step="test")
    (folder / NAME).write_bytes(line(other) + line(ENTRY)[:cut])
    assert entries(str(folder)) == {other[:3]: other}


FOREIGN = (
    b"\n", b"null\n", b"[]\n", b"7\n", b"Dear diary\n", b"{}\n", b'{"step": "build"}\n',
    b"\xff\xfe\n", b"[" * 100_000 + b"\n",
    line(ENTRY).replace(b'"pid"', b'"pit"'),
    line(ENTRY).replace(b"{", b'{"more": 1, '),
)  # fmt: skip


@pytest.mark.parametrize("foreign", FOREIGN, ids=range(len(FOREIGN)))
def test_a_foreign_line_is_passed_over(tmp_path: Path, foreign: bytes) -> None:
    other = ENTRY._replace(step="test")
    (tmp_path / NAME).write_bytes(foreign + line(other))
    assert entries(str(tmp_path)) == {other[:3]: other}


WRONG = (
    {"status": "0"}, {"status": True}, {"status": None}, {"ended": "yes"}, {"ended": None},
    {"began": []}, {"step": 7}, {"attempt": "1"}, {"pid": None}, {"start": 1.5}, {"boot": None},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_entry_whose_values_are_of_another_kind_is_passed_over_or_harmless(
    tmp_path: Path, make_task: Make, wrong: dict[str, object]
) -> None:
    task = make_task("true")
    mine = ENTRY._replace(step=task.step_id, attempt=task.attempt)._asdict()
    folder = Path(task.log).parent
    folder.mkdir()
    (folder / NAME).write_text(json.dumps({**mine, **wrong}) + "\n")
    outcome = ShellAction().recollect(task)
    assert not isinstance(outcome, Succeeded)


def test_a_link_or_a_folder_in_its_place_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(line(ENTRY))
    (tmp_path / NAME).symlink_to(tmp_path / "real")
    assert entries(str(tmp_path)) == {}
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    assert entries(str(tmp_path)) == {}
    settle(str(tmp_path))


def test_an_entry_of_another_attempt_says_nothing_of_this_one(make_task: Make) -> None:
    task = make_task("true")
    folder = Path(task.log).parent
    folder.mkdir()
    mine = ENTRY._replace(step=task.step_id, attempt=task.attempt)
    others = (
        mine._replace(attempt=mine.attempt + 1),
        mine._replace(purpose="rollback"),
        mine._replace(step="other"),
        mine._replace(ended=0.0, status=None),
    )
    (folder / NAME).write_bytes(b"".join(map(line, others)))
    assert ShellAction().recollect(task) is None
    (folder / NAME).write_bytes(line(mine))
    assert ShellAction().recollect(task) == Succeeded(seconds=7.5)
    (folder / NAME).write_bytes(line(mine._replace(ended=mine.began - 3600)))
    assert ShellAction().recollect(task) == Succeeded(seconds=0.0), "the clock was set back"


def test_after_a_clean_end_there_is_no_ledger(make_task: Make) -> None:
    task, action = make_task("exit 3"), ShellAction()
    asyncio.run(action.perform(task))
    assert (Path(task.log).parent / NAME).exists()
    action.recorded()
    action.close()
    assert not (Path(task.log).parent / NAME).exists()


def test_what_was_not_recorded_before_the_runner_went_is_told(make_task: Make) -> None:
    task, action = make_task("exit 3"), ShellAction()
    asyncio.run(action.perform(task))
    action.close()
    settle(str(Path(task.log).parent))
    assert action.recollect(task) == Failed("exit code 3", 3, "", pytest.approx(0, abs=60))


def test_outputs_that_were_read_but_not_recorded_are_found_again(make_task: Make) -> None:
    task, action = make_task("echo size=7 > $FSM_OUTPUT"), ShellAction()
    asyncio.run(action.perform(task))
    action.close()
    settle(str(Path(task.log).parent))
    outcome = action.recollect(task)
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs == {"size": "7"}
    assert outcome.on_recorded is not None
    outcome.on_recorded()
    assert not Path(task.outputs).exists()


def test_who_waits_for_the_lock_is_let_go_when_the_shim_has_gone(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.touch()
    waiter = threading.Thread(target=settle, args=(str(tmp_path),))
    with path.open("a") as shim:
        fcntl.flock(shim, fcntl.LOCK_EX)
        waiter.start()
        waiter.join(0.2)
        assert waiter.is_alive()
    waiter.join(20)
    assert not waiter.is_alive()


def test_without_a_ledger_nobody_waits(tmp_path: Path) -> None:
    settle(str(tmp_path))
    settle(str(tmp_path / "no" / "folder"))


def test_the_output_after_the_runners_death_is_logged_masked_and_the_end_noted(
    make_task: Make, tmp_path: Path
) -> None:
    command = wait_until_ends("echo key=hunter2; exit 4")
    task = make_task(command, secrets=[b"hunter2"])
    outlived(task)
    (tmp_path / "go").touch()
    settle(str(tmp_path / "logs"))
    assert Path(task.log).read_text() == "key=***\n"
    outcome = ShellAction().recollect(task)
    assert isinstance(outcome, Failed)
    assert (outcome.error, outcome.exit_code, outcome.tail) == ("exit code 4", 4, "key=***")


def test_output_that_the_runner_did_not_come_to_read_is_logged_when_it_has_gone(
    make_task: Make, tmp_path: Path
) -> None:
    told = "echo $$ > pid; mv pid began; until [ -e go ]; do sleep 0.02; done"
    command = f"{told}; echo key=hunter2; exit 4"
    task = make_task(command, secrets=[b"hunter2"])
    outlived(task, before_death=STAND_STILL)
    settle(str(tmp_path / "logs"))
    assert Path(task.log).read_text() == "key=***\n"
    outcome = ShellAction().recollect(task)
    assert isinstance(outcome, Failed)
    assert (outcome.exit_code, outcome.tail) == (4, "key=***")


def test_a_step_that_closes_its_output_first_is_seen_to_its_end(
    make_task: Make, tmp_path: Path
) -> None:
    closed = "exec >&- 2>&-; : > began; until [ -e go ]; do sleep 0.02; done; exit 5"
    task = make_task(closed)
    outlived(task)
    (tmp_path / "go").touch()
    settle(str(tmp_path / "logs"))
    outcome = ShellAction().recollect(task)
    assert isinstance(outcome, Failed)
    assert outcome.exit_code == 5


def test_on_a_full_disk_the_outcome_stays_unknown(
    make_task: Make, tmp_path: Path, until: Until
) -> None:
    """No file may grow by a byte: as on a full disk, the ledger cannot be written."""
    task = make_task(wait_until_ends())
    outlived(task, "ulimit -f 0")
    folder = tmp_path / "logs"
    (tmp_path / "go").touch()
    settle(str(folder))
    assert entries(str(folder)) == {}
    assert ShellAction().recollect(task) is None


def test_one_that_lasts_is_told_of_and_one_that_does_not_is_not(
    make_task: Make, tmp_path: Path
) -> None:
    told: list[tuple[int, int, str]] = []

    def tell(*process: Any) -> None:
        told.append(process)
        (tmp_path / "go").touch()

    action = ShellAction(lasting_seconds=0.0)
    asyncio.run(action.perform(make_task("until [ -e go ]; do sleep 0.02; done", on_process=tell)))
    action.recorded()
    action.close()
    assert len(told) == 1
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert told[0][2] == boot
    told.clear()
    action = ShellAction(lasting_seconds=600.0)
    asyncio.run(action.perform(make_task("sleep 0.05", on_process=tell)))
    action.recorded()
    action.close()
    assert told == []
    assert list((tmp_path / "logs").iterdir()) == []
