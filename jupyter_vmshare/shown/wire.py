"""The words of SFTP, version 3 (draft-ietf-secsh-filexfer-02), as far as a mount needs them."""

from __future__ import annotations

import errno
import os
import stat
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

VERSION: Final = 3
LONGEST: Final = (256 << 10) + 1024
"""Bytes of a packet. A longer one is the end."""
MOST_DATA: Final = 256 << 10
"""Bytes of one answer to a read."""


class Kind(IntEnum):
    """What a packet is."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """How a request ended."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    OP_UNSUPPORTED = 8


_SIZE, _OWNERS, _MODE, _TIMES, _EXTENDED = 1, 2, 4, 8, 0x80000000
_STATUS_OF: Final = {
    errno.ENOENT: Status.NO_SUCH_FILE,
    errno.EACCES: Status.PERMISSION_DENIED,
    errno.EOPNOTSUPP: Status.OP_UNSUPPORTED,
}


class Malformed(Exception):
    """Bytes that are no request."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a request says of a file; None: nothing."""

    size: int | None = None
    owners: tuple[int, int] | None = None
    mode: int | None = None
    times: tuple[int, int] | None = None
    """Of the last access and change, in seconds."""


class Reader:
    """Takes a packet apart."""

    def __init__(self, packet: bytes) -> None:
        self._packet, self._at = packet, 0

    def byte(self) -> int:
        return self._take(1)[0]

    def number(self) -> int:
        """Of 32 bits."""
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        """Of 64 bits."""
        return int.from_bytes(self._take(8), "big")

    def text(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> Attributes:
        flags = self.number()
        size = self.long() if flags & _SIZE else None
        owners = (self.number(), self.number()) if flags & _OWNERS else None
        mode = self.number() if flags & _MODE else None
        times = (self.number(), self.number()) if flags & _TIMES else None
        if flags & _EXTENDED:
            raise Malformed("Nobody has extended attributes.")
        return Attributes(size, owners, mode, times)

    def _take(self, count: int) -> bytes:
        taken = self._packet[self._at : self._at + count]
        if len(taken) < count:
            raise Malformed("A request ends too early.")
        self._at += count
        return taken


def number(value: int) -> bytes:
    """Of 32 bits."""
    return struct.pack(">I", value & 0xFFFFFFFF)


def text(value: bytes) -> bytes:
    """With its length before it."""
    return number(len(value)) + value


def attributes(found: os.stat_result) -> bytes:
    """What is known of a file."""
    flags = _SIZE | _OWNERS | _MODE | _TIMES
    numbers = (found.st_uid, found.st_gid, found.st_mode, int(found.st_atime), int(found.st_mtime))
    return struct.pack(">IQ", flags, found.st_size) + b"".join(map(number, numbers))


def long_name(name: bytes, found: os.stat_result) -> bytes:
    """A line for people, which programs do not read."""
    return b"%s %d %s" % (stat.filemode(found.st_mode).encode(), found.st_size, name)


def status_of(error: OSError) -> Status:
    """The nearest word for what the folder's file system said."""
    return _STATUS_OF.get(error.errno or 0, Status.FAILURE)
