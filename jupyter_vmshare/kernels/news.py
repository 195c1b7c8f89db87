"""What became of the kernels on machines, for whoever shows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

State = Literal["connected", "reconnecting", "ended"]
_REMEMBERED: Final = 100


@dataclass(frozen=True, slots=True)
class News:
    """One kernel's state; ``because`` is a sentence for the person."""

    kernel_id: str
    machine: str
    kernel: str
    state: State
    because: str | None

    def told(self) -> dict[str, Any]:
        """As an event has it."""
        return asdict(self)


class Board:
    """The last of each kernel, and who wants to hear what comes. For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, tuple[News, datetime]] = {}
        self._listeners: list[Callable[[News], None]] = []

    def tell(self, news: News) -> None:
        """It has changed."""
        with self._lock:
            self._last.pop(news.kernel_id, None)
            self._last[news.kernel_id] = (news, datetime.now(UTC))
            while len(self._last) > _REMEMBERED:
                del self._last[next(iter(self._last))]
            listeners = list(self._listeners)
        for listener in listeners:
            listener(news)

    def runs(self, news: News) -> None:
        """It runs as it should, which is worth a word only after something else."""
        with self._lock:
            known = self._last.get(news.kernel_id)
            if known is None or known[0].state == "connected":
                self._last[news.kernel_id] = (news, datetime.now(UTC))
                return
        self.tell(news)

    def forget(self, kernel_id: str) -> None:
        """It was shut down, in order."""
        with self._lock:
            known = self._last.get(kernel_id)
            if known is not None and known[0].state != "ended":
                del self._last[kernel_id]

    def all(self) -> list[dict[str, Any]]:
        """The last of each, and since when."""
        with self._lock:
            known = list(self._last.values())
        return [{**news.told(), "at": at.isoformat()} for news, at in known]

    def listen(self, listener: Callable[[News], None]) -> Callable[[], None]:
        """Be told from now on, in any thread; returns what ends it."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end


board = Board()
"""Of this process, as all kernels on machines are."""
