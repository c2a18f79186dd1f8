"""A day of waiting takes no time, and moments come in their order."""

from __future__ import annotations

import asyncio

import pytest

from fsm.errors import FsmError
from fsm.spec.virtual_time import VirtualLoop


def test_a_day_is_over_at_once() -> None:
    loop = VirtualLoop()
    loop.run_until_complete(asyncio.sleep(86_400))
    assert loop.time() == 86_400
    loop.close()


def test_what_ends_at_the_same_moment_ends_in_the_order_of_its_beginning() -> None:
    ended: list[int] = []

    async def work(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(number)

    async def main() -> None:
        await asyncio.gather(*(work(number, 1) for number in range(50)), work(50, 0.5))

    loop = VirtualLoop()
    loop.run_until_complete(main())
    loop.close()
    assert ended == [50, *range(50)]


def test_a_timeout_strikes_at_its_time() -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await asyncio.sleep(61)

    loop = VirtualLoop()
    with pytest.raises(TimeoutError):
        loop.run_until_complete(main())
    assert loop.time() == 60
    loop.close()


def test_waiting_for_nothing_is_an_error_and_no_standstill() -> None:
    loop = VirtualLoop()
    with pytest.raises(FsmError, match="nothing is left to wait for"):
        loop.run_until_complete(loop.create_future())
    loop.close()
