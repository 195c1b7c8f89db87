"""SFTP by the request: which action of the tables each one is, and refusing those not allowed.

Version 3 of the protocol, as OpenSSH speaks it (draft-ietf-secsh-filexfer-02, and the extensions
in OpenSSH's PROTOCOL file). What is allowed goes on as it came; paths are the machine's business,
which answers as the person's own account.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

LONGEST: Final = 300 * 1024
"""Bytes of one packet: OpenSSH's limit is 256 KiB."""

_INIT, _OPEN, _EXTENDED, _STATUS = 1, 3, 200, 101
_NOTHING: Final[frozenset[str]] = frozenset()
_READ = frozenset({"read_files"})
_UPLOAD, _DOWNLOAD = frozenset({"upload"}), frozenset({"download"})
_ANY: Final = frozenset({"read_files", "upload", "download"})

ACTIONS: Final[dict[int, frozenset[str]]] = {
    4: _NOTHING,  # close
    5: _DOWNLOAD,  # read
    6: _UPLOAD,  # write
    7: _READ,  # lstat
    8: _READ,  # fstat
    9: _UPLOAD,  # setstat
    10: _UPLOAD,  # fsetstat
    11: _READ,  # opendir
    12: _READ,  # readdir
    13: _UPLOAD,  # remove
    14: _UPLOAD,  # mkdir
    15: _UPLOAD,  # rmdir
    16: _NOTHING,  # realpath: where one begins
    17: _READ,  # stat
    18: _UPLOAD,  # rename
    19: _READ,  # readlink
    20: _UPLOAD,  # symlink
}
EXTENSIONS: Final[dict[bytes, frozenset[str]]] = {
    b"posix-rename@openssh.com": _UPLOAD,
    b"hardlink@openssh.com": _UPLOAD,
    b"fsync@openssh.com": _UPLOAD,
    b"lsetstat@openssh.com": _UPLOAD,
    b"copy-data": _UPLOAD | _DOWNLOAD,
    b"statvfs@openssh.com": _READ,
    b"fstatvfs@openssh.com": _READ,
    b"expand-path@openssh.com": _NOTHING,
    b"home-directory": _NOTHING,
    b"limits@openssh.com": _NOTHING,
    b"users-groups-by-id@openssh.com": _READ,
}
_READS, _WRITES = 0x01, 0x02 | 0x04 | 0x08 | 0x10 | 0x20
_WORDS: Final = {"read_files": "list files", "upload": "upload", "download": "download"}


class Malformed(Exception):
    """This is not SFTP; the channel ends."""


class Packets:
    """Whole packets out of a stream, never more than one of the longest in memory."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def of(self, data: bytes) -> Iterator[bytes]:
        """Those that are whole by now, with their lengths. Raises `Malformed`."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= 4:
            (length,) = struct.unpack_from(">I", self._buffer, start)
            if not 0 < length <= LONGEST:
                raise Malformed
            end = start + 4 + length
            if len(self._buffer) < end:
                break
            yield bytes(self._buffer[start:end])
            start = end
        del self._buffer[:start]


def needed(packet: bytes) -> frozenset[str] | None:
    """The actions that a request is; None for one that is not known here."""
    kind = packet[4]
    if kind == _INIT:
        return _NOTHING
    if kind == _OPEN:
        flags = _flags(packet)
        reads = _DOWNLOAD if flags & _READS else _NOTHING
        return reads | (_UPLOAD if flags & _WRITES else _NOTHING)
    if kind == _EXTENDED:
        return EXTENSIONS.get(_string(packet, 9)[0])
    return ACTIONS.get(kind)


def refusal(packet: bytes, sentence: str, *, unsupported: bool = False) -> bytes:
    """The answer to a request that does not go on. Raises `Malformed` where it has no number."""
    if len(packet) < 9:
        raise Malformed
    told = sentence.encode()
    code = 8 if unsupported else 3
    body = packet[5:9] + struct.pack(">II", code, len(told)) + told + struct.pack(">I", 2) + b"en"
    return struct.pack(">IB", len(body) + 1, _STATUS) + body


class Gate:
    """Between a person's SFTP client and a machine's server.

    Args:
        allows: Whether an action is allowed, asked for each request anew.
    """

    def __init__(self, allows: Callable[[str], bool]) -> None:
        self._allows = allows
        self._asked, self._answered = Packets(), Packets()

    def asks(self, data: bytes) -> tuple[bytes, bytes]:
        """What goes on to the machine, and what is answered here."""
        onwards, back = bytearray(), bytearray()
        for packet in self._asked.of(data):
            wanted = needed(packet)
            if wanted is None:
                back += refusal(packet, "This request is not known here.", unsupported=True)
                continue
            missing = [_WORDS[each] for each in sorted(wanted) if not self._allows(each)]
            if missing:
                sentence = f"You may not {' or '.join(missing)} on this machine."
                back += refusal(packet, sentence)
            else:
                onwards += packet
        return bytes(onwards), bytes(back)

    def answers(self, data: bytes) -> bytes:
        """What goes on to the person: whole packets, so that answers made here fit between."""
        return b"".join(self._answered.of(data))


def any_of(allows: Callable[[str], bool]) -> bool:
    """Whether there is a use for SFTP at all."""
    return any(allows(action) for action in _ANY)


def _string(packet: bytes, at: int) -> tuple[bytes, int]:
    """A string of a packet, and where it ends."""
    if len(packet) < at + 4:
        raise Malformed
    (length,) = struct.unpack_from(">I", packet, at)
    end = at + 4 + length
    if len(packet) < end:
        raise Malformed
    return packet[at + 4 : end], end


def _flags(packet: bytes) -> int:
    _, end = _string(packet, 9)
    if len(packet) < end + 4:
        raise Malformed
    (flags,) = struct.unpack_from(">I", packet, end)
    return int(flags)
