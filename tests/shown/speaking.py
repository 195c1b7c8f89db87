"""Raw SFTP to the process that serves a folder, as a machine's root might speak it."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from jupyter_vmshare.shown.wire import Kind, Reader, Status, number, text

NOTHING = number(0)
"""No attributes."""
READ, WRITE, CREATE = 1, 2, 8


class Refused(Exception):
    """The answer was a status that is not OK."""

    def __init__(self, status: int) -> None:
        super().__init__(Status(status).name)
        self.status = status


class Client:
    """One connection to a server of its own."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_vmshare.shown.serving", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._number = 0
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout

    def __enter__(self) -> Self:
        self.send(bytes([Kind.INIT]) + number(3))
        assert self.receive()[0] == Kind.VERSION
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def send(self, packet: bytes) -> None:
        self.send_raw(number(len(packet)) + packet)

    def send_raw(self, data: bytes) -> None:
        self._in.write(data)
        self._in.flush()

    def receive(self) -> bytes:
        """A packet; empty when the server has ended."""
        head = self._out.read(4)
        return self._out.read(int.from_bytes(head, "big")) if head else b""

    def ask(self, kind: Kind, body: bytes) -> Reader:
        """The answer's body. Raises `Refused`."""
        self._number += 1
        self.send(bytes([kind]) + number(self._number) + body)
        answer = Reader(self.receive())
        said = answer.byte()
        assert answer.number() == self._number
        if said == Kind.STATUS and (status := answer.number()) != Status.OK:
            raise Refused(status)
        return answer

    def open(self, path: bytes, flags: int = READ) -> bytes:
        return self.ask(Kind.OPEN, text(path) + number(flags) + NOTHING).text()

    def read(self, path: bytes) -> bytes:
        """The beginning of a file."""
        handle = self.open(path)
        try:
            asked = text(handle) + struct.pack(">QI", 0, 1 << 16)
            return self.ask(Kind.READ, asked).text()
        finally:
            self.close(handle)

    def close(self, handle: bytes) -> None:
        self.ask(Kind.CLOSE, text(handle))

    def names(self, path: bytes) -> list[bytes]:
        """Of a directory."""
        handle = self.ask(Kind.OPENDIR, text(path)).text()
        found: list[bytes] = []
        try:
            while True:
                answer = self.ask(Kind.READDIR, text(handle))
                for _ in range(answer.number()):
                    found.append(answer.text())
                    answer.text()
                    answer.attributes()
        except Refused as refused:
            assert refused.status == Status.EOF
        self.close(handle)
        return sorted(found)
