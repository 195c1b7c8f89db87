"""Which sessions' views does any process on this node still have?

A session binds a part of the file system that all views lie on, so its mount namespace has a line
with that device and a root below ``/<session>``, wherever it is mounted. A namespace lives as long
as a process is in it.
"""

from __future__ import annotations

import os
import re
from typing import Final

from jupyterhub_vmshare.mounts.agent import system
from jupyterhub_vmshare.mounts.messages import SESSION_ID

_PART: Final = re.compile(f"/({SESSION_ID})(?:/m)?(?://deleted)?")


class Unsure(Exception):
    """A namespace could not be read, so nothing is known about any session."""


def in_use(device: str) -> set[str]:
    """The sessions that live: those whose view some namespace has.

    Args:
        device: That of the file system of the views, as a mountinfo writes it.
    """
    found: set[str] = set()
    looked_at: set[str] = set()
    for process in filter(str.isdigit, os.listdir("/proc")):
        namespace = namespace_of(process)
        if namespace is None or namespace in looked_at:
            continue
        try:
            found |= sessions_in(process, device)
            looked_at.add(namespace)
        except OSError as error:
            if namespace_of(process) is not None:
                raise Unsure(f"process {process} can't be looked at: {error.strerror}") from None
    return found


def sessions_in(process: str, device: str) -> set[str]:
    """The sessions whose view a process has."""
    parts = (mount.root for mount in system.mounts(process) if mount.device == device)
    return {match[1] for part in parts if (match := _PART.fullmatch(part))}


def namespace_of(process: str) -> str | None:
    """A name of its mount namespace; None for a process that has ended."""
    try:
        return os.readlink(f"/proc/{process}/ns/mnt")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as error:
        raise Unsure(f"process {process} can't be looked at: {error.strerror}") from None
