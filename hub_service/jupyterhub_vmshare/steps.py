"""Named steps of work that must survive being killed.

Code says ``reached("sequencer.before_commit")`` where a crash would be worst. Nobody listens in
production; the crash tests kill the process there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]

_listeners: list[Listener] = []


def reached(step: str) -> None:
    """Tell the listeners that ``step`` has been reached. A listener may end the process."""
    for listener in _listeners:
        listener(step)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have ``listener`` called at each step while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
