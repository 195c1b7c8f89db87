"""Starts each person's notebook server under an account of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, set_user_setuid
from traitlets import Unicode

from deploy.demo.people import account_of


class AccountSpawner(LocalProcessSpawner):
    """``LocalProcessSpawner`` for people whose accounts are named otherwise than they are."""

    homes = Unicode(help="The directory with everybody's home.").tag(config=True)

    @property
    def home(self) -> Path:
        """The person's own directory."""
        return Path(self.homes, str(self.user.name))

    def vmshare_account(self) -> str:
        """Whose processes the session's are: for mounts."""
        return account_of(self.user.name)

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Become the person's account, in their home."""
        become = set_user_setuid(account_of(name), chdir=False)  # type: ignore[no-untyped-call]

        def preexec() -> None:
            become()
            os.chdir(self.home)
            os.umask(0o077)

        return preexec

    def user_env(self, env: dict[str, Any]) -> dict[str, Any]:
        """What a login would set."""
        account = account_of(self.user.name)
        return {**env, "USER": account, "HOME": str(self.home), "SHELL": "/bin/bash"}
