"""A step that is ended is ended whole, daemons included, and nobody else is touched (F35 to F38, F46)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.output.masking import Masker
from fsm.actions.processes import kin, proc, watch
from fsm.actions.processes.launcher import Launcher
from fsm.actions.processes.proc import Proc, look_at, now_in_ticks
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Task

Make = Callable[..., Task]
Alive = Callable[[str], list[int]]
RUNNER = Path(__file__).with_name("runner.py")
ROOT = Path(__file__).parents[2]
UNTOUCHED = [None, None, None, 9]

CHAIN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
hop = 0
give_up = time.monotonic() + 60  # should the test fail, it must not go on for ever
while time.monotonic() < give_up:
    if os.fork():
        os._exit(0)
    os.setsid()
    hop += 1
    if hop == 20:
        open("ready", "w").close()
    until = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < until:
        pass
"""


def run(tmp_path: Path, *commands: object, **job: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(RUNNER), json.dumps({"commands": commands, **job})],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def trees(word: str) -> dict[str, str]:
    """Shell commands that start something stubborn, each then says that it is ready."""
    wait = f"sleep {word}"
    return {
        "one process": f": > ready; exec {wait}",
        "grandchildren": f"(({wait} & {wait}) & {wait}) & : > ready; {wait}",
        "one that ignores SIGTERM": f"trap '' TERM; : > ready; {wait}; {wait}",
        "one that stops itself": f"sh -c ': > ready; kill -STOP $$; {wait}'",
        "daemons in sessions of their own": f"setsid {wait} & setsid setsid {wait} & : > ready; {wait}",
        "a daemon that forked twice": f"(setsid sh -c '{wait} & {wait} &' &) ; : > ready; {wait}",
        "a daemon with closed outputs": f"(setsid {wait} >&- 2>&- </dev/null &) ; : > ready; {wait}",
        "a daemon that ignores SIGTERM": f"setsid sh -c 'trap \"\" TERM; : > ready; {wait}' & {wait}",
        "jobs with groups of their own": f"bash -mc '{wait} & {wait} & : > ready; wait'",
    }


ALONE = {
    "a daemon that cleared its environment": "(env -i setsid sleep {0} &) ; : > ready; sleep {0}",
    "one that forked twice and cleared it": (
        "(env -i setsid sh -c '(setsid sleep {0} &) ; sleep {0} & ' &) ; : > ready; sleep {0}"
    ),
    "a daemon of a daemon that has ended": (
        "env -i setsid sh -c 'setsid setsid sleep {0} & exit' ; : > ready; sleep {0}"
    ),
}


@pytest.mark.parametrize("kind", trees(""))
def test_a_cancelled_step_is_ended_whole(
    kind: str, shell: ShellAction, make_task: Make, word: str, alive: Alive, tmp_path: Path
) -> None:
    task = make_task(trees(word)[kind], grace_seconds=0.3)

    async def scenario() -> None:
        running = asyncio.ensure_future(shell.perform(task))
        while not (tmp_path / "ready").exists():
            await asyncio.sleep(0.005)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(scenario())
    assert alive(word) == []
    shim = shell._launcher.shim
    shell.close()
    assert look_at(shim) is None


@pytest.mark.parametrize("kind", [*trees(""), *ALONE])
def test_a_runner_that_adopts_orphans_ends_them_all_and_leaves_no_zombie(
    kind: str, word: str, alive: Alive, tmp_path: Path
) -> None:
    command = trees(word).get(kind) or ALONE[kind].format(word)
    report = run(tmp_path, command, cancel=0, grace=0.3)
    assert report["outcomes"] == ["CancelledError"]
    assert alive(word) == []
    assert (report["adopted"], report["zombies"]) == (0, 0)
    assert report["foreign"] == UNTOUCHED


