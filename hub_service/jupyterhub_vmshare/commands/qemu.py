"""``jupyterhub-vmshare qemu``: keep this host's virtual machines, as root; build their images."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from traitlets import Enum, Float, Unicode

from jupyterhub_vmshare.cloud.image import CannotBuild, ImageWanted
from jupyterhub_vmshare.cloud.keeper.main import CannotStart, Keeper
from jupyterhub_vmshare.cloud.qemu import image
from jupyterhub_vmshare.commands.keeping import Keeping, aliases_of

_ADD: Final = "jupyterhub-vmshare image add"


class Qemu(Keeping):
    """One a host. It obeys the hub service; the machines outlive it."""

    name = "jupyterhub-vmshare qemu"
    description = (
        "Keep the virtual machines of this host, with QEMU. Needs root; one a host."
        " 'qemu image build NAME' (or 'image build NAME') makes what machines can start from, also"
        " without root; 'image add DIRECTORY' takes what was made so."
    )
    aliases = aliases_of("Qemu", accelerator="accelerator")

    state_dir = Unicode(
        "/var/lib/vmshare/qemu",
        help="""Images, and what machines, drives and snapshots hold: as large as they are. Must
        belong to root, on a local ext4, xfs or btrfs. Since 0.3.""",
    ).tag(config=True)
    run_dir = Unicode(
        "/run/vmshare-qemu",
        help="""Sockets: the keeper's, those of QEMU, and one a machine for the relay. Must belong
        to root; at most 77 bytes. Since 0.3.""",
    ).tag(config=True)
    patience = Float(
        300.0,
        min=0.1,
        help="""Seconds that a machine has to shut down by itself when it is stopped, rebooted or
        rebuilt: its services end and its disks are written. It is ended after that, and its events
        say so. A machine that is still starting is asked once it listens. Since 0.3.""",
    ).tag(config=True)
    accelerator = Enum(
        ("", "kvm", "tcg"),
        "",
        help="""What runs the machines: the host's processor (kvm), or QEMU, which emulates one
        and is some ten times slower (tcg). Empty: kvm, if a machine starts with it. Since 0.3.""",
    ).tag(config=True)

    def keeper(self) -> Keeper:
        try:
            from jupyterhub_vmshare.cloud.qemu.keeper import main
        except ImportError:
            raise CannotStart("Please install jupyter-vmshare[qemu].") from None
        return main.Keeper(self.settings(), self.accelerator)

    def build(self, wanted: ImageWanted, state: Path) -> Path:
        return image.build(wanted, state, sys.stderr)

    def may_make_image(self) -> None:
        """Without root in a directory of one's own."""
        if os.geteuid() != 0 and self.state_dir == type(self).state_dir.default_value:
            self.fail(f"Without root, say where to: {self.name} … --state=DIRECTORY")

    def made(self, name: str, place: Path) -> str:
        if os.geteuid() == 0:
            return super().made(name, place)
        return f"It lies in {place}. So that machines can start from it, as root: {_ADD} {place}"

    def add_image(self, place: str) -> None:
        """Take one that was made without root."""
        self.need_root()
        try:
            taken = image.add(Path(place), Path(self.state_dir).resolve())
        except CannotBuild as error:
            self.fail(str(error))
            return
        print(super().made(taken.parent.name, taken))


class Image(Qemu):
    """``jupyterhub-vmshare image build NAME``, for virtual machines."""

    name = "jupyterhub-vmshare image"
    description = (
        "With 'build NAME': make an image that virtual machines of this host start from. With"
        " 'add DIRECTORY': take one that was made without root, or on another host."
    )

    def start(self) -> None:
        match self.extra_args:
            case ["build", name]:
                self.make_image(name)
            case ["add", place]:
                self.add_image(place)
            case _:
                self.fail(f"Say: {self.name} build NAME, or: {_ADD} DIRECTORY", 2)
