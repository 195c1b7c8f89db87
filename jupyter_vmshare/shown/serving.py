"""One folder of this session as an SFTP server on stdin and stdout: ``python -m … DIRECTORY``.

A process of its own, so that a machine's root who finds a way to keep it busy, or to end it, does
so to this folder on this machine alone. It obeys one request after the other, and writes an answer
before it reads the next: who does not take answers gets no more, and it never holds more than one.
"""

from __future__ import annotations

import errno
import itertools
import os
import resource
import stat
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Final

from jupyter_vmshare.shown import wire
from jupyter_vmshare.shown.confined import Tree, names
from jupyter_vmshare.shown.wire import Kind, Malformed, Reader, Status

MOST_OPEN: Final = 512
"""Files and directories that are open at a time."""
_NAMES_AT_ONCE: Final = 100
_MEMORY: Final = 1 << 30
_FLAGS: Final = ((0x08, os.O_CREAT), (0x10, os.O_TRUNC), (0x20, os.O_EXCL), (0x04, os.O_APPEND))
_EXTENSIONS: Final = (
    (b"posix-rename@openssh.com", b"1"),
    (b"statvfs@openssh.com", b"2"),
    (b"fsync@openssh.com", b"1"),
)

Answer = tuple[Kind, bytes]
_OK: Final[Answer] = (Kind.STATUS, wire.number(Status.OK) + wire.text(b"") + wire.text(b""))


class Unmounted(Exception):
    """The session does not have the folder any more."""


class _Listing:
    """A directory that is read."""

    def __init__(self, directory: int) -> None:
        self.directory = directory
        self.entries = os.scandir(directory)
        itself = os.fstat(directory)
        self.whole: Iterator[tuple[bytes, os.stat_result]] = itertools.chain(
            ((b".", itself), (b"..", itself)), self._found()
        )

    def _found(self) -> Iterator[tuple[bytes, os.stat_result]]:
        for entry in self.entries:
            try:
                yield os.fsencode(entry.name), entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # removed meanwhile

    def close(self) -> None:
        self.entries.close()
        os.close(self.directory)


