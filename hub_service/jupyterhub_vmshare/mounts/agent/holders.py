"""Which processes of a session still hold something that it had directly, and has no more?

A bind that is taken away goes from every namespace, but what programs have open of it lives on:
descriptors, working directories, mappings. Such a thing lies on the store's file system, and on a
mount that no namespace has.

This finds what programs hold in the ordinary way. It is no proof that nothing is held: a descriptor
on its way through a socket is nobody's, and one that was handed to a process outside of the session
is not looked for.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.mounts.agent import system
from jupyterhub_vmshare.mounts.agent.vanished import Unsure, namespace_of, sessions_in

_LINKS: Final = ("cwd", "root", "exe")
_LISTS: Final = ("fd", "map_files")
_HERE, _NOFOLLOW, _DONT_ASK, _EMPTY_PATH = -100, 0x100, 0x4000, 0x1000
_WANTED: Final = 0x100 | 0x1000  # the inode's number, and the mount's
_STATX: Final = struct.Struct("=32xQ96xIIQ104x")
_DELETED: Final = " (deleted)"
_PATIENCE: Final = 2.0
_PAUSE: Final = 0.02

_libc = ctypes.CDLL(None, use_errno=True)


Trees = Mapping[str, int]
"""Folders, each with the top of its tree as an ``O_PATH`` descriptor; -1: it has none any more."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A file: on which device, which inode, reached through which mount."""

    device: tuple[int, int]
    inode: int
    mount: int


def holding(session: str, device: str, store: Path, trees: Trees) -> dict[str, set[int]]:
    """The processes of a session that hold something of each of these folders.

    Args:
        session: Its id.
        device: That of the file system of the views, as a mountinfo writes it.
        store: The directory that all trees are in, on one file system.
        trees: Each folder's.

    Raises:
        Unsure: a process could not be looked at.
    """
    stored = _at(_HERE, str(store), 0)
    if stored is None:
        raise Unsure("the store is not there")
    processes, mounts = _of_session(session, device)
    found: dict[str, set[int]] = {folder: set() for folder in trees}
    for process in processes:
        for link in _links(process):
            place = _at(_HERE, link, 0)
            if place is None or place.device != stored.device or place.mount in mounts:
                continue
            for folder in _folders(link, place, trees):
                found[folder].add(int(process))
    return found


def end(session: str, device: str, store: Path, trees: Trees) -> int:
    """End the processes of a session that is over and that hold something; how many there were.

    Waits a moment until none is left; what starts anew in between is found, too.
    """
    ended: set[int] = set()
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found = set[int]().union(*holding(session, device, store, trees).values())
        if not found:
            break
        for process in found:
            _kill(process, session, device)
        ended |= found
        time.sleep(_PAUSE)
    return len(ended)


def _kill(process: int, session: str, device: str) -> None:
    with suppress(ProcessLookupError, FileNotFoundError):
        handle = os.pidfd_open(process)
        try:
            # The number may be another process's by now, but not from here on.
            if session in sessions_in(str(process), device):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _of_session(session: str, device: str) -> tuple[list[str], set[int]]:
    """The processes of a session, and the mounts that any namespace of this node has."""
    processes: list[str] = []
    mounts: set[int] = set()
    seen: dict[str, bool] = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            namespace = namespace_of(process)
        except Unsure:
            if not _is_roots(process):
                raise
            continue  # in a container, say: nobody's session
        if namespace is None:
            continue
        try:
            if namespace not in seen:
                mounts |= {mounted.number for mounted in system.mounts(process)}
                seen[namespace] = session in sessions_in(process, device)
        except OSError as error:
            if namespace_of(process) is not None:
                raise Unsure(f"process {process} can't be looked at: {error.strerror}") from None
            continue
        if seen[namespace]:
            processes.append(process)
    return processes, mounts


def _is_roots(process: str) -> bool:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return True  # it has ended
    return any(line.split()[:2] == ["Uid:", "0"] for line in status.splitlines())


def _links(process: str) -> Iterator[str]:
    """Everything that a process has open, as links of ``/proc``."""
    for name in _LINKS:
        yield f"/proc/{process}/{name}"
    for name in _LISTS:
        with suppress(OSError):  # it has ended
            for entry in os.listdir(f"/proc/{process}/{name}"):
                yield f"/proc/{process}/{name}/{entry}"


def _folders(link: str, place: _Place, trees: Trees) -> Iterator[str]:
    """The folders that it may be in: the one, where its path in it leads there still."""
    try:
        path = os.readlink(link)
    except OSError:
        return
    # On a mount that nobody has any more, a path begins at the mount's own root.
    below = path.removesuffix(_DELETED).strip("/")
    for folder, top in trees.items():
        found = _at(top, below, _NOFOLLOW if below else _EMPTY_PATH)
        if found is not None and (found.device, found.inode) == (place.device, place.inode):
            yield folder
            return
    yield from trees


def _at(directory: int, path: str, flags: int) -> _Place | None:
    """What is at a path, without asking whoever serves it."""
    told = ctypes.create_string_buffer(_STATX.size)
    flags |= _DONT_ASK
    if _libc.statx(directory, os.fsencode(path), flags, _WANTED, told):
        return None
    inode, major, minor, mount = _STATX.unpack(told.raw)
    return _Place((major, minor), inode, mount)
