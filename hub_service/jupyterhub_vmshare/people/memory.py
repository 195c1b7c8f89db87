"""A short memory for the hub's answers: bounded in age and size, one question at a time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class ShortMemory(Generic[T]):
    """Answers by key, for at most ``max_age`` seconds and ``size`` keys (the oldest go first).

    Whoever asks for what is being asked already shares that answer. ``fresh`` never does: an
    answer counts as fresh only if the question went out after the asker asked.
    """

    def __init__(
        self, *, max_age: float, size: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_age, self._size, self._now = max_age, size, monotonic
        # Each with the moment its question went out: an answer is as old as its question.
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._asked: dict[str, asyncio.Task[T]] = {}
        self._forgot = 0

    def forget(self) -> None:
        """Remember nothing: neither what is known, nor what questions under way will say."""
        self._forgot += 1
        self._known.clear()
        self._asked.clear()

    async def get(self, key: str, ask: Callable[[], Awaitable[T]], *, fresh: bool = False) -> T:
        """What is remembered under ``key``, or what ``ask()`` says; an error is not remembered."""
        if not fresh:
            known = self._known.get(key)
            if known is not None and self._now() - known[0] < self._max_age:
                return known[1]
            if key in self._asked:
                return await asyncio.shield(self._asked[key])
        task = asyncio.ensure_future(self._ask(key, ask))
        self._asked[key] = task
        task.add_done_callback(lambda done: self._forget_question(key, done))
        # Shielded: one impatient asker must not cancel the answer of all the others.
        return await asyncio.shield(task)

    async def _ask(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        at, forgot = self._now(), self._forgot
        try:
            answer = await ask()
        except BaseException:
            # What we knew may be what the hub no longer says.
            self._known.pop(key, None)
            raise
        known = self._known.get(key)
        if forgot == self._forgot and (known is None or known[0] <= at):
            self._known[key] = (at, answer)
            self._known.move_to_end(key)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return answer

    def _forget_question(self, key: str, done: asyncio.Task[T]) -> None:
        if self._asked.get(key) is done:
            del self._asked[key]
        if not done.cancelled():
            done.exception()  # retrieved here, so that nobody's absence logs a warning

    def __len__(self) -> int:
        return len(self._known)
