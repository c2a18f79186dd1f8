"""One child process: how its output and its end are noticed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from fsm.actions.children import CHILDREN
from fsm.actions.process import Process

FULL = 4096


def test_draining_ends_although_somebody_goes_on_writing(
    word: str, alive: Callable[[str], list[int]], until: Callable[..., None]
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
        process = Process(
            ["sh", "-c", f"exec sleep {word} & exit 0"], cwd="/", env=dict(os.environ), sink=sink
        )
        await process.ended
        assert process.take_status() == 0
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


def test_what_lies_in_the_pipe_at_the_end_is_all_read(tmp_path: Path) -> None:
    read: list[bytes] = []

    async def scenario() -> None:
        process = Process(
            ["sh", "-c", "head -c 60000 /dev/zero"], cwd="/", env=dict(os.environ), sink=read.append
        )
        asyncio.get_running_loop().remove_reader(process._pipe)
        await process.ended
        process.take_status()
        process.drain()
        assert not process.output_is_held
        process.close()

    asyncio.run(scenario())
    assert sum(map(len, read)) == 60_000


def test_a_status_that_somebody_else_took_is_not_a_success() -> None:
    async def scenario() -> int | None:
        process = Process(["true"], cwd="/", env=dict(os.environ), sink=lambda _: None)
        os.waitpid(process.pid, 0)
        await process.ended
        code = process.take_status()
        process.close()
        return code

    assert asyncio.run(scenario()) is None
    assert not CHILDREN.leaders


def test_many_services_left_running_hold_a_bounded_number_of_descriptors(
    word: str, alive: Callable[[str], list[int]]
) -> None:
    quiet = []

    async def scenario() -> None:
        for n in range(70):
            process = Process(
                ["sh", "-c", f"sleep {word} & exit 0"],
                cwd="/",
                env=dict(os.environ),
                sink=lambda _: None,
            )
            await process.ended
            process.take_status()
            process.drain()
            process.release(lambda n=n: quiet.append(n))  # type: ignore[misc]
        assert quiet == [0, 1, 2, 3, 4, 5]
        for pid in alive(word):
            os.kill(pid, signal.SIGKILL)
        while len(quiet) < 70:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scenario(), 20))
