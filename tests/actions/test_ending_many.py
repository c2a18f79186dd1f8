"""Ending hundreds of steps at once costs hundreds of times what ending one does, and not the square of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fsm.actions.processes import launcher, tree, watch
from fsm.actions.processes.proc import all_pids
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Task

Make = Callable[..., Task]
Alive = Callable[[str], list[int]]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a process was looked at, and the shim told something. Only new processes can be seen."""
    counted: Counter[str] = Counter()

    def count(where: Any, name: str, kind: str) -> None:
        counted_one = getattr(where, name)

        def call(*arguments: object) -> object:
            counted[kind] += 1
            return counted_one(*arguments)

        monkeypatch.setattr(where, name, call)

    before = set(all_pids())
    monkeypatch.setattr(watch, "all_pids", lambda: [p for p in all_pids() if p not in before])
    count(watch, "look_at", "looks")
    count(watch, "marks", "looks")
    count(tree, "look_at", "looks")
    count(launcher.Launcher, "_say", "messages")
    return counted


async def end(shell: ShellAction, tasks: list[Task], counts: Counter[str]) -> Counter[str]:
    """What it took to end them all at once, by force."""
    running = [asyncio.ensure_future(shell.perform(task)) for task in tasks]
    while len(shell._launcher.leaders) < len(tasks):
        await asyncio.sleep(0.01)
    counts.clear()
    for _ in range(2):
        for each in running:
            each.cancel()
        await asyncio.sleep(0)
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert {type(each) for each in ended} == {asyncio.CancelledError}
    return counts.copy()


@pytest.mark.parametrize("daemon", ["", "setsid sleep {} & "])
def test_each_of_three_hundred_steps_takes_no_more_to_end_than_each_of_a_hundred(
    shell: ShellAction, make_task: Make, word: str, alive: Alive, counts: Counter[str], daemon: str
) -> None:
    command = f"{daemon.format(word)}exec sleep {word}"

    def took(steps: int) -> dict[str, float]:
        spent = asyncio.run(end(shell, [make_task(command) for _ in range(steps)], counts))
        assert alive(word) == []
        return {kind: spent[kind] / steps for kind in ("looks", "messages")}

    few, many = took(100), took(300)
    for kind in few:
        assert many[kind] < 2.5 * few[kind]
        assert few[kind] < 50
