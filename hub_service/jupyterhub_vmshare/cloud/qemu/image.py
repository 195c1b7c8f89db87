"""Images for virtual machines: a disk, and the kernel that QEMU starts beside it.

The disk holds one ext4 and no boot loader, so that nothing is searched for when a machine starts,
and the file system grows with its disk. The kernel is the image's, and stays so.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final, TextIO

from jupyterhub_vmshare.cloud import image
from jupyterhub_vmshare.cloud.image import CannotBuild, ImageWanted

DISK: Final = "disk.raw"
DISK_GIB: Final = 2
_KERNEL: Final = "linux-image-cloud-amd64"
PACKAGES: Final = (
    "cloud-init", "e2fsprogs", "initramfs-tools", _KERNEL, "psmisc", "qemu-guest-agent",
    "systemd-sysv", "udev",
)  # fmt: skip
# A root on virtio in the initial RAM disk, and no more: each module less is a moment less.
_INITRD: Final = '"$1"/etc/initramfs-tools'
_BEFORE_KERNEL: Final = (
    f"mkdir -p {_INITRD}/conf.d",
    f'printf "MODULES=list\\nCOMPRESS=gzip\\nRESUME=none\\n" > {_INITRD}/conf.d/vmshare',
    f'printf "virtio_pci\\nvirtio_blk\\next4\\n" > {_INITRD}/modules',
)
INSIDE: Final = Path(__file__).parent / "inside"
"""What is put into the machine."""
_PLACES: Final = {
    "begin.py": ("usr/local/sbin/vmshare-begin", 0o755),
    "begin.service": ("etc/systemd/system/vmshare-begin.service", 0o644),
    "sshd.service": ("etc/systemd/system/vmshare-sshd.service", 0o644),
    "drive.service": ("etc/systemd/system/vmshare-drive@.service", 0o644),
    "drive.rules": ("etc/udev/rules.d/80-vmshare.rules", 0o644),
    "network": ("etc/systemd/network/10-vmshare.network", 0o644),
    "cloud.cfg": ("etc/cloud/cloud.cfg.d/95-vmshare.cfg", 0o644),
    "fstab": ("etc/fstab", 0o644),
}
"""What of ``inside`` goes where in the machine."""
_ON: Final = (
    "vmshare-begin.service", "vmshare-sshd.service", "systemd-networkd.service",
    "qemu-guest-agent.service",
)  # fmt: skip
_OFF: Final = (
    "apt-daily-upgrade.timer", "apt-daily.timer", "cloud-config.service", "cloud-final.service",
    "cloud-init-hotplugd.socket", "cloud-init.service", "dev-hugepages.mount",
    "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
    "getty.target", "getty@tty1.service", "man-db.timer", "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@ttyS0.service", "ssh.service", "ssh.socket", "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount", "sys-kernel-debug.mount", "systemd-binfmt.service",
    "systemd-network-generator.service", "systemd-networkd-wait-online.service",
    "systemd-pstore.service", "systemd-timesyncd.service",
)  # fmt: skip
"""What nobody needs there, and every start would wait for."""

_NO_GENERATOR: Final = "/etc/systemd/system-generators/cloud-init-generator"
"""It would search for where a cloud tells what: that is said in ``cloud.cfg``."""

_UNPACK: Final = """
mkdir root
tar --numeric-owner -xpf root.tar -C root
rm root.tar
"""
_PACK: Final = f"""
mv root/boot/vmlinuz-* vmlinuz
mv root/boot/initrd.img-* initrd
mkfs.ext4 -q -F -m 0 -L vmshare-root -d root {DISK}
rm -r root
"""


def build(wanted: ImageWanted, state: Path, log: TextIO) -> Path:
    """Make an image of virtual machines; without root in a directory that is one's own."""
    needs = {"mkfs.ext4": "e2fsprogs"}
    if os.geteuid() != 0:
        needs |= {"newuidmap": "uidmap", "fakeroot": "fakeroot"}
    missing = " ".join(package for program, package in needs.items() if not shutil.which(program))
    if missing:
        raise CannotBuild(f"Please install {missing} (apt-get install {missing}).")
    return image.build(wanted, state, log, _disk, disk_gib=DISK_GIB)


def add(made: Path, state: Path) -> Path:
    """Take an image that was built without root."""
    return image.add(made, state, (DISK, "vmlinuz", "initrd"))


def recipe(wanted: ImageWanted) -> list[str]:
    """What mmdebstrap is told."""
    return [
        *image.recipe(wanted, *PACKAGES),
        *(f"--essential-hook={step}" for step in _BEFORE_KERNEL),
        *(f"--customize-hook={step}" for step in _last_steps()),
    ]


def _last_steps() -> list[str]:
    inside = shlex.quote(str(INSIDE))
    return [
        *(
            f'install -D -m {mode:o} {inside}/{name} "$1"/{path}'
            for name, (path, mode) in _PLACES.items()
        ),
        f'chroot "$1" systemctl mask {" ".join(_OFF)}',
        f'chroot "$1" systemctl enable {" ".join(_ON)}',
        f'install -d "$1"{_NO_GENERATOR.rpartition("/")[0]}',
        f'ln -s /dev/null "$1"{_NO_GENERATOR}',
        f'chroot "$1" apt-mark hold {_KERNEL}',
    ]


def _disk(wanted: ImageWanted, place: Path, log: TextIO) -> None:
    is_root = os.geteuid() == 0
    image.debian(recipe(wanted), place / ("root" if is_root else "root.tar"), log)
    with (place / DISK).open("wb") as file:
        file.truncate(DISK_GIB << 30)
    # Unpacked and packed by one fakeroot, which alone knows whose the files are.
    told = ["sh", "-euc", _PACK] if is_root else ["fakeroot", "sh", "-euc", _UNPACK + _PACK]
    done = subprocess.run(told, cwd=place, stdin=subprocess.DEVNULL, stderr=log, check=False)
    if done.returncode != 0:
        raise CannotBuild("The disk could not be made: choose fewer packages, or look above.")
