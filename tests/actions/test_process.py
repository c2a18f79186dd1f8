"""One child process: how it is started, and how its output and its end are noticed."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsm.actions.processes.launcher import Launcher
from fsm.actions.processes.proc import look_at
from fsm.actions.processes.process import Process
from fsm.actions.processes.standby import claim, stand_by

FULL = 4096


@pytest.fixture(params=["standby", "program"])
def launcher(request: pytest.FixtureRequest) -> Iterator[Launcher]:
    """One whose shim stood by, a fork of this process, and one whose shim is a program of its own."""
    if request.param == "standby":
        stand_by()
    launcher = Launcher()
    yield launcher
    launcher.close()


def start(
    launcher: Launcher, *argv: str, sink: Callable[[bytes], object] = lambda _: None
) -> Process:
    return Process(launcher, argv, cwd="/", env=dict(os.environ), sink=sink)


def test_draining_ends_although_somebody_goes_on_writing(
    launcher: Launcher,
    word: str,
    alive: Callable[[str], list[int]],
    until: Callable[..., None],
) -> None:
    """Whoever still holds the output writes one more full pipe at each piece that is read."""
    read: list[bytes] = []
    refill = -1

    def sink(piece: bytes) -> None:
        read.append(piece)
        assert len(read) < 20, "it never ends"
        if refill >= 0:
            os.write(refill, b"x" * len(piece))

    async def scenario() -> None:
        nonlocal refill
        process = start(launcher, "sh", "-c", f"exec sleep {word} & exit 0", sink=sink)
        assert await process.ended == 0
        until(lambda: alive(word))
        (daemon,) = alive(word)
        refill = os.open(f"/proc/{daemon}/fd/1", os.O_WRONLY | os.O_NONBLOCK)
        os.write(refill, b"x" * FULL)
        process.drain()
        os.close(refill)
        assert process.output_is_held
        os.kill(daemon, signal.SIGKILL)
        process.close()

    asyncio.run(scenario())
    assert sum(map(len, read)) >= FULL


def test_what_lies_in_the_pipe_at_the_end_is_all_read(launcher: Launcher) -> None:
    read: list[bytes] = []

    async def scenario() -> None:
        process = start(launcher, "sh", "-c", "head -c 60000 /dev/zero", sink=read.append)
        await process.ended
        process.drain()
        assert not process.output_is_held
        process.close()

    asyncio.run(scenario())
    assert sum(map(len, read)) == 60_000


def test_more_than_a_pipe_holds_is_read_while_it_runs(launcher: Launcher) -> None:
    read: list[bytes] = []

    async def scenario() -> None:
        process = start(launcher, "head", "-c", "1000000", "/dev/zero", sink=read.append)
        assert await process.ended == 0
        process.drain()
        process.close()

    asyncio.run(scenario())
    assert sum(map(len, read)) == 1_000_000


def test_arguments_and_environment_may_be_larger_than_the_channel_holds(
    launcher: Launcher,
) -> None:
    long = "x" * 100_000
    read: list[bytes] = []

    async def scenario() -> None:
        env = {**os.environ, **{f"LONG_{n}": long for n in range(6)}}
        argv = ["sh", "-c", 'printf %s "$LONG_5$1"', "sh", long]
        process = Process(launcher, argv, cwd="/", env=env, sink=read.append)
        assert await process.ended == 0
        process.drain()
        process.close()

    asyncio.run(scenario())
    assert b"".join(read) == 2 * long.encode()


def test_runner_and_shim_may_both_have_more_to_say_than_the_channel_holds(
    launcher: Launcher,
) -> None:
    """As when hundreds of steps are cancelled at once: neither may wait for the other to listen."""

    async def scenario() -> None:
        assert await start(launcher, "true").ended == 0
        for held in (True, False):
            await asyncio.gather(*[launcher.hold_orphans(held) for _ in range(5_000)])
        assert await start(launcher, "true").ended == 0

    asyncio.run(scenario())


def test_a_default_timeout_of_sockets_does_not_hold_for_the_shim(launcher: Launcher) -> None:
    async def scenario() -> None:
        assert await start(launcher, "true").ended == 0
        os.kill(launcher.shim, signal.SIGSTOP)
        process = start(launcher, "true")
        launcher.hear_soon()
        os.kill(launcher.shim, signal.SIGCONT)
        assert await process.ended == 0

    socket.setdefaulttimeout(0.2)
    try:
        asyncio.run(scenario())
    finally:
        socket.setdefaulttimeout(None)


@pytest.mark.parametrize(
    ("argv", "cwd", "code", "what"),
    [
        (["no-such-program"], "/", errno.ENOENT, "no-such-program"),
        (["/etc/passwd"], "/", errno.EACCES, "/etc/passwd"),
        (["true"], "/no/such/folder", errno.ENOENT, "/no/such/folder"),
        (["true", "x" * 200_000], "/", errno.E2BIG, "true"),
    ],
)
def test_what_cannot_be_started_says_what_could_not_be_used(
    launcher: Launcher, argv: list[str], cwd: str, code: int, what: str
) -> None:
    async def scenario() -> None:
        process = Process(launcher, argv, cwd=cwd, env=dict(os.environ), sink=lambda _: None)
        with pytest.raises(OSError, match=os.strerror(code)) as refused:
            await process.ended
        assert (refused.value.errno, refused.value.filename) == (code, what)
        with pytest.raises(OSError, match=os.strerror(code)):
            await process.begun
        process.close()
        assert await start(launcher, "true").ended == 0

    asyncio.run(scenario())


def test_a_value_that_no_process_can_be_given_is_refused(launcher: Launcher) -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="null"):
            await start(launcher, "true", "a\0b").ended

    asyncio.run(scenario())


def test_a_process_leads_its_own_session_and_is_not_deaf_to_signals(launcher: Launcher) -> None:
    read: list[bytes] = []

    async def scenario() -> None:
        process = start(
            launcher,
            "sh",
            "-c",
            "ps -o sid= -p $$; exec grep '^Sig[BI]' /proc/self/status",
            sink=read.append,
        )
        await process.ended
        process.drain()
        session, *masks = b"".join(read).split(b"\n")
        assert int(session) == process.pid
        ordinary = (1 << 31) - 1
        assert {int(mask.split()[1], 16) & ordinary for mask in masks if mask} == {0}, read
        process.close()

    ignored = (
        signal.SIGQUIT,
        signal.SIGINT,  # as a shell has both for what it runs in the background
        signal.SIGUSR1,
    )
    before = [signal.signal(number, signal.SIG_IGN) for number in ignored]
    try:
        asyncio.run(scenario())
    finally:
        for number, handler in zip(ignored, before, strict=True):
            signal.signal(number, handler)


def test_the_shim_has_gone_when_the_launcher_is_closed(launcher: Launcher) -> None:
    async def scenario() -> int:
        await start(launcher, "true").ended
        return launcher.shim

    shim = asyncio.run(scenario())
    proc = look_at(shim)
    assert proc is not None
    assert proc.session == shim, "a signal to the runner's group does not reach it"
    launcher.close()
    assert look_at(shim) is None
    launcher.close()


def test_one_launcher_serves_one_loop_after_another(launcher: Launcher) -> None:
    async def scenario() -> int:
        assert await start(launcher, "true").ended == 0
        return launcher.shim

    assert asyncio.run(scenario()) == asyncio.run(scenario())


def test_when_the_shim_dies_nobody_knows_how_its_processes_end(
    launcher: Launcher, word: str
) -> None:
    async def scenario() -> None:
        process = start(launcher, "sleep", word)
        await process.begun
        assert launcher.leaders == {process.pid: process}
        os.kill(launcher.shim, signal.SIGKILL)
        assert await process.ended is None
        process.close()
        assert not launcher.leaders
        assert await start(launcher, "true").ended == 0, "there is another shim"

    asyncio.run(scenario())


def test_many_services_left_running_hold_a_bounded_number_of_descriptors(
    launcher: Launcher, word: str, alive: Callable[[str], list[int]]
) -> None:
    quiet = []

    async def scenario() -> None:
        for n in range(70):
            process = start(launcher, "sh", "-c", f"sleep {word} & exit 0")
            await process.ended
            process.drain()
            process.release(lambda n=n: quiet.append(n))  # type: ignore[misc]
        assert quiet == [0, 1, 2, 3, 4, 5]
        for pid in alive(word):
            os.kill(pid, signal.SIGKILL)
        while len(quiet) < 70:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_process_takes_as_few_descriptors_as_it_needs(launcher: Launcher, tmp_path: Path) -> None:
    async def scenario() -> None:
        await start(launcher, "true").ended
        before = len([*Path(f"/proc/{launcher.shim}/fd").iterdir()])
        for _ in range(20):
            process = start(launcher, "true")
            await process.ended
            process.drain()
            process.close()
        with pytest.raises(FileNotFoundError):
            await start(launcher, "no-such-program").ended
        assert len([*Path(f"/proc/{launcher.shim}/fd").iterdir()]) == before

    asyncio.run(scenario())


def test_a_process_has_nothing_open_but_its_input_and_its_outputs(
    launcher: Launcher, word: str
) -> None:
    """What stays open in the shim, such as the reading end of another step's output, is not for it."""

    async def scenario() -> None:
        one, other = start(launcher, "sleep", word), start(launcher, "sleep", word)
        await one.begun
        await other.begun
        given = {number for number in _open_in(os.getpid()) if os.get_inheritable(number)}
        assert _open_in(other.pid) - given == {0, 1, 2} - given
        for each in (one, other):
            each.close()

    asyncio.run(scenario())


