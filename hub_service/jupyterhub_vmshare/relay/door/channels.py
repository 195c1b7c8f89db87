"""The two ends of a channel: a person's at the relay, and the same on the machine.

What one end reads the other writes; an end that can't write more stops the other from reading, so
that no more than a window of each is ever in memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Final, Protocol

import asyncssh

from jupyterhub_vmshare.relay.door.sftp import Gate, Malformed

FOLDERS: Final = "exec /usr/bin/python3 -IS /usr/local/lib/vmshare_folders.py "
"""How a notebook server begins what brings a shared folder."""
_STDERR: Final = 1
_PASSED_ON: Final = frozenset({"LANG", "LANGUAGE"})
_GONE: Final = 255


class Owner(Protocol):
    """The link that a channel belongs to."""

    def began(self, end: PersonEnd | Half) -> None:
        """A person's end asks for something, and wants to be connected."""

    def over(self, end: PersonEnd | Half) -> None:
        """It is closed."""

    def allows(self, action: str) -> bool:
        """Whether they may do that now."""


class Half:
    """What all ends do: both of a forwarded port, and both of a session."""

    is_use = True
    """Whether a machine is in use as long as it is open."""

    def __init__(self) -> None:
        self.chan: Any = None
        self.other: Half | None = None
        self._early: list[tuple[bytes, int | None]] = []
        self._early_end = False
        self._is_over = False

    def connection_made(self, chan: Any) -> None:
        self.chan = chan

    def connect(self, other: Half) -> None:
        """From now on both ends are one; what came before goes on."""
        self.other, other.other = other, self
        for half in (self, other):
            half.catch_up()

    def catch_up(self) -> None:
        """Pass on what came before there was anybody to pass it to."""
        early, self._early = self._early, []
        for data, kind in early:
            self._pass_on(data, kind)
        if self._early_end and self.other is not None:
            self.other.end()
        if self._is_over:
            self.hung_up()
        else:
            self.chan.resume_reading()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.other is None:
            self._early.append((data, datatype))
            self.chan.pause_reading()
        else:
            self._pass_on(data, datatype)

    def _pass_on(self, data: bytes, datatype: int | None) -> None:
        if self.other is not None:
            self.other.write(data, datatype)

    def write(self, data: bytes, datatype: int | None = None) -> None:
        """Towards whoever is at this end."""
        with contextlib.suppress(OSError):
            self.chan.write(data, datatype)

    def eof_received(self) -> bool:
        if self.other is None:
            self._early_end = True
        else:
            self.other.end()
        return True  # the other direction goes on

    def end(self) -> None:
        """There is nothing more to write."""
        with contextlib.suppress(OSError):
            self.chan.write_eof()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.chan.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.chan.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self.hung_up()

    def hung_up(self) -> None:
        """This end is gone: so goes the other, as soon as there is one."""
        if self.other is not None:
            self.other.chan.close()

    def say(self, sentence: str, *, last: bool = False) -> None:
        """To a person; a forwarded port has no place for it."""
        if last:
            self.chan.close()


class PersonEnd(Half, asyncssh.SSHServerSession[bytes]):
    """A session that a person asked for: a shell, a command, or SFTP."""

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self.action = "open_terminal"
        self.command: str | None = None
        self.gate: Gate | None = None
        self.terminal: dict[str, Any] = {}

    @property
    def is_sftp(self) -> bool:
        """Whether it is held to each request's own action."""
        return self.gate is not None

    def environment(self) -> Mapping[str, str]:
        """What of theirs goes on: languages, and nothing that a program could be led by."""
        found: Mapping[str, str] = self.chan.get_environment()
        return {
            name: value
            for name, value in found.items()
            if name in _PASSED_ON or name.startswith("LC_")
        }

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:
        self.terminal = {"term_type": term_type, "term_size": term_size, "term_modes": term_modes}
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self.command = command
        # A folder that is there for whoever comes keeps no machine on; whoever uses it does.
        self.is_use = not command.startswith(FOLDERS)
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        if subsystem != "sftp":
            return False
        self.action = "read_files"
        self.gate = Gate(self._owner.allows)
        return True

    def session_started(self) -> None:
        self._owner.began(self)

    def _pass_on(self, data: bytes, datatype: int | None) -> None:
        if self.gate is None:
            super()._pass_on(data, datatype)
            return
        try:
            onwards, back = self.gate.asks(data)
        except Malformed:
            self.say("This is not SFTP as it is spoken here.", last=True)
            return
        if onwards:
            super()._pass_on(onwards, None)
        if back:
            super().write(back)

    def write(self, data: bytes, datatype: int | None = None) -> None:
        if self.gate is None or datatype is not None:
            super().write(data, datatype)
            return
        try:
            super().write(self.gate.answers(data))
        except Malformed:
            self.say("The machine does not answer as SFTP does.", last=True)

    def signal_received(self, signal: str) -> None:
        if isinstance(self.other, MachineEnd):
            self.other.chan.send_signal(signal)

    def break_received(self, msec: int) -> bool:
        if isinstance(self.other, MachineEnd):
            self.other.chan.send_break(msec)
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self.terminal["term_size"] = (width, height, pixwidth, pixheight)
        if isinstance(self.other, MachineEnd):
            self.other.chan.change_terminal_size(width, height, pixwidth, pixheight)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._owner.over(self)

    def say(self, sentence: str, *, last: bool = False) -> None:
        """On stderr, where no program takes it for what it asked for."""
        with contextlib.suppress(OSError):
            ending = "\r\n" if self.terminal else "\n"
            self.chan.write(f"vmshare: {sentence}{ending}".encode(), _STDERR)
            if last:
                self.chan.exit(_GONE)


class MachineEnd(Half, asyncssh.SSHClientSession[bytes]):
    """The same session on the machine; how it ended is told when all that it wrote has come."""

    def __init__(self) -> None:
        super().__init__()
        self._status = _GONE
        self._signal: tuple[str, bool, str, str] | None = None

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._signal = (signal, core_dumped, msg, lang)

    def hung_up(self) -> None:
        if self.other is None:
            return
        with contextlib.suppress(OSError):
            if self._signal is None:
                self.other.chan.exit(self._status)
            else:
                self.other.chan.exit_with_signal(*self._signal)


class PersonPort(Half, asyncssh.SSHTCPSession[bytes]):
    """A connection that a person forwards to a program of theirs."""

    action = "open_app"

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self.machine: Half | None = None

    def connection_made(self, chan: Any) -> None:
        super().connection_made(chan)
        if self.machine is not None:
            self.connect(self.machine)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._owner.over(self)


class MachinePort(Half, asyncssh.SSHTCPSession[bytes]):
    """The same on the machine's own loopback."""
