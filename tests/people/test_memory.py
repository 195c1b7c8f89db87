"""The short memory of the hub's answers, on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from jupyterhub_vmshare.people.memory import ShortMemory

pytestmark = pytest.mark.asyncio


class Oracle:
    """Answers with a number that grows, when it is told to."""

    def __init__(self) -> None:
        self.questions = 0
        self.open: list[asyncio.Future[None]] = []

    async def ask(self) -> int:
        self.questions += 1
        return self.questions

    async def ask_slowly(self) -> int:
        self.questions += 1
        answer = self.questions
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open.append(gate)
        await gate
        return answer


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def memory(clock: Callable[[], float], size: int = 10) -> ShortMemory[int]:
    return ShortMemory(max_age=10, size=size, monotonic=clock)


async def test_an_answer_is_believed_for_ten_seconds_and_no_longer() -> None:
    clock, oracle = Clock(), Oracle()
    known = memory(clock)
    first = await known.get("ana", oracle.ask)
    clock.now += 9.9
    assert await known.get("ana", oracle.ask) == first
    clock.now += 0.2
    assert await known.get("ana", oracle.ask) != first


async def test_fresh_asks_again_and_is_remembered() -> None:
    clock, oracle = Clock(), Oracle()
    known = memory(clock)
    await known.get("ana", oracle.ask)
    assert await known.get("ana", oracle.ask, fresh=True) == 2
    assert await known.get("ana", oracle.ask) == 2


async def test_whoever_asks_the_same_at_once_shares_one_question() -> None:
    oracle, known = Oracle(), memory(Clock())
    asking = [asyncio.create_task(known.get("ana", oracle.ask_slowly)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    oracle.open[0].set_result(None)
    assert await asyncio.gather(*asking) == [1] * 20


async def test_fresh_never_shares_a_question_that_was_put_before() -> None:
    oracle, known = Oracle(), memory(Clock())
    early = asyncio.create_task(known.get("ana", oracle.ask_slowly))
    await asyncio.sleep(0.01)
    late = asyncio.create_task(known.get("ana", oracle.ask_slowly, fresh=True))
    await asyncio.sleep(0.01)
    for gate in oracle.open:
        gate.set_result(None)
    assert (await early, await late) == (1, 2)


async def test_an_older_answer_that_comes_late_replaces_no_newer_one() -> None:
    clock, oracle = Clock(), Oracle()
    known = memory(clock)
    early = asyncio.create_task(known.get("ana", oracle.ask_slowly))
    await asyncio.sleep(0.01)
    clock.now += 1
    late = asyncio.create_task(known.get("ana", oracle.ask_slowly, fresh=True))
    await asyncio.sleep(0.01)
    oracle.open[1].set_result(None)
    await late
    oracle.open[0].set_result(None)
    await early
    assert await known.get("ana", oracle.ask) == 2


@pytest.mark.parametrize("impatient", [0, 1], ids=["the first asker", "a later one"])
async def test_an_impatient_asker_does_not_cancel_the_others(impatient: int) -> None:
    oracle, known = Oracle(), memory(Clock())
    asking = [asyncio.create_task(known.get("ana", oracle.ask_slowly)) for _ in range(3)]
    await asyncio.sleep(0.01)
    asking[impatient].cancel()
    await asyncio.sleep(0.01)
    oracle.open[0].set_result(None)
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [answer for answer in answers if answer == 1] == [1, 1]


async def test_an_error_is_not_remembered_and_forgets_what_was_known() -> None:
    oracle, known = Oracle(), memory(Clock())

    async def fails() -> int:
        raise OSError("down")

    await known.get("ana", oracle.ask)
    failing: Callable[[], Awaitable[int]] = fails
    with pytest.raises(OSError, match="down"):
        await known.get("ana", failing, fresh=True)
    assert await known.get("ana", oracle.ask) == 2


async def test_it_stays_small_and_forgets_the_oldest() -> None:
    oracle, known = Oracle(), memory(Clock(), size=3)
    for key in ("ana", "ben", "cleo", "dan"):
        await known.get(key, oracle.ask)
    assert len(known) == 3
    assert await known.get("dan", oracle.ask) == 4
    assert await known.get("ana", oracle.ask) == 5
