"""The terminal that this program runs in: keys come as they are, and so does what is shown."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
import tty
from collections.abc import Callable, Iterator
from typing import Any, Final

from jupyter_vmshare.widgets.cards import visible

_TTY: Final = "/dev/tty"
_LEAVING: Final = frozenset(b"\x03\x04")
"""Ctrl+C and Ctrl+D, where nothing on the machine hears them."""
_LEAVE: Final = 4
# What a program that was cut off can't put back: the other screen, colours, the mouse, paste.
_AS_BEFORE: Final = (
    "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[m"
)
_MOST: Final = 1 << 16
Size = tuple[int, int, int, int]
"""Columns, rows, and both in pixels (0 where that is not known)."""


class NoTerminal(OSError):
    """This program was started where nobody could type."""


class Left(Exception):
    """Whoever waited does not want to wait any more."""


class _Keys(asyncio.Protocol):
    def __init__(self, here: Here) -> None:
        self._here = here

    def data_received(self, data: bytes) -> None:
        self._here.typed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._here.hung_up()


class _Screen(asyncio.BaseProtocol):
    def __init__(self, here: Here) -> None:
        self._here = here

    def pause_writing(self) -> None:
        self._here.full(True)

    def resume_writing(self) -> None:
        self._here.full(False)


class Here:
    """Raw while it is open, so that every key is the machine's. Made by `opened`.

    ``takes`` gets what is typed; while it is None, keys are for `key` and `left`. ``resized`` and
    ``full`` are told of a new size, and whether no more can be shown for now.
    """

    def __init__(self) -> None:
        self.takes: Callable[[bytes], None] | None = None
        self.resized: Callable[[Size], None] = lambda _size: None
        self.full: Callable[[bool], None] = lambda _is_full: None
        self._waiting: asyncio.Queue[int] = asyncio.Queue()
        self._keys: Any = None
        self._screen: Any = None
        self._fd = -1
        self._last = b"\n"

    @contextlib.contextmanager
    def opened(self) -> Iterator[Here]:
        """In a running event loop. Raises `NoTerminal`."""
        flags = os.O_NOCTTY | os.O_CLOEXEC
        try:
            self._fd = os.open(_TTY, os.O_RDWR | flags)
            before = termios.tcgetattr(self._fd)
        except (OSError, termios.error):
            raise NoTerminal("This is no terminal: there is nobody to type.") from None
        loop = asyncio.get_running_loop()
        tty.setraw(self._fd, termios.TCSADRAIN)
        loop.add_signal_handler(signal.SIGWINCH, lambda: self.resized(self.size))
        try:
            yield self
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
            for transport in (self._keys, self._screen):
                if transport is not None:
                    transport.close()
            with contextlib.suppress(OSError, termios.error):  # it may be gone
                termios.tcsetattr(self._fd, termios.TCSADRAIN, before)
            os.close(self._fd)

    async def begin(self) -> None:
        """Listen, and be able to show something.

        Both have a description of their own, since what others in this terminal write to must not
        be made one that refuses to wait.
        """
        loop, flags = asyncio.get_running_loop(), os.O_NOCTTY | os.O_CLOEXEC
        screen = os.fdopen(os.open(_TTY, os.O_WRONLY | flags), "wb", 0)
        self._screen, _ = await loop.connect_write_pipe(lambda: _Screen(self), screen)
        keys = os.fdopen(os.open(_TTY, os.O_RDONLY | flags), "rb", 0)
        self._keys, _ = await loop.connect_read_pipe(lambda: _Keys(self), keys)

    @property
    def size(self) -> Size:
        """As it is now."""
        answer = fcntl.ioctl(self._fd, termios.TIOCGWINSZ, bytes(8))
        rows, columns, wide, high = struct.unpack("HHHH", answer)
        return columns or 80, rows or 24, wide, high

    # --- what is typed ---

    def typed(self, data: bytes) -> None:
        """Keys; for whoever is there to take them."""
        if self.takes is not None:
            self.takes(data)
        else:
            for each in data:
                self._waiting.put_nowait(each)

    def hung_up(self) -> None:
        """Nobody types here any more."""
        self._waiting.put_nowait(_LEAVE)

    def hold(self, is_held: bool) -> None:
        """Whether no more is read of what is typed for now."""
        if is_held:
            self._keys.pause_reading()
        else:
            self._keys.resume_reading()

    async def wants_again(self) -> bool:
        """Whether Enter is pressed next; not with Ctrl+C or Ctrl+D. Other keys say nothing."""
        while True:
            key = await self._waiting.get()
            if key in b"\r\n":
                return True
            if key in _LEAVING:
                return False

    async def left(self) -> None:
        """Until Ctrl+C or Ctrl+D is pressed."""
        while await self._waiting.get() not in _LEAVING:
            pass

    def forget_keys(self) -> None:
        """What was typed before is an answer to nothing."""
        while not self._waiting.empty():
            self._waiting.get_nowait()

    # --- what is shown ---

    def write(self, data: bytes) -> None:
        """What comes from the machine."""
        if data:
            self._last = data[-1:]
            self._screen.write(data)

    def say(self, sentence: str, *, is_line: bool = True) -> None:
        """A sentence of ours, on its own line; without ``is_line`` the next is written over it."""
        begin = "\r\x1b[K" if self._last in (b"\n", b"\r") else f"{_AS_BEFORE}\r\n"
        end = "\r\n" if is_line else "\r"
        self._screen.write(f"{begin}\x1b[1m{visible(sentence)}\x1b[22m{end}".encode())
        self._last = end[-1:].encode()

    def entitle(self, title: str) -> None:
        """What the tab or the window is called, until a shell there says otherwise."""
        self._screen.write(f"\x1b]0;{visible(title)}\x07".encode())

    async def unless_left(self, work: Any) -> Any:
        """What ``work`` results in. Raises `Left` where they press Ctrl+C or Ctrl+D before."""
        working, leaving = asyncio.ensure_future(work), asyncio.create_task(self.left())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait({working})
        if working.cancelled():
            raise Left
        return working.result()