@pytest.mark.parametrize(("hop_seconds", "crowd"), [(0.05, 0), (0.0, 0), (0.002, 20_000)])
def test_a_chain_of_processes_that_each_fork_the_next_is_caught(
    hop_seconds: float, crowd: int, word: str, alive: Alive, tmp_path: Path
) -> None:
    script = tmp_path / "chain.py"
    script.write_text(CHAIN)
    chain = f"env -i {sys.executable} {script} {hop_seconds} {word}"
    report = run(tmp_path, f"{chain} & sleep {word}", cancel=0, grace=0.1, crowd=crowd)
    assert report["outcomes"] == ["CancelledError"]
    assert alive(word) == []
    assert (report["adopted"], report["zombies"]) == (0, 0)
    assert report["foreign"] == UNTOUCHED


def test_a_step_beside_the_cancelled_one_goes_on(word: str, alive: Alive, tmp_path: Path) -> None:
    service = f"7{word}"
    command = f"setsid sleep {word} & : > ready; sleep {word}"
    beside = f"setsid sleep {service} & until [ -e done ]; do sleep 0.01; done; echo fine"
    report = run(tmp_path, command, beside, cancel=0)
    assert report["outcomes"] == ["CancelledError", "Succeeded"]
    assert "[fsm] left running: pid" in report["tails"][1]
    assert len(alive(word)) == len(alive(service)) == 1


def test_a_service_of_an_earlier_step_may_go_on_forking(
    word: str, alive: Alive, tmp_path: Path
) -> None:
    """Its new daemon is an orphan that comes to the runner while only the cancelled step is in flight."""
    service = (
        f"(until [ -e ../0/go ]; do sleep 0.01; done; setsid sleep 8{word} &"
        f" until [ -e ../0/go ]; do :; done; : > ../0/ready) & exit 0"
    )
    report = run(tmp_path, f": > go; sleep {word}", before=service, cancel=0, grace=0.3)
    assert report["outcomes"] == ["CancelledError"]
    assert len(alive(word)) == len(alive(f"8{word}")) == 1


def test_what_a_step_left_running_survives_the_end_of_the_next(
    word: str, alive: Alive, tmp_path: Path
) -> None:
    report = run(tmp_path, f"setsid sleep 5{word} & exit 0")
    assert "left running: pid " in report["tails"][0]
    assert f"sleep 5{word}" in report["tails"][0]
    assert len(alive(word)) == 1


def test_a_daemon_that_gave_up_everything_is_still_reported(word: str, tmp_path: Path) -> None:
    """Only a new child of the runner tells of it; foreign children are taken for nothing."""
    report = run(tmp_path, f"env -i setsid sleep {word} >&- 2>&- <&- & exit 0")
    assert "[fsm] left running: pid " in report["tails"][0]
    assert report["foreign"] == UNTOUCHED


def test_a_second_cancellation_kills_at_once(word: str, alive: Alive, tmp_path: Path) -> None:
    command = f"setsid sh -c 'trap \"\" TERM; : > ready; sleep {word}; sleep {word}' & sleep {word}"
    report = run(tmp_path, command, cancel=0, grace=60, hurry=True)
    assert report["outcomes"] == ["CancelledError"]
    assert report["seconds"] < 10
    assert alive(word) == []


def test_a_step_that_ends_when_asked_is_not_kept_waiting(word: str, tmp_path: Path) -> None:
    report = run(tmp_path, f": > ready; exec sleep {word}", cancel=0, grace=60)
    assert report["seconds"] < 10


def test_a_step_may_tidy_up_when_asked_to_end(
    shell: ShellAction, make_task: Make, word: str, tmp_path: Path
) -> None:
    command = f"trap 'echo tidied; exit 0' TERM; printf 'half'; sleep {word} & : > ready; wait"
    task = make_task(command, secrets=[b"half-a-secret"])

    async def scenario() -> None:
        running = asyncio.ensure_future(shell.perform(task))
        while not (tmp_path / "ready").exists():
            await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()

    asyncio.run(scenario())
    assert Path(task.log).read_text() == "halftidied\n"


def test_a_stopped_step_is_woken_to_tidy_up(
    shell: ShellAction, make_task: Make, word: str, tmp_path: Path, until: Callable[..., None]
) -> None:
    command = f"trap 'echo tidied; exit 0' TERM; echo $$ > pid; kill -STOP $$; sleep {word}"
    task = make_task(command, grace_seconds=60)

    async def scenario() -> None:
        running = asyncio.ensure_future(shell.perform(task))
        while not is_stopped(tmp_path / "pid"):
            await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(scenario())
    assert Path(task.log).read_text() == "tidied\n"


