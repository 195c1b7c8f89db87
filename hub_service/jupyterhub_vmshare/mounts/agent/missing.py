"""What a node lacks to mount, as sentences for its operator."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.mounts.agent.guard import find_guard
from jupyterhub_vmshare.mounts.agent.system import may_mount

_FUSE: Final = "/dev/fuse"


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing. With ``stops``, this node can't mount without it."""

    code: str
    because: str
    stops: bool = True


def lacking(store: Path, guard: str) -> list[Lack]:
    """Look at the node. Cheap enough to be asked with every hello."""
    found = [_capability(), _fuse(), _store(store), _guard(guard), _bubblewrap()]
    return [lack for lack in found if lack is not None]


def _capability() -> Lack | None:
    if may_mount():
        return None
    return Lack(
        "no-root",
        "The agent may not mount: it needs root with CAP_SYS_ADMIN. Start it outside of the"
        " container, or give the container that capability.",
    )


def _fuse() -> Lack | None:
    if not os.path.exists(_FUSE):
        return Lack(
            "no-fuse",
            "There is no /dev/fuse on this node: load the module with `modprobe fuse`; for a"
            " container, hand the device in (--device /dev/fuse).",
        )
    try:
        os.close(os.open(_FUSE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return Lack(
            "no-fuse",
            f"/dev/fuse can't be opened ({error.strerror}): let the agent's control group use"
            " the device 10:229.",
        )
    return None


def _store(store: Path) -> Lack | None:
    if store.is_dir():
        return None
    return Lack(
        "no-store",
        f"There is no folder store at {store}: name the service's store with --store (it is"
        " `store` in VMSHARE_DATA_DIR); the service makes it at its first start.",
    )


def _guard(named: str) -> Lack | None:
    if find_guard(named) is not None:
        return None
    where = named or "beside this Python, or in PATH"
    return Lack(
        "no-guard",
        f"The program share-guard was not found ({where}): install it with `pip install"
        " ./hub_service/guard` (it needs libfuse3-dev, libseccomp-dev and meson), or name it"
        " with --guard.",
    )


def _bubblewrap() -> Lack | None:
    if shutil.which("bwrap") is not None:
        return None
    return Lack(
        "no-bubblewrap",
        "The program bwrap was not found, so sessions of local processes start without shared"
        " folders: install the package bubblewrap.",
        stops=False,
    )
