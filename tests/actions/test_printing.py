"""What a skill's own code prints, and its traceback, go into the log of its step, masked."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from pathlib import Path

import pytest

from fsm.actions.output.printing import printed_to
from fsm.actions.python.action import PythonAction
from fsm.actions.python.skill import Skill
from fsm.engine.ports import Failed

from .conftest import MakeTask

talker = Skill("talker")


@talker.action
def say(word: str) -> None:
    print("said", word)
    logging.getLogger("talker").warning("logged %s", word)


@talker.action
async def say_later(word: str) -> None:
    await asyncio.to_thread(print, "later", word)
    raise ValueError(f"no {word}")


def test_each_log_has_what_its_own_call_printed(
    make_task: MakeTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    action = PythonAction(talker, tmp_path)
    tasks = [
        make_task("", action="say", params={"word": f"{word} hunter2"}, secrets=(b"hunter2",))
        for word in ("one", "two")
    ]

    async def both() -> None:
        await asyncio.gather(*map(action.perform, tasks))

    asyncio.run(both())
    said = [Path(task.log).read_text().splitlines()[0] for task in tasks]
    assert said == ["said one ***", "said two ***"]
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err


def test_a_failure_shows_what_was_printed_and_only_the_authors_part_of_the_traceback(
    make_task: MakeTask, tmp_path: Path
) -> None:
    task = make_task("", action="say-later", params={"word": "hunter2"}, secrets=(b"hunter2",))
    outcome = asyncio.run(PythonAction(talker, tmp_path).perform(task))
    assert isinstance(outcome, Failed)
    assert outcome.error == "ValueError: no ***"
    log = Path(task.log).read_text()
    assert log == outcome.tail + "\n"
    assert log.splitlines()[:2] == ["later ***", "Traceback (most recent call last):"]
    assert Path(__file__).name in log.splitlines()[2]
    assert log.splitlines()[-1] == "ValueError: no ***"


def test_what_others_print_meanwhile_and_afterwards_is_theirs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    taken: list[bytes] = []
    kept = []
    with printed_to(taken.append):
        sys.stdout.buffer.write(b"mine\xff")
        kept.append(sys.stdout)
        other = threading.Thread(target=print, args=("theirs",))
        other.start()
        other.join()
    kept[0].write("after\n")
    assert b"".join(taken) == b"mine\xff"
    assert capsys.readouterr().out == "theirs\nafter\n"