class Server:
    """What is answered to each request.

    Args:
        tree: Where all paths begin.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._open: dict[bytes, int | _Listing] = {}
        self._numbers = itertools.count()
        self._does: dict[int, Callable[[Reader], Answer]] = {
            Kind.OPEN: self._open_file,
            Kind.CLOSE: self._close,
            Kind.READ: self._read,
            Kind.WRITE: self._write,
            Kind.LSTAT: self._stat,
            Kind.STAT: self._stat,
            Kind.FSTAT: self._stat_open,
            Kind.SETSTAT: self._set,
            Kind.FSETSTAT: self._set_open,
            Kind.OPENDIR: self._open_directory,
            Kind.READDIR: self._list,
            Kind.REMOVE: self._remove,
            Kind.MKDIR: self._make_directory,
            Kind.RMDIR: self._remove_directory,
            Kind.REALPATH: self._real_path,
            Kind.RENAME: lambda asked: self._rename(asked, over=False),
            Kind.READLINK: self._read_link,
            Kind.SYMLINK: self._make_link,
            Kind.EXTENDED: self._extended,
        }

    def answer(self, packet: bytes) -> bytes:
        """The answer to a packet, as a packet.

        Raises:
            Malformed: It is none.
            Unmounted: There is nothing to answer for any more.
        """
        asked = Reader(packet)
        kind = asked.byte()
        if kind == Kind.INIT:
            extensions = b"".join(
                wire.text(name) + wire.text(version) for name, version in _EXTENSIONS
            )
            return bytes([Kind.VERSION]) + wire.number(wire.VERSION) + extensions
        number = asked.number()
        try:
            does = self._does.get(kind)
            said, body = does(asked) if does else _status(Status.OP_UNSUPPORTED)
        except OSError as error:
            if error.errno == errno.ENOTCONN and not self._tree.is_there():
                raise Unmounted from None
            said, body = _status(wire.status_of(error), os.strerror(error.errno or errno.EIO))
        except (ValueError, OverflowError):
            said, body = _status(Status.FAILURE)
        return bytes([said]) + wire.number(number) + body

    # --- files ---

    def _open_file(self, asked: Reader) -> Answer:
        path, wanted, about = asked.text(), asked.number(), asked.attributes()
        self._demand_room()
        flags = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY, os.O_RDWR)[wanted & 3]
        for bit, flag in _FLAGS:
            flags |= flag if wanted & bit else 0
        mode = 0o666 if about.mode is None else about.mode
        return self._opened(self._tree.open(path, flags, mode))

    def _open_directory(self, asked: Reader) -> Answer:
        path = asked.text()
        self._demand_room()
        return self._opened(_Listing(self._tree.list(path)))

    def _demand_room(self) -> None:
        if len(self._open) >= MOST_OPEN:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def _opened(self, what: int | _Listing) -> Answer:
        handle = b"%d" % next(self._numbers)
        self._open[handle] = what
        return Kind.HANDLE, wire.text(handle)

    def _close(self, asked: Reader) -> Answer:
        found = self._open.pop(asked.text(), None)
        if found is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if isinstance(found, int):
            os.close(found)
        else:
            found.close()
        return _OK

    def _file(self, asked: Reader) -> int:
        found = self._open.get(asked.text())
        if not isinstance(found, int):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return found

    def _read(self, asked: Reader) -> Answer:
        file, at, count = self._file(asked), asked.long(), asked.number()
        data = os.pread(file, min(count, wire.MOST_DATA), at)
        return (Kind.DATA, wire.text(data)) if data or not count else _status(Status.EOF)

    def _write(self, asked: Reader) -> Answer:
        file, at, data = self._file(asked), asked.long(), asked.text()
        while data:
            written = os.pwrite(file, data, at)
            at, data = at + written, data[written:]
        return _OK

    # --- directories ---

    def _list(self, asked: Reader) -> Answer:
        found = self._open.get(asked.text())
        if not isinstance(found, _Listing):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        some = list(itertools.islice(found.whole, _NAMES_AT_ONCE))
        return _names(some) if some else _status(Status.EOF)

    def _make_directory(self, asked: Reader) -> Answer:
        path, about = asked.text(), asked.attributes()
        mode = 0o777 if about.mode is None else about.mode
        self._tree.make_directory(path, mode)
        return _OK

    def _remove_directory(self, asked: Reader) -> Answer:
        self._tree.remove_directory(asked.text())
        return _OK

    # --- names ---

    def _real_path(self, asked: Reader) -> Answer:
        nothing = os.stat_result((stat.S_IFDIR, *[0] * 9))
        return _names([(b"/" + b"/".join(names(asked.text())), nothing)])

    def _rename(self, asked: Reader, *, over: bool) -> Answer:
        self._tree.rename(asked.text(), asked.text(), over=over)
        return _OK

    def _remove(self, asked: Reader) -> Answer:
        self._tree.remove(asked.text())
        return _OK

    def _read_link(self, asked: Reader) -> Answer:
        nothing = os.stat_result((stat.S_IFLNK, *[0] * 9))
        return _names([(self._tree.read_link(asked.text()), nothing)])

    def _make_link(self, asked: Reader) -> Answer:
        # In OpenSSH's order, which is the other way round than the draft's.
        target, path = asked.text(), asked.text()
        self._tree.make_link(path, target)
        return _OK

    # --- what is known of them ---

    def _stat(self, asked: Reader) -> Answer:
        return Kind.ATTRS, wire.attributes(self._tree.stat(asked.text()))

    def _stat_open(self, asked: Reader) -> Answer:
        return Kind.ATTRS, wire.attributes(os.fstat(self._file(asked)))

    def _set(self, asked: Reader) -> Answer:
        path, about = asked.text(), asked.attributes()
        if about.size is not None:
            self._tree.set_size(path, about.size)
        if about.owners is not None:
            self._tree.set_owners(path, about.owners)
        if about.mode is not None:
            self._tree.set_mode(path, about.mode)
        if about.times is not None:
            self._tree.set_times(path, about.times)
        return _OK

    def _set_open(self, asked: Reader) -> Answer:
        file, about = self._file(asked), asked.attributes()
        if about.size is not None:
            os.ftruncate(file, about.size)
        if about.owners is not None:
            os.fchown(file, *about.owners)
        if about.mode is not None:
            os.fchmod(file, about.mode & 0o777)
        if about.times is not None:
            os.utime(file, about.times)
        return _OK

    def _extended(self, asked: Reader) -> Answer:
        match asked.text():
            case b"posix-rename@openssh.com":
                return self._rename(asked, over=True)
            case b"fsync@openssh.com":
                os.fsync(self._file(asked))
                return _OK
            case b"statvfs@openssh.com":
                return Kind.EXTENDED_REPLY, _room(self._tree.room())
            case _:
                return _status(Status.OP_UNSUPPORTED)


def _status(status: Status, because: str = "") -> Answer:
    return Kind.STATUS, wire.number(status) + wire.text(because.encode()) + wire.text(b"")


def _names(found: list[tuple[bytes, os.stat_result]]) -> Answer:
    told = (
        wire.text(name) + wire.text(wire.long_name(name, about)) + wire.attributes(about)
        for name, about in found
    )
    return Kind.NAME, wire.number(len(found)) + b"".join(told)


def _room(found: os.statvfs_result) -> bytes:
    told = (found.f_bsize, found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail)
    more = (found.f_files, found.f_ffree, found.f_favail, 0, 0, found.f_namemax)
    return struct.pack(">11Q", *told, *more)


def serve(tree: Tree, source: int, sink: int) -> None:
    """Until the other side ends. Raises `Malformed` and `Unmounted`."""
    server = Server(tree)
    while (head := _exactly(source, 4)) is not None:
        length = int.from_bytes(head, "big")
        if not 0 < length <= wire.LONGEST:
            raise Malformed("A packet is too long.")
        packet = _exactly(source, length)
        if packet is None:
            return
        answer = server.answer(packet)
        left = memoryview(wire.number(len(answer)) + answer)
        while left:
            left = left[os.write(sink, left) :]


def _exactly(source: int, count: int) -> bytes | None:
    """So many bytes; None where it ended before."""
    found = bytearray()
    while len(found) < count:
        more = os.read(source, count - len(found))
        if not more:
            return None
        found += more
    return bytes(found)


def main() -> None:
    """Serve one directory."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0)  # what is made has the mode that the machine says, and at most 0777
    root = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        serve(Tree(root), 0, 1)
    except (Malformed, BrokenPipeError):
        sys.exit(1)
    except Unmounted:
        sys.exit(2)


if __name__ == "__main__":
    main()
