"""What the keeper of virtual machines is made of."""

from __future__ import annotations

import logging
import shutil

from jupyterhub_vmshare.cloud.keeper import main
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.main import Settings
from jupyterhub_vmshare.cloud.keeper.server import Server
from jupyterhub_vmshare.cloud.qemu.keeper import probe
from jupyterhub_vmshare.cloud.qemu.keeper.drives import Hands
from jupyterhub_vmshare.cloud.qemu.keeper.power import Power

_log = logging.getLogger("vmshare.keeper")
_PROGRAMS = ("qemu-system-x86_64", "qemu-img", "mkfs.ext4")


class Keeper(main.Keeper):
    """The keeper of one host's virtual machines.

    Args:
        settings: What the operator says.
        accelerator: ``kvm``, ``tcg``, or empty: whichever works here.
    """

    def __init__(self, settings: Settings, accelerator: str = "") -> None:
        holdings = Holdings(settings.state, prefix="qvm", disk="disk.qcow2")
        images = Images(settings.state / "images")
        self._accelerator = accelerator
        self._power = power = Power(
            holdings,
            images,
            run=settings.run,
            relay_uid=settings.relay_uid,
            patience=settings.patience,
        )
        hands = Hands(holdings, lambda machine: power.process(machine) is not None, settings.run)
        server = Server(
            holdings, images, power, hands, limits=True, service_uid=settings.service_uid
        )
        super().__init__(settings, holdings, server, {"ssh": 0o711, "vm": 0o700, "seed": 0o711})

    def prepare(self) -> None:
        self._power.kvm = self._accelerator == "kvm" or (
            not self._accelerator and probe.kvm_works()
        )
        if not self._power.kvm:
            _log.warning("KVM does not run machines here: they are emulated, and slow.")
        self._power.find_again()

    def programs_missing(self) -> str | None:
        missing = [name for name in _PROGRAMS if shutil.which(name) is None]
        if not missing:
            return None
        return f"Please install {', '.join(missing)} (qemu-system-x86, qemu-utils and e2fsprogs)."
