"""``jupyterhub-vmshare sandboxes``: keep this host's sandboxes, as root; build images for them."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import sys
from pathlib import Path
from typing import cast

from traitlets import Float, List, Unicode
from traitlets.config import Application

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.cloud.sandbox.image import CannotBuild, ImageWanted, build
from jupyterhub_vmshare.cloud.sandbox.keeper.main import CannotStart, Keeper, Settings

_SAY = "Say: jupyterhub-vmshare sandboxes, or: jupyterhub-vmshare sandboxes image build NAME"


class Sandboxes(Application):
    """One a host. It obeys the hub service; the machines outlive it."""

    name = "jupyterhub-vmshare sandboxes"
    description = (
        "Keep the machines of this host that are sandboxes: processes in namespaces of their own,"
        " no virtual machines. Needs root; one a host."
        " 'sandboxes image build NAME' makes what machines can start from."
    )
    version = __version__
    aliases = {
        "state": "Sandboxes.state_dir",
        "run": "Sandboxes.run_dir",
        "service-user": "Sandboxes.service_user",
        "relay-user": "Sandboxes.relay_user",
        "patience": "Sandboxes.patience",
        "packages": "Sandboxes.packages",
        "describe": "Sandboxes.describe",
        "log-level": "Application.log_level",
    }

    state_dir = Unicode(
        "/var/lib/vmshare/sandboxes",
        help="""Images, and what machines, drives and snapshots hold: as large as they are. Must
        belong to root, on a local ext4, xfs or btrfs (the last two copy by reference).
        Since 0.1.""",
    ).tag(config=True)
    run_dir = Unicode(
        "/run/vmshare-sandboxes",
        help="""Sockets: the keeper's, and one a machine for the relay. Must belong to root; at
        most 77 bytes. Since 0.1.""",
    ).tag(config=True)
    service_user = Unicode(
        "root",
        help="""The account that the hub service runs as, by name or number. Nobody else but root
        is obeyed. Since 0.1.""",
    ).tag(config=True)
    relay_user = Unicode(
        help="""The account that the relay runs as, by name or number: the only one that reaches
        the machines' SSH servers. Default: service_user. Since 0.1."""
    ).tag(config=True)
    patience = Float(
        10.0,
        min=0.1,
        help="""Seconds that a machine has to stop in order; then it is ended. Since 0.1.""",
    ).tag(config=True)
    packages = List(
        Unicode(),
        help="""With 'image build': Debian packages beside those that every image has. Once for
        each. Since 0.1.""",
    ).tag(config=True)
    describe = Unicode(
        "", help="With 'image build': a sentence for whoever chooses an image. Since 0.1."
    ).tag(config=True)

    def start(self) -> None:
        match self.extra_args:
            case []:
                self._keep()
            case ["image", "build", name]:
                self._build(name)
            case _:
                self._fail(_SAY, 2)

    def _keep(self) -> None:
        self._need_root()
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
        logging.getLogger().setLevel(cast(int | str, self.log_level))
        try:
            asyncio.run(Keeper(self.settings()).run())
        except CannotStart as error:
            self._fail(str(error))

    def settings(self) -> Settings:
        """What the traits say, with links in directories followed once and for all."""
        return Settings(
            state=Path(self.state_dir).resolve(),
            run=Path(self.run_dir).resolve(),
            service_uid=self._uid(self.service_user),
            relay_uid=self._uid(self.relay_user or self.service_user),
            patience=self.patience,
        )

    def _uid(self, user: str) -> int:
        try:
            return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
        except KeyError:
            self._fail(f"There is no account {user!r} on this host.")
            raise

    def _build(self, name: str) -> None:
        self._need_root()
        wanted = ImageWanted(name, self.describe, tuple(self.packages))
        try:
            place = build(wanted, Path(self.state_dir).resolve(), sys.stderr)
        except CannotBuild as error:
            self._fail(str(error))
            return
        print(f"Machines can start from {name} now ({place}).")

    def _need_root(self) -> None:
        if os.geteuid() != 0:
            self._fail("The keeper mounts and makes namespaces, so it must be started as root.")

    def _fail(self, sentence: str, code: int = 1) -> None:
        self.log.error("%s", sentence)
        self.exit(code)
