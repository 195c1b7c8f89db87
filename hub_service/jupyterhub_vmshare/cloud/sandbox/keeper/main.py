"""What the keeper of sandboxes is made of."""

from __future__ import annotations

import logging

from jupyterhub_vmshare.cloud.keeper import main
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.main import Settings
from jupyterhub_vmshare.cloud.keeper.server import Server
from jupyterhub_vmshare.cloud.sandbox.keeper.drives import Hands
from jupyterhub_vmshare.cloud.sandbox.keeper.limits import Limits
from jupyterhub_vmshare.cloud.sandbox.keeper.power import Power, programs_missing

_log = logging.getLogger("vmshare.sandboxes")


class Keeper(main.Keeper):
    """The keeper of one host's sandboxes."""

    def __init__(self, settings: Settings) -> None:
        holdings = Holdings(settings.state, prefix="sbx", disk="disk.ext4")
        images = Images(settings.state / "images")
        self._limits = limits = Limits()
        power = Power(
            holdings,
            images,
            limits,
            run=settings.run,
            relay_uid=settings.relay_uid,
            patience=settings.patience,
        )
        server = Server(
            holdings,
            images,
            power,
            Hands(holdings, power),
            limits=limits.hold,
            service_uid=settings.service_uid,
        )
        super().__init__(settings, holdings, server, {"ssh": 0o711, "stage": 0o700})

    def prepare(self) -> None:
        if not self._limits.hold:
            _log.warning("There are no control groups here: sizes are not enforced.")

    def programs_missing(self) -> str | None:
        missing = programs_missing()
        return (
            f"Please install {', '.join(missing)} (e2fsprogs and coreutils)." if missing else None
        )
