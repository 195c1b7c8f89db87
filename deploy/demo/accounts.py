"""Unix accounts for the demonstration's people, where it runs as root."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_MARK = "jupyter-vmshare demonstration"


class AccountsRefused(Exception):
    """Accounts can't be used here; the message says why, for a person."""


def make(names: Iterable[str]) -> None:
    """Makes the accounts that are not there yet. Raises ``AccountsRefused``.

    They have no password and no home outside the demonstration's directory.
    """
    for name in names:
        try:
            present = pwd.getpwnam(name)
        except KeyError:
            _useradd(name)
            continue
        if not present.pw_gecos.startswith(_MARK):
            raise AccountsRefused(f"there is an account {name} that the demonstration has not made")


def _useradd(name: str) -> None:
    options = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/bash"]
    try:
        made = subprocess.run(
            ["useradd", *options, "--user-group", "--comment", _MARK, name],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise AccountsRefused("there is no useradd on this machine") from None
    if made.returncode:
        raise AccountsRefused(f"useradd {name}: {made.stderr.strip()}")


def give(directory: Path, name: str) -> None:
    """The directory, closed to everybody but the account."""
    directory.mkdir(mode=0o700, exist_ok=True)
    account = pwd.getpwnam(name)
    os.chown(directory, account.pw_uid, account.pw_gid)
    directory.chmod(0o700)


def check_reach(name: str, home: Path) -> None:
    """Whether an account can run the product and get into its home. Raises ``AccountsRefused``."""
    question = "import os, jupyter_vmshare, jupyterhub_vmshare, jupyterlab; os.listdir('.')"
    account = pwd.getpwnam(name)
    try:
        asked = subprocess.run(
            [sys.executable, "-c", question],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(home)},
            preexec_fn=lambda: os.chdir(home),
            capture_output=True,
            text=True,
            check=False,
        )
    except (PermissionError, subprocess.SubprocessError):
        raise AccountsRefused(f"other accounts can't read {sys.executable} or {home}") from None
    if asked.returncode:
        raise AccountsRefused(f"other accounts can't read {Path(__file__).parents[2]}")
