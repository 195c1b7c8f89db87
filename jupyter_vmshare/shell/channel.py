"""A shell on the machine with a terminal of its own, shown here."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from typing import Any, Final

import asyncssh

from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.reach.failures import REFUSED, refusal_in
from jupyter_vmshare.reach.link import Link
from jupyter_vmshare.shell.here import Here, Size

_KEPT: Final = 2000
_TERM: Final = "xterm-256color"
_LANGUAGE: Final = "C.UTF-8"
# tmux asks which terminal this is, and knows enough without an answer. JupyterLab plays what was
# shown again after a reload, and the answer to that would be typed into whatever runs.
_QUESTIONS: Final = re.compile(rb"\x1b(?:\[(?:>[cq]|0?c)|\]1[01];\?(?:\x07|\x1b\\))")
# What is typed here is UTF-8, and the key above Enter sends this.
_MODES: Final = {asyncssh.PTY_IUTF8: 1, asyncssh.PTY_VERASE: 0x7F}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a shell ended, or that it is not known: then the link broke."""

    status: int | None
    refusal: VMShareError | None
    """What the relay said of this channel."""


class Shell(asyncssh.SSHClientSession[bytes]):
    """From its first word to its last."""

    def __init__(self, here: Here, is_tmux: bool) -> None:
        self._here, self._is_tmux = here, is_tmux
        self._chan: Any = None
        self._said = b""
        self._status: int | None = None
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    # --- from here ---

    def type(self, data: bytes) -> None:
        """Keys."""
        if not self.ended.done():
            self._chan.write(data)

    def resize(self, size: Size) -> None:
        """The terminal here has another size."""
        if not self.ended.done():
            self._chan.change_terminal_size(*size)

    def close(self) -> None:
        """Whoever looked at it has left."""
        self._chan.close()

    def hold(self, is_held: bool) -> None:
        """Whether the terminal here can't show more for now."""
        if is_held:
            self._chan.pause_reading()
        else:
            self._chan.resume_reading()

    # --- from the machine, as asyncssh tells it ---

    def connection_made(self, chan: Any) -> None:
        self._chan = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is None:
            self._here.write(_QUESTIONS.sub(b"", data) if self._is_tmux else data)
        else:  # a terminal has no stderr: it is the relay's
            self._said = (self._said + data)[-_KEPT:]

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._status = 128

    def pause_writing(self) -> None:
        self._here.hold(True)

    def resume_writing(self) -> None:
        self._here.hold(False)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            refusal = refusal_in(self._said)
            is_refused = refusal is not None and self._status in (None, REFUSED)
            self.ended.set_result(Ending(self._status, refusal if is_refused else None))


async def shown(link: Link, here: Here, command: str | None = None) -> Ending:
    """Have a shell there, or a command, until it ends or the link breaks.

    Raises:
        LinkCut: It did not begin.
    """
    try:
        _, session = await link.conn.create_session(
            lambda: Shell(here, command is not None),
            command or (),
            encoding=None,
            env=list(_languages().items()),
            request_pty="force",
            term_type=os.environ.get("TERM") or _TERM,
            term_size=here.size,
            term_modes=_MODES,
        )
    except (asyncssh.Error, OSError):
        raise await link.why() from None
    shell: Any = session
    here.takes, here.resized, here.full = shell.type, shell.resize, shell.hold
    shell.resize(here.size)  # it may have changed meanwhile
    try:
        ending: Ending = await shell.ended
        return ending
    finally:
        here.takes = None
        here.resized, here.full = lambda _size: None, lambda _is_full: None
        here.hold(False)
        here.forget_keys()
        shell.close()


def _languages() -> dict[str, str]:
    """In which the programs there speak; without a word about it, in UTF-8 at least."""
    found = {
        name: value
        for name, value in os.environ.items()
        if name in ("LANG", "LANGUAGE") or name.startswith("LC_")
    }
    return (
        found
        if any(found.get(name) for name in ("LANG", "LC_ALL", "LC_CTYPE"))
        else {
            **found,
            "LANG": _LANGUAGE,
        }
    )
