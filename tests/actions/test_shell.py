"""What one attempt of a command does and reports (F33, F37, F41 to F44, F47, F62)."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fsm.actions.output.log import read_tail
from fsm.actions.processes.proc import look_at
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Failed, Outcome, Succeeded, Task
from fsm.errors import StateUnavailable

Make = Callable[..., Task]


def perform(task: Task) -> Outcome:
    action = ShellAction()
    try:
        outcome = asyncio.run(action.perform(task))
        if outcome.on_recorded is not None:
            outcome.on_recorded()
        action.recorded()
        return outcome
    finally:
        action.close()


def open_files() -> set[str]:
    return {str(fd) for fd in Path("/proc/self/fd").iterdir()}


def test_a_command_that_exits_with_zero_succeeds_with_its_last_lines(make_task: Make) -> None:
    task = make_task("echo out; echo err >&2")
    assert perform(task) == Succeeded({}, "out\nerr")
    assert Path(task.log).read_bytes() == b"out\nerr\n"


def test_a_command_that_exits_otherwise_fails_with_its_exit_code(make_task: Make) -> None:
    assert perform(make_task("echo no; exit 3")) == Failed("exit code 3", 3, "no")


def test_a_killed_command_fails_with_the_name_of_the_signal(make_task: Make) -> None:
    assert perform(make_task("kill -9 $$")) == Failed("killed by SIGKILL", -9, "")
    assert perform(make_task("kill -40 $$")) == Failed("killed by signal 40", -40, "")


def test_a_silent_command_leaves_no_log_and_no_outputs_file(make_task: Make) -> None:
    task = make_task(["true"])
    assert perform(task) == Succeeded()
    assert list(Path(task.log).parent.iterdir()) == []


def test_log_and_folder_are_open_to_their_owner_only(make_task: Make, tmp_path: Path) -> None:
    log = tmp_path / "deep" / "logs" / "x.log"
    perform(make_task(["echo", "x"], log=str(log), outputs=str(log.with_suffix(".outputs"))))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (log, log.parent, log.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_a_step_gives_its_outputs_though_an_earlier_one_took_their_folder_away(
    shell: ShellAction, make_task: Make, tmp_path: Path
) -> None:
    async def scenario() -> Outcome:
        assert await shell.perform(make_task(["rm", "-r", str(tmp_path / "logs")])) == Succeeded()
        return await shell.perform(make_task('echo x=1 >> "$FSM_OUTPUT"'))

    outcome = asyncio.run(scenario())
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs == {"x": "1"}


HOSTILE = [
    "$(touch owned)", "`touch owned`", "; touch owned", "a'b\"c", "line\nfeed", "-rf", "--", "..", "*",
    "%s", "\\", "~", "$HOME", "", " ", "\x1b]0;x\x07", "ünï", "{{ x }}", "| cat", "&", "\udcff",
]  # fmt: skip


def test_every_hostile_value_arrives_in_an_argument_list_byte_for_byte(
    make_task: Make, tmp_path: Path
) -> None:
    write = "import os,sys; open('argv','wb').write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    task = make_task([sys.executable, "-c", write, *HOSTILE])
    assert isinstance(perform(task), Succeeded)
    assert (tmp_path / "argv").read_bytes().split(b"\0") == [os.fsencode(v) for v in HOSTILE]
    assert not (tmp_path / "owned").exists()


def test_a_number_in_an_argument_list_is_its_digits(make_task: Make) -> None:
    assert perform(make_task(["echo", 7, -1])) == Succeeded({}, "7 -1")


def test_a_command_that_reads_its_stdin_finds_it_empty(make_task: Make) -> None:
    assert perform(make_task("cat; read x || echo nothing")) == Succeeded({}, "nothing")


def test_a_command_that_closes_its_outputs_is_waited_for(
    shell: ShellAction, make_task: Make, tmp_path: Path
) -> None:
    # It goes on until somebody opens the pipe, long after its outputs are closed.
    os.mkfifo(tmp_path / "go")
    task = make_task("exec >&- 2>&-; : > closed; read x < go; exit 4")

    async def scenario() -> Outcome:
        running = asyncio.ensure_future(shell.perform(task))
        while not (tmp_path / "closed").exists():
            await asyncio.sleep(0.01)
        assert not running.done()
        await asyncio.to_thread((tmp_path / "go").write_text, "x\n")
        return await running

    assert asyncio.run(scenario()) == Failed("exit code 4", 4, "")


def test_a_daemon_that_holds_the_output_does_not_hold_the_step(
    make_task: Make, word: str, alive: Callable[[str], list[int]]
) -> None:
    outcome = perform(make_task(f"sleep {word} & setsid sleep {word} & echo started"))
    assert isinstance(outcome, Succeeded)
    assert outcome.tail.startswith("started\n[fsm] left running: pid ")
    assert len(alive(word)) == 2


def test_a_service_left_running_is_named_and_its_later_output_is_logged(
    shell: ShellAction, make_task: Make, tmp_path: Path, until: Callable[..., None]
) -> None:
    os.mkfifo(tmp_path / "go")
    task = make_task("(read x < go; echo later; echo more) & echo up; : Service")

    async def scenario() -> None:
        outcome = await shell.perform(task)
        assert isinstance(outcome, Succeeded)
        assert "\n[fsm] left running: pid " in outcome.tail
        assert ": Service" in outcome.tail
        await asyncio.to_thread((tmp_path / "go").write_text, "x\n")
        while not Path(task.log).read_text().endswith("later\nmore\n"):
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_daemon_that_never_stops_writing_does_not_hold_the_step(
    make_task: Make, word: str
) -> None:
    outcome = perform(make_task(f"yes {word} & echo started"))
    assert isinstance(outcome, Succeeded)


def test_output_of_any_bytes_is_kept_as_it_is_and_shown_without_its_powers(make_task: Make) -> None:
    raw = (
        b"\xff\x00a\x1b[31mred\x1b[0m\n\x1b]0;title\x07b\x9b2J\n\x1bPq#\x1b\\c \xc2\x9b1md\n"
        b"10%\r100%\r\n\xe2\x80\xaeturned\n\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n"
    )
    task = make_task([sys.executable, "-c", f"import os; os.write(1, {raw!r})"])
    outcome = perform(task)
    assert Path(task.log).read_bytes() == raw
    assert outcome.tail == "\\xffared\nb\\x9b2J\nc d\n100%\nturned\nlink"
    assert read_tail(task.log) == outcome.tail


def test_the_tail_is_the_last_twenty_lines_and_at_most_four_kib(make_task: Make) -> None:
    assert perform(make_task("seq 1000")).tail.split() == [str(n) for n in range(981, 1001)]
    task = make_task("seq -f '%0500g' 30; printf é%.0s $(seq 40000)")
    tail = perform(task).tail
    assert 4090 <= len(tail.encode()) <= 4096
    assert set(tail) == {"é"}
    assert read_tail(task.log) == tail


def test_outputs_are_read_masked_and_their_file_is_removed(make_task: Make) -> None:
    command = "echo url=http://x/?a=b >> $FSM_OUTPUT; echo key=hunter2! >> $FSM_OUTPUT"
    task = make_task(command, secrets=[b"hunter2"])
    assert perform(task) == Succeeded({"url": "http://x/?a=b", "key": {"$masked": "***!"}})
    assert not Path(task.outputs).exists()


def test_malformed_outputs_fail_the_step_and_name_the_line(make_task: Make) -> None:
    task = make_task("printf 'a=1\\nno\\n' > $FSM_OUTPUT")
    words = "its FSM_OUTPUT cannot be read: line 2 is neither `name=value` nor `name<<WORD`"
    assert perform(task) == Failed(words, 0)
    assert not Path(task.outputs).exists()


def test_secrets_appear_nowhere(make_task: Make) -> None:
    command = "printf hunt; sleep 0.05; echo er2; echo hun$(printf '\\033[0m')ter2; exit 1"
    task = make_task(command, secrets=[b"hunter2"])
    assert perform(task) == Failed("exit code 1", 1, "***\n***")
    assert b"hunter2" not in Path(task.log).read_bytes()
    missing = make_task(["no-hunter2"], secrets=[b"hunter2"])
    assert perform(missing) == Failed("cannot start `no-***`: No such file or directory")


@pytest.mark.parametrize(
    ("command", "fields", "words"),
    [
        (["no-such"], {}, "cannot start `no-such`: No such file or directory"),
        (["./plain"], {}, "cannot start `./plain`: Permission denied"),
        (
            ["./words"],
            {},
            "cannot start `./words`: Exec format error (is its first line `#!` and an interpreter?)",
        ),
        (
            ["./orphan"],
            {},
            "cannot start `./orphan`: No such file or directory "
            "(the interpreter that its first line names)",
        ),
        (["echo", *["x" * 100_000] * 50], {}, "cannot start `echo`: Argument list too long"),
        (["echo"], {"env": {"A": "a\0b"}}, "cannot start `echo`: embedded null byte"),
        (["echo"], {"cwd": "/no/such"}, "cannot start `echo` in /no/such: No such file or directory"),
        ("echo", {"cwd": "/etc/passwd"}, "cannot start `sh` in /etc/passwd: Not a directory"),
        (["a\0b"], {}, "element 1 of the command holds a NUL byte; no program can be given one"),
        ([], {}, "the command is an empty list; its first element is the program"),
    ],
)  # fmt: skip
def test_what_cannot_be_started_fails_with_the_reason(
    make_task: Make, tmp_path: Path, command: Any, fields: dict[str, Any], words: str
) -> None:
    for name, mode, text in [
        ("plain", 0o644, "#!/bin/sh\n"),
        ("words", 0o755, "echo hi\n"),
        ("orphan", 0o755, "#!/no/such/interpreter\n"),
    ]:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    before = open_files()
    assert perform(make_task(command, **fields)) == Failed(words)
    assert open_files() == before


def test_a_program_that_was_put_before_another_meanwhile_is_the_one_that_runs(
    shell: ShellAction, make_task: Make, tmp_path: Path
) -> None:
    first, last = tmp_path / "first", tmp_path / "last"
    first.mkdir()
    last.mkdir()

    def install(folder: Path, mode: int = 0o755) -> None:
        (folder / "tool").write_text(f"#!/bin/sh\necho {folder.name}\n")
        (folder / "tool").chmod(mode)

    async def scenario() -> list[str]:
        tails = []
        for change in (
            lambda: install(last),
            lambda: install(first, 0o644),
            lambda: install(first),
            (first / "tool").unlink,
        ):
            change()
            outcome = await shell.perform(
                make_task(["tool"], env={"PATH": f"{tmp_path}/none:{first}:{last}"})
            )
            tails.append(outcome.tail.strip())
        return tails

    assert asyncio.run(scenario()) == ["last", "last", "first", "last"]


def test_a_program_that_may_not_be_executed_anywhere_is_told_from_one_that_is_not_there(
    make_task: Make, tmp_path: Path
) -> None:
    (tmp_path / "tool").write_text("")
    (tmp_path / "folder").mkdir()
    env = {"PATH": f"/no/such:{tmp_path}"}
    for name in ("tool", "folder"):
        words = f"cannot start `{name}`: Permission denied"
        assert perform(make_task([name], env=env)) == Failed(words)
    words = "cannot start `nothing`: No such file or directory"
    assert perform(make_task(["nothing"], env=env)) == Failed(words)


def test_that_no_more_processes_are_allowed_is_said_with_what_allows_more(
    shell: ShellAction, make_task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(shell._launcher, "start", start)
    outcome = asyncio.run(shell.perform(make_task(["true"])))
    words = "(as many processes are at work as are allowed: ulimit -u)"
    assert outcome == Failed(f"cannot start `true`: Resource temporarily unavailable {words}")


def test_without_free_descriptors_the_step_fails_and_nothing_is_left_behind(
    shell: ShellAction,
    make_task: Make,
) -> None:
    task = make_task(["true"])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def scenario() -> list[Outcome]:
        outcomes = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
        taken: list[int] = []
        try:
            with suppress(OSError):
                while True:
                    taken.append(os.open("/dev/null", os.O_RDONLY))
            for _ in range(8):
                outcomes.append(await shell.perform(task))
                os.close(taken.pop())
        finally:
            for fd in taken:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        return outcomes

    outcomes = asyncio.run(scenario())
    assert set(map(type, outcomes)) == {Failed, Succeeded}
    failed = {outcome for outcome in outcomes if isinstance(outcome, Failed)}
    assert failed == {Failed("cannot start `true`: Too many open files")}
    shim = shell._launcher.shim
    shell.close()
    assert look_at(shim) is None


def test_a_command_that_nobody_watches_any_more_has_not_failed(
    shell: ShellAction, make_task: Make, tmp_path: Path
) -> None:
    """It may be at work, or have done all: whoever took that for a failure would run it again (F34)."""
    task = make_task(": > began; until [ -e go ]; do sleep 0.02; done; : > done")

    async def scenario() -> None:
        going = asyncio.ensure_future(shell.perform(task))
        while not (tmp_path / "began").exists():
            await asyncio.sleep(0.01)
        os.kill(shell._launcher.shim, signal.SIGKILL)
        await going

    with pytest.raises(StateUnavailable) as lost:
        asyncio.run(scenario())
    assert lost.value.message == (
        "how step `step` ends is not known: the process that watched it is gone"
    )
    assert lost.value.hint.endswith(f"fsm resume {task.run_id}")
    assert shell.recollect(task) is None
    (tmp_path / "go").touch()
    assert (
        asyncio.run(shell.perform(make_task("until [ -e done ]; do sleep 0.02; done")))
        == Succeeded()
    )


def test_a_log_that_cannot_be_written_keeps_no_step_from_succeeding(make_task: Make) -> None:
    task = make_task(["seq", "100000"], log="/dev/full")
    outcome = perform(task)
    assert isinstance(outcome, Succeeded)
    assert outcome.tail.endswith("100000\n[fsm] the log is incomplete: not a regular file")


def test_sixteen_steps_at_once_each_get_their_own(shell: ShellAction, make_task: Make) -> None:
    tasks = [make_task(f"echo {n}; echo n={n} > $FSM_OUTPUT; exit {n % 2}") for n in range(16)]

    async def scenario() -> list[Outcome]:
        return await asyncio.gather(*(shell.perform(task) for task in tasks))

    assert asyncio.run(scenario()) == [
        Failed("exit code 1", 1, str(n)) if n % 2 else Succeeded({"n": str(n)}, str(n))
        for n in range(16)
    ]


def test_outcomes_can_be_stored_as_json(make_task: Make) -> None:
    outcome = perform(make_task(["no-\udcff\ud800", "x"]))
    assert isinstance(outcome, Failed)
    json.dumps(outcome.error, ensure_ascii=False).encode()
