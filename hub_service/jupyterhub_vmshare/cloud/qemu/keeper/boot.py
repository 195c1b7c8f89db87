"""What starting a virtual machine needs to know, and the words that QEMU is started with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SSH_PORT: Final = 2222
"""Where QEMU listens in the machine's network namespace, which has nothing but its loopback."""
HOST: Final = "10.0.2.2"
"""From where the machine sees whoever comes through that port."""
_GUEST: Final = "10.0.2.15"
CHANNELS: Final = ("mon", "aga", "con", "tol")
"""Sockets of a machine: QEMU's monitor, its guest agent, its console, and what it tells us."""
# What it says first, and whatever goes wrong, so that a console is empty for no minute.
_KERNEL_SAYS: Final = "root=/dev/vda rw console=ttyS0 loglevel=6 systemd.show_status=auto"
_EMULATED_TOO: Final = " mitigations=off"
"""Nothing speculates where a processor is calculated."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of one machine.

    Attributes:
        place: The directory of the machine's files.
        image: The directory of the image that its disk grew from.
        base: The host's id that QEMU runs as; nobody else's.
        run: The keeper's run directory.
        relay_uid: Who may connect to its SSH server.
        seed: The directory that it finds as a disk called ``CIDATA``.
        kvm: Whether the host's processor runs it.
    """

    machine: str
    place: str
    image: str
    base: int
    run: str
    relay_uid: int
    seed: str
    processors: int
    memory_mib: int
    kvm: bool

    @classmethod
    def parse(cls, text: str) -> Boot:
        return cls(**json.loads(text))

    def text(self) -> str:
        """As `parse` reads it."""
        return json.dumps(asdict(self))

    @property
    def record(self) -> Path:
        """Which process it is, while it runs."""
        return Path(self.place) / "process.json"

    @property
    def console(self) -> Path:
        return Path(self.place) / "console.log"

    @property
    def told(self) -> Path:
        """The first line that it told us: its host key."""
        return Path(self.place) / "told"

    @property
    def lock(self) -> Path:
        """Held by the shim as long as there is one."""
        return Path(self.place) / "shim.lock"

    @property
    def door(self) -> Path:
        return door_of(Path(self.run), self.machine)

    def channel(self, name: str) -> Path:
        return channel_of(Path(self.run), self.machine, name)


def door_of(run: Path, machine: str) -> Path:
    """Where a machine's SSH server is reached."""
    return run / "ssh" / f"{machine}.sock"


def channel_of(run: Path, machine: str, name: str) -> Path:
    """One of the sockets between QEMU and its keeper."""
    return run / "vm" / f"{machine}.{name}"


def words(boot: Boot, files: dict[str, int]) -> list[str]:
    """QEMU's arguments. It opens nothing itself but the seed: it is handed descriptors.

    Args:
        boot: What is started.
        files: Descriptors of ``disk``, ``image``, ``kernel``, ``initrd``, and of listening sockets
            by the name of their channel.
    """
    return [
        "qemu-system-x86_64", "-name", boot.machine, "-S",
        "-nodefaults", "-no-user-config", "-display", "none", "-M", "pc",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        *_accelerator(kvm=boot.kvm),
        "-m", str(boot.memory_mib), "-smp", str(boot.processors),
        "-kernel", f"/proc/self/fd/{files['kernel']}",
        "-initrd", f"/proc/self/fd/{files['initrd']}",
        "-append", _KERNEL_SAYS + ("" if boot.kvm else _EMULATED_TOO),
        *_disks(boot, files),
        "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{SSH_PORT}-{_GUEST}:22",
        "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci",
        *_channels(files),
    ]  # fmt: skip


def _accelerator(*, kvm: bool) -> list[str]:
    return ["-accel", "kvm", "-cpu", "host"] if kvm else ["-accel", "tcg", "-cpu", "max,la57=off"]


def _disks(boot: Boot, files: dict[str, int]) -> list[str]:
    disk = {
        "driver": "qcow2",
        "node-name": "disk",
        "discard": "unmap",
        "file": {"driver": "file", "filename": "/dev/fdset/1"},
        "backing": {
            "driver": "raw",
            "node-name": "image",
            "read-only": True,
            "file": {"driver": "file", "filename": "/dev/fdset/2"},
        },
    }
    seed = {
        "driver": "vvfat", "node-name": "seed", "dir": boot.seed, "label": "CIDATA",
        "read-only": True,
    }  # fmt: skip
    return [
        "-add-fd", f"fd={files['disk']},set=1", "-add-fd", f"fd={files['image']},set=2",
        "-blockdev", json.dumps(disk), "-device", "virtio-blk-pci,drive=disk",
        "-blockdev", json.dumps(seed), "-device", "virtio-blk-pci,drive=seed",
        "-device", "virtio-scsi-pci,id=drives",
    ]  # fmt: skip


def _channels(files: dict[str, int]) -> list[str]:
    told = []
    for name in CHANNELS:
        told += ["-chardev", f"socket,id={name},fd={files[name]},server=on,wait=off"]
    return [
        *told,
        "-mon", "chardev=mon,mode=control", "-device", "isa-serial,chardev=con",
        "-device", "virtio-serial-pci",
        "-device", "virtserialport,chardev=aga,name=org.qemu.guest_agent.0",
        "-device", "virtserialport,chardev=tol,name=org.vmshare.told",
    ]  # fmt: skip