def _open_in(pid: int) -> set[int]:
    """The descriptors that the process has open for longer than this look takes."""
    numbers = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    return {number for number in numbers if Path(f"/proc/{pid}/fd/{number}").exists()}


def test_only_its_attempt_takes_the_status_of_a_leader(
    launcher: Launcher, word: str, until: Callable[..., None]
) -> None:
    """Whoever ends a tree sees a dead leader too, and may take it for an orphan."""

    async def scenario() -> None:
        process = start(launcher, "sleep", word)
        await process.begun
        await launcher.hold_orphans(True)
        shim = launcher.shim
        os.kill(shim, signal.SIGSTOP)  # so that it hears of both at once
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not look_at(process.pid).running)  # type: ignore[union-attr]
        launcher.reap(process.pid)
        os.kill(shim, signal.SIGCONT)
        assert await process.ended == -signal.SIGKILL
        await launcher.hold_orphans(False)
        assert await start(launcher, "true").ended == 0
        assert launcher.shim == shim, "it is still the same shim"
        process.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("stands_by", [True, False])
def test_neither_shim_nor_step_holds_what_was_open_for_their_runner(
    stands_by: bool, tmp_path: Path
) -> None:
    """As a lock that is the runner's alone: `( flock 9; fsm run … ) 9> lock`."""
    printed: list[bytes] = []

    async def scenario() -> set[str]:
        process = start(launcher, "sh", "-c", "readlink /proc/$$/fd/*", sink=printed.append)
        await process.ended
        process.drain()
        process.close()
        held = Path(f"/proc/{launcher.shim}/fd").iterdir()
        return {str(each.readlink()).partition(":")[0] for each in held}

    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        if stands_by:
            stand_by()
        launcher = Launcher()
        assert asyncio.run(scenario()) == {"/dev/null", "socket", "pipe"}
        launcher.close()
    lines = b"".join(printed).decode().splitlines()
    assert {line.partition(":")[0] for line in lines} == {"/dev/null", "pipe"}


