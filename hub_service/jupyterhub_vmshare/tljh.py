"""A plugin for The Littlest JupyterHub: people's servers there share folders at once.

Its installer finds it by the entry point ``tljh``. The share-agent is a unit of its own beside the
hub's: the documentation says how it is added, and how share-guard is built for it.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any, Final

from pluggy import HookimplMarker
from traitlets.config import Config

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.configure import SERVICE_NAME, configure

hookimpl = HookimplMarker("tljh")

DEFAULT_DATA: Final = "/srv/vmshare"
ACCOUNT: Final = "vmshare"
"""Whose the store is, and as whom service and guard run: nobody's session does."""


@hookimpl
def tljh_extra_user_pip_packages() -> list[str]:
    """What people's servers need: the panel, and ``connect()``."""
    return [f"jupyter-vmshare=={__version__}"]


@hookimpl
def tljh_extra_hub_pip_packages() -> list[str]:
    """What the hub needs beside this plugin."""
    return [f"jupyter-vmshare[hub]=={__version__}"]


@hookimpl
def tljh_extra_apt_packages() -> list[str]:
    """What sessions need to have a view of their own, and share-guard to be built."""
    return ["bubblewrap", "fuse3", "gcc", "libfuse3-dev", "libseccomp-dev", "pkg-config"]


@hookimpl
def tljh_custom_jupyterhub_config(c: Config) -> None:
    """``configure(c)``, as it fits there."""
    data = os.environ.get("VMSHARE_DATA_DIR", DEFAULT_DATA)
    if not Path(data).is_dir():
        make_account(data)
    configure(c, environment={"VMSHARE_DATA_DIR": data}, session_account=account_of)
    for service in c.JupyterHub.services:
        if service["name"] == SERVICE_NAME:
            service |= {"user": ACCOUNT, "cwd": data}


@hookimpl
def tljh_post_install() -> None:
    """The service's account and its directory."""
    make_account(os.environ.get("VMSHARE_DATA_DIR", DEFAULT_DATA))


def account_of(spawner: Any) -> str:
    """The account of a person's server; made here, as TLJH itself makes it a moment later."""
    from tljh.normalize import generate_system_username
    from tljh.user import ensure_user

    name = str(generate_system_username(f"jupyter-{spawner.user.name}"))
    ensure_user(name)
    return name


def make_account(data: str, account: str = ACCOUNT) -> None:
    """Make the account and its directory, as far as they are not there yet."""
    useradd = ["useradd", "--system", "--home-dir", data, "--shell", "/usr/sbin/nologin", account]
    known = subprocess.run(["id", account], capture_output=True, check=False)
    if known.returncode:
        subprocess.run(useradd, check=True)
    os.makedirs(data, 0o700, exist_ok=True)
    found = pwd.getpwnam(account)
    os.chown(data, found.pw_uid, found.pw_gid)
