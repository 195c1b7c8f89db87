"""Under which Unix account a spawner starts its session."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner, Spawner
from traitlets import import_item

from jupyterhub_vmshare.spawning import containers

AccountOf = Callable[[Any], "str | tuple[int, int]"]
"""The name of an account that is the person's own, or a uid and a gid that several people may
share, for a spawner that is about to start."""


class NoAccount(Exception):
    """Nothing tells the session's account; the message says so."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the session's processes are, for the kernel."""

    uid: int
    gid: int
    is_shared: bool = True
    """Whether other people's sessions may run as the same account."""

    @property
    def is_the_hubs(self) -> bool:
        """Whether it is the account that the hub itself runs as."""
        return self.uid == os.getuid()


def account_of(spawner: Any, told: AccountOf | None = None) -> Account:
    """The account of the session that is about to start on this machine.

    Args:
        spawner: A spawner that starts ``cmd`` as a process of this machine.
        told: What the operator says; before all else. Then the spawner's own ``vmshare_account()``.

    Raises ``NoAccount``.
    """
    own = getattr(spawner, "vmshare_account", None)
    if told is not None:
        return _resolved(told(spawner))
    if own is not None:
        return _resolved(own())
    if containers.is_docker(type(spawner)) or containers.is_kubernetes(type(spawner)):
        return Account(*containers.JOVYAN)
    if is_systemd(type(spawner)):
        return _of_unit(spawner)
    if isinstance(spawner, SimpleLocalProcessSpawner):
        return Account(os.getuid(), os.getgid())
    if isinstance(spawner, LocalProcessSpawner):
        return _resolved(spawner.user.name)
    raise NoAccount(
        f"Shared folders can't be mounted into sessions that {type(spawner).__name__} starts."
    )


def tells_account(kind: type[Spawner]) -> bool:
    """Whether ``account_of`` finds one without being told."""
    known = issubclass(kind, LocalProcessSpawner) or hasattr(kind, "vmshare_account")
    known = known or is_systemd(kind)
    return known or containers.is_docker(kind) or containers.is_kubernetes(kind)


def is_systemd(kind: type[Spawner]) -> bool:
    """Whether it starts ``cmd`` as a unit of this machine's systemd."""
    return any(base.__name__ == "SystemdSpawner" for base in kind.__mro__)


def spawner_class(configured: Any) -> type[Spawner] | None:
    """The class that ``JupyterHub.spawner_class`` means; None where it is not installed here."""
    if isinstance(configured, type):
        return configured
    named = {entry.name: entry for entry in entry_points(group="jupyterhub.spawners")}
    try:
        entry = named.get(str(configured).lower())
        found = entry.load() if entry else import_item(str(configured))
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) else None


def _of_unit(spawner: Any) -> Account:
    if spawner.dynamic_users:
        raise NoAccount(
            "Shared folders can't be mounted into sessions with SystemdSpawner.dynamic_users: "
            "their accounts are made with the session, and are nobody's before."
        )
    return _resolved(spawner._expand_user_vars(spawner.username_template))


def _resolved(named: str | tuple[int, int]) -> Account:
    if not isinstance(named, str):
        return Account(*named)
    try:
        found = pwd.getpwnam(named)
    except KeyError:
        raise NoAccount(f"This machine has no account {named!r}.") from None
    return Account(found.pw_uid, found.pw_gid, is_shared=found.pw_uid == os.getuid())