def test_the_shim_is_deaf_to_what_its_runner_is_told_by_signals(launcher: Launcher) -> None:
    async def scenario() -> None:
        previous = signal.signal(signal.SIGUSR1, lambda *_: os._exit(1))
        try:
            slow = start(launcher, "sleep", "0.2")
            await slow.begun
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(launcher.shim, number)
            assert await slow.ended == 0
            handled = Path(f"/proc/{launcher.shim}/status").read_text().partition("SigCgt:")[2]
            assert not int(handled.split()[0], 16) & 1 << (signal.SIGUSR1 - 1)
        finally:
            signal.signal(signal.SIGUSR1, previous)

    asyncio.run(scenario())


_HEARD = """
import asyncio, os, signal
from fsm.actions.processes.launcher import Launcher
from fsm.actions.processes.process import Process
from fsm.actions.processes.standby import stand_by

def signal_all():
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)

os.register_at_fork(after_in_child=signal_all)
stand_by()

async def scenario():
    heard, launcher = [], Launcher()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, heard.append, "SIGINT")
    process = Process(launcher, ["true"], cwd="/", env=dict(os.environ), sink=lambda _: None)
    print(await process.ended)
    for _ in range(3):
        await asyncio.sleep(0)  # the loop looks at what woke it
    print(heard, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    process.close()
    launcher.close()

asyncio.run(scenario())
"""


def test_a_signal_at_the_moment_of_the_fork_ends_no_shim_and_is_not_heard_twice() -> None:
    """What the group is told then, both get: here only the new one, so that its runner hears nothing."""
    run = subprocess.run(
        [sys.executable, "-c", _HEARD], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.stdout, run.stderr) == ("0\n[] set()\n", "")


def test_if_no_shim_can_stand_by_nothing_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(os, "fork", refused)
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    with pytest.raises(BlockingIOError):
        stand_by()
    assert {path.name for path in Path("/proc/self/fd").iterdir()} == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert claim() is None


def test_a_command_whose_shim_cannot_stand_by_starts_one_when_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("plan: {id: one, steps: [{id: only, run: 'true'}]}")
    unforked = (
        "import os\n"
        "def refused(): raise BlockingIOError\n"
        "os.fork = refused\n"
        "from fsm.__main__ import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", unforked, "run", "plan.yaml", "--yes"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")


def test_who_ends_a_runner_by_its_name_does_not_end_the_shim(launcher: Launcher) -> None:
    async def scenario() -> str:
        assert await start(launcher, "true").ended == 0
        return Path(f"/proc/{launcher.shim}/comm").read_text()

    assert asyncio.run(scenario()) == "step-shim\n"


def test_a_shim_that_somebody_stopped_is_woken_to_end_steps_and_itself(launcher: Launcher) -> None:
    async def scenario() -> None:
        slow = start(launcher, "sleep", "60")
        await slow.begun
        os.kill(launcher.shim, signal.SIGSTOP)
        await launcher.hold_orphans(True)
        slow.signal_group(signal.SIGKILL)
        await launcher.hold_orphans(False)
        assert await slow.ended == -signal.SIGKILL
        os.kill(launcher.shim, signal.SIGSTOP)

    asyncio.run(scenario())
    shim = launcher.shim
    launcher.close()
    assert look_at(shim) is None
