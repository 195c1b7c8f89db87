"""The spawner's command, wrapped so that the session has a view of its own (``enter.py``)."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from jupyterhub_vmshare.spawning.accounts import Account

LAUNCHER = Path(__file__).with_name("enter.py")
BECAUSE = "VMSHARE_MOUNTS_BECAUSE"
"""In the session's environment: why nothing is mounted in it."""

_KEPT = "_vmshare_kept"
_REPLACED = (
    *("cmd", "shell_cmd", "environment", "volumes", "extra_host_config"),
    *("volume_mounts", "pod_security_context", "node_selector"),
)


def wrap(spawner: Any, words: list[str]) -> None:
    """Put ``words`` before what the spawner runs, for this start. ``restore`` takes it back."""
    keep(spawner)
    # The shell reads the person's own files: they too belong inside.
    first = "shell_cmd" if getattr(spawner, "shell_cmd", None) else "cmd"
    setattr(spawner, first, [*words, *getattr(spawner, first)])


def say_why_not(spawner: Any, because: str) -> None:
    """Tell the session's programs why there are no mounts."""
    keep(spawner)
    spawner.environment = {**spawner.environment, BECAUSE: because}


def restore(spawner: Any) -> None:
    """The spawner as the operator has it; nothing happens where nothing was changed."""
    for name, value in getattr(spawner, _KEPT, {}).items():
        setattr(spawner, name, value)
    setattr(spawner, _KEPT, {})


def keep(spawner: Any) -> None:
    """Remember what this start may change, unless that is done."""
    if not getattr(spawner, _KEPT, None):
        there = [name for name in _REPLACED if hasattr(spawner, name)]
        setattr(spawner, _KEPT, {name: getattr(spawner, name) for name in there})


def words(
    bwrap: str, account: Account, hidden: Iterable[str], view: str | None = None
) -> list[str]:
    """The command's beginning; the session's own command follows it.

    Raises ``LookupError`` with a sentence where the account could not run it.
    """
    launcher = [_python(account), "-I", "-S", _readable(str(LAUNCHER), account)]
    options, out_of_sight = [f"--bwrap={bwrap}"], list(hidden)
    if view is not None:
        session = PurePosixPath(view)
        run = session.parent.parent
        options += [f"--view={view}", f"--door={run / 'doors' / session.name}"]
        out_of_sight.append(str(run))
    options += [f"--hide={path}" for path in dict.fromkeys(out_of_sight)]
    if account.is_shared:
        options.append("--own-processes")
    return [*launcher, *options, "--"]


def _python(account: Account) -> str:
    """The hub's interpreter; Debian's, where the hub's is not for everybody."""
    candidates = (sys.executable, shutil.which("python3", path="/usr/bin:/bin"))
    for candidate in filter(None, candidates):
        if _reaches(candidate, account) and _reaches(os.path.realpath(candidate), account):
            return candidate
    raise LookupError("The session's account can't run the hub's Python, nor is there another one.")


def _readable(path: str, account: Account) -> str:
    if not _reaches(path, account):
        raise LookupError(
            "The session's account can't read the hub's environment: install jupyter-vmshare "
            "where all accounts can read it."
        )
    return path


def _reaches(path: str, account: Account) -> bool:
    """Whether the account may read a file, as far as modes tell; root may not be asked."""
    if account.is_the_hubs:
        return os.access(path, os.R_OK)
    for step in (path, *map(str, Path(path).parents)):
        try:
            found = os.stat(step)
        except OSError:
            return False
        bit = stat.S_IROTH if step == path else stat.S_IXOTH
        if found.st_uid == account.uid:
            bit <<= 6
        elif found.st_gid == account.gid:
            bit <<= 3
        if not found.st_mode & bit:
            return False
    return True
