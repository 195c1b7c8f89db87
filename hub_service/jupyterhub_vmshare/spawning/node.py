"""What this machine needs so that a session can have a view of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from typing import Any

from jupyterhub_vmshare.spawning.accounts import Account

FUSE = "/dev/fuse"
_TRIAL = ("--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--", "/bin/true")
_MISSING = "Bubblewrap is missing on this machine (as root on Debian: apt-get install bubblewrap)."
_FORBIDDEN = (
    "Bubblewrap can't work on this machine ({words}): allow user namespaces to it "
    "(kernel.unprivileged_userns_clone, user.max_user_namespaces, or an AppArmor profile)."
)


def lacks() -> Iterator[tuple[str, str]]:
    """What is missing here for mounts, and how to get it: a code and a sentence for each."""
    if shutil.which("bwrap") is None:
        yield "no-bubblewrap", _MISSING
    if not os.path.exists(FUSE):
        sentence = f"There is no {FUSE} on this machine (as root: modprobe fuse)."
        yield "no-fuse", f"{sentence} Containers must be given the device."


def bubblewrap() -> str:
    """The path of this machine's bubblewrap. Raises ``LookupError`` with a sentence."""
    found = shutil.which("bwrap")
    if found is None:
        raise LookupError(_MISSING)
    return found


async def try_out(bwrap: str, account: Account) -> None:
    """Raises ``LookupError`` with a sentence where bubblewrap does not work for the account."""
    become: dict[str, Any] = {}
    if not account.is_the_hubs:
        become = {"user": account.uid, "group": account.gid, "extra_groups": []}
    tried = await asyncio.create_subprocess_exec(
        bwrap,
        *_TRIAL,
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        **become,
    )
    try:
        _, words = await tried.communicate()
    except asyncio.CancelledError:
        tried.kill()
        await tried.wait()
        raise
    if tried.returncode:
        raise LookupError(_FORBIDDEN.format(words=words.decode(errors="replace").strip()))
