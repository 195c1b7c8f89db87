#!/usr/bin/python3 -IS
"""The drives of a machine: formatted at first sight, mounted, grown, and off again.

It lies beside ``vmshare-machine``, which starts it. On stdin comes the list of all drives that
should be mounted, as JSON; on stdout goes what became of each:

``label``      what its file system is called; a drive is known by it from then on
``serial``     what the drive says of itself, which the cloud gave it
``mount``      below /srv
``read_only``  others may have it read-only at the same time
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FSTAB, OURS = Path("/etc/fstab"), "# vmshare"
_SHAPES = {
    "label": re.compile(r"[A-Za-z0-9_-]{1,16}"),
    "serial": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "mount": re.compile(r"/srv/[a-z0-9][a-z0-9._-]{0,60}"),
}


class Refused(Exception):
    """An order that is not obeyed; the sentence says why."""


@dataclass(frozen=True)
class Drive:
    """One that should be mounted."""

    label: str
    serial: str
    mount: str
    read_only: bool

    @classmethod
    def of(cls, asked: Any) -> Drive:
        """From an order, whoever sent it."""
        for name, shape in _SHAPES.items():
            if not isinstance(asked, dict) or not shape.fullmatch(str(asked.get(name))):
                raise Refused(f"A drive's {name} is not one.")
        texts = {name: str(asked[name]) for name in _SHAPES}
        return cls(**texts, read_only=asked.get("read_only") is True)

    def became(self, because: str | None = None) -> dict[str, Any]:
        """What is answered: mounted, or why not."""
        told = {"label": self.label, "mount": self.mount, "read_only": self.read_only}
        return {**told, "mounted": because is None, "because": because}


def drives(asked: Any) -> dict[str, Any]:
    """Do it all: what became of each, and which places could not be left."""
    if not isinstance(asked, list) or len(asked) > 50:
        raise Refused("The order's drives are none.")
    wanted = [Drive.of(each) for each in asked]
    places = {each.mount for each in wanted}
    busy = [place for place in mounted() if place not in places and not unmount(place)]
    remember(wanted, busy)
    return {"drives": [attach(each) for each in wanted], "busy": busy}


def attach(drive: Drive) -> dict[str, Any]:
    """Mount one. Only a drive with nothing at all on it is formatted."""
    device = device_of(drive.serial)
    if device is None:
        return drive.became("It has not arrived yet.")
    holds = run("blkid", "-p", "-o", "value", "-s", "LABEL", device, fine=(0, 2))
    signs = run("wipefs", "--noheadings", "--output", "TYPE", device)
    if not signs.strip() and not drive.read_only:
        run("mkfs.ext4", "-q", "-m", "0", "-L", drive.label, device)
    elif holds.strip() != drive.label:
        return drive.became("It holds something that was not made here, so it is left alone.")
    if not os.path.ismount(drive.mount):
        Path(drive.mount).mkdir(exist_ok=True)
        how = "nosuid,nodev,ro" if drive.read_only else "nosuid,nodev"
        run("mount", "-t", "ext4", "-o", how, device, drive.mount)
    if not drive.read_only:
        run("resize2fs", device)
    return drive.became()


def device_of(serial: str) -> str | None:
    """By what the drive says of itself: the order in which devices come means nothing."""
    for link in sorted(Path("/dev/disk/by-id").glob("*")):
        # virtio keeps twenty letters of a serial number.
        if link.name.endswith((f"-{serial}", f"-{serial[:20]}")):
            return str(link.resolve())
    for file in Path("/sys/block").glob("*/serial"):
        if file.read_text().strip() in (serial, serial[:20]):
            return f"/dev/{file.parent.name}"
    return None


def lines() -> list[str]:
    """Of fstab."""
    return FSTAB.read_text().splitlines() if FSTAB.exists() else []


def mounted() -> list[str]:
    """Where drives of ours are mounted, as fstab remembers."""
    places = [line.split()[1] for line in lines() if line.endswith(OURS)]
    return [place for place in places if os.path.ismount(place)]


def unmount(place: str) -> bool:
    """Whether it is off now; what is in use stays."""
    return subprocess.run(("umount", place), capture_output=True).returncode == 0


def remember(wanted: list[Drive], busy: list[str]) -> None:
    """For the next boot, by label; and what could not be left, for the next try."""
    kept = [line for line in lines() if not line.endswith(OURS) or line.split()[1] in busy]
    for drive in wanted:
        how = "nofail,nosuid,nodev" + (",ro" if drive.read_only else "")
        kept.append(f"LABEL={drive.label} {drive.mount} ext4 {how} 0 2 {OURS}")
    draft = FSTAB.with_suffix(".vmshare")
    draft.write_text("".join(f"{line}\n" for line in kept))
    draft.replace(FSTAB)


def run(*command: str, fine: tuple[int, ...] = (0,)) -> str:
    """A program without a shell; what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode not in fine:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise Refused(f"{command[0]} failed on the machine: {said or done.returncode}")
    return done.stdout


if __name__ == "__main__":
    try:
        print(json.dumps(drives(json.load(sys.stdin))))
    except Refused as refused:
        sys.exit(str(refused))
