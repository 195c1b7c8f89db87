"""What commands that keep machines on a host have in common."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
from pathlib import Path
from typing import cast

from traitlets import Float, List, Unicode
from traitlets.config import Application

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.cloud.image import CannotBuild, ImageWanted
from jupyterhub_vmshare.cloud.keeper.main import CannotStart, Keeper, Settings


def aliases_of(command: str, **more: str) -> dict[str, str]:
    """How the traits of a command are called on the command line."""
    named = {
        "state": "state_dir", "run": "run_dir", "service-user": "service_user",
        "relay-user": "relay_user", "patience": "patience", "packages": "packages",
        "describe": "describe", **more,
    }  # fmt: skip
    told = {name: f"{command}.{trait}" for name, trait in named.items()}
    return {**told, "log-level": "Application.log_level"}


class Keeping(Application):
    """One a host and a kind of machines. It obeys the hub service; the machines outlive it."""

    version = __version__
    state_dir = Unicode()
    run_dir = Unicode()
    patience = Float()
    service_user = Unicode(
        "root",
        help="""The account that the hub service runs as, by name or number. Nobody else but root
        is obeyed. Since 0.1.""",
    ).tag(config=True)
    relay_user = Unicode(
        help="""The account that the relay runs as, by name or number: the only one that reaches
        the machines' SSH servers. Default: service_user. Since 0.1."""
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
                self.make_image(name)
            case _:
                self.fail(f"Say: {self.name}, or: {self.name} image build NAME", 2)

    def _keep(self) -> None:
        self.need_root()
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
        logging.getLogger().setLevel(cast(int | str, self.log_level))
        try:
            asyncio.run(self.keeper().run())
        except CannotStart as error:
            self.fail(str(error))

    def keeper(self) -> Keeper:
        """The keeper of this kind."""
        raise NotImplementedError

    def build(self, wanted: ImageWanted, state: Path) -> Path:
        """Make an image of this kind."""
        raise NotImplementedError

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
            self.fail(f"There is no account {user!r} on this host.")
            raise

    def make_image(self, name: str) -> None:
        """Make an image of this kind, as the traits say."""
        self.may_make_image()
        wanted = ImageWanted(name, self.describe, tuple(self.packages))
        try:
            place = self.build(wanted, Path(self.state_dir).resolve())
        except CannotBuild as error:
            self.fail(str(error))
            return
        print(self.made(name, place))

    def may_make_image(self) -> None:
        """End with a sentence where they may not."""
        self.need_root()

    def made(self, name: str, place: Path) -> str:
        """What is said of an image that is there."""
        return f"Machines can start from {name} now ({place})."

    def need_root(self) -> None:
        """End with a sentence where one is not root."""
        if os.geteuid() != 0:
            self.fail("Machines are kept, and images built, by root alone: start this as root.")

    def fail(self, sentence: str, code: int = 1) -> None:
        """End with a sentence."""
        self.log.error("%s", sentence)
        self.exit(code)