def is_stopped(pid_file: Path) -> bool:
    pid = pid_file.read_text().strip() if pid_file.exists() else ""
    return bool(pid) and ") T " in Path(f"/proc/{pid}/stat").read_text()


def test_an_older_process_is_not_touched_whatever_it_says_of_itself(
    shell: ShellAction, make_task: Make, word: str
) -> None:
    """A number may be used again, and an environment be copied; a time of birth cannot."""
    task = make_task(["sleep", word])
    with subprocess.Popen(["sleep", f"9{word}"], env=task.env, start_new_session=True) as older:
        tick = look_at(older.pid).start  # type: ignore[union-attr]
        while now_in_ticks() <= tick:
            pass

        async def scenario() -> None:
            running = asyncio.ensure_future(shell.perform(task))
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait([running])

        asyncio.run(scenario())
        assert older.poll() is None
        older.kill()


@pytest.mark.parametrize("leader", [0, 40])
def test_when_the_shim_is_gone_nobody_is_taken_for_an_orphan_or_a_member_of_its_session(
    monkeypatch: pytest.MonkeyPatch, leader: int
) -> None:
    """In a container, what was put into it from outside has no parent, and may have no session."""
    put_in = [
        Proc(50, 1, 0, 50, 50, True),
        Proc(60, 1, 0, 60, 0, True),
        Proc(61, 1, 60, 60, 0, True),
    ]
    table = {proc.pid: proc for proc in put_in}
    monkeypatch.setattr(watch, "all_pids", lambda: [*table])
    monkeypatch.setattr(watch, "look_at", table.get)
    look = watch.Look(0, 0)
    assert kin.Kin(leader, 0, frozenset(), Launcher()).survey(look) == []


def test_a_leader_that_is_dead_already_is_no_newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chase would go on after nobody, for as long as it may, at each step that is ended."""
    launcher = Launcher()
    launcher.shim = 30
    dead = {40: Proc(40, 1, 30, 40, 40, False)}
    monkeypatch.setattr(watch, "all_pids", lambda: [*dead])
    monkeypatch.setattr(watch, "look_at", dead.get)
    attempt = kin.Kin(40, 0, frozenset(), launcher)
    assert attempt.survey(watch.Look(0, 30)) == []
    assert not attempt.meets(watch.Newcomer(dead[40]), pytest.fail)


def test_a_timeout_is_a_cancellation(
    shell: ShellAction, make_task: Make, word: str, alive: Alive
) -> None:
    task = make_task(f"setsid sleep {word} & sleep {word}")

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await shell.perform(task)

    asyncio.run(scenario())
    assert alive(word) == []


def test_ending_steps_leaves_no_descriptor_open(
    shell: ShellAction, make_task: Make, word: str
) -> None:
    async def scenario() -> list[int]:
        counts = []
        for _ in range(5):
            running = asyncio.ensure_future(
                shell.perform(make_task(f"setsid sleep {word} & sleep {word}"))
            )
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait([running])
            counts.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        return counts

    assert len(set(asyncio.run(scenario()))) == 1


def test_a_runner_whose_loop_is_torn_down_kills_the_step(
    shell: ShellAction, make_task: Make, word: str, alive: Alive, until: Callable[..., None]
) -> None:
    loop = asyncio.new_event_loop()
    coroutine = shell.perform(make_task(["sleep", word]))

    async def begin() -> None:
        coroutine.send(None)

    loop.run_until_complete(begin())
    until(lambda: alive(word))
    coroutine.close()
    loop.close()
    until(lambda: alive(word) == [])


def test_what_is_in_the_midst_of_starting_a_program_is_named_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([b"", b"", b"sleep\0" + b"60\0"])
    read = proc._read
    monkeypatch.setattr(
        proc,
        "_read",
        lambda pid, name, limit: next(answers) if name == "cmdline" else read(pid, name, limit),
    )
    assert proc.command_line(os.getpid(), Masker([b"60"])) == "sleep ***"
