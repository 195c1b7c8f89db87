"""``jupyterhub-vmshare sandboxes``: keep this host's sandboxes, as root; build images for them."""

from __future__ import annotations

import sys
from pathlib import Path

from traitlets import Float, Unicode

from jupyterhub_vmshare.cloud.image import ImageWanted
from jupyterhub_vmshare.cloud.sandbox import image
from jupyterhub_vmshare.cloud.sandbox.keeper.main import Keeper
from jupyterhub_vmshare.commands.keeping import Keeping, aliases_of


class Sandboxes(Keeping):
    """One a host. It obeys the hub service; the machines outlive it."""

    name = "jupyterhub-vmshare sandboxes"
    description = (
        "Keep the machines of this host that are sandboxes: processes in namespaces of their own,"
        " no virtual machines. Needs root; one a host."
        " 'sandboxes image build NAME' makes what machines can start from."
    )
    aliases = aliases_of("Sandboxes")

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
    patience = Float(
        10.0,
        min=0.1,
        help="""Seconds that a machine has to stop in order; then it is ended. Since 0.1.""",
    ).tag(config=True)

    def keeper(self) -> Keeper:
        return Keeper(self.settings())

    def build(self, wanted: ImageWanted, state: Path) -> Path:
        return image.build(wanted, state, sys.stderr)
