"""System disks of virtual machines: what one has written, over the image that it began with."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from jupyterhub_vmshare.cloud.keeper import files
from jupyterhub_vmshare.cloud.keeper.files import GIB, Trouble


def new_overlay(path: Path, image: Path, gib: int) -> None:
    """An empty one."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    files.run(
        "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, beside, f"{gib}G"
    )
    os.chmod(beside, 0o600)
    beside.replace(path)


def size_of(path: Path) -> int:
    """How many GiB a machine sees of it."""
    told = subprocess.run(
        ["qemu-img", "info", "--force-share", "--output=json", str(path)],
        capture_output=True,
        check=False,
    )
    if told.returncode != 0:
        raise Trouble("The machine's disk can't be read on the host.")
    return int(json.loads(told.stdout)["virtual-size"]) // GIB


def grow(path: Path, gib: int) -> None:
    """Have it be as large as this; nobody uses it."""
    if size_of(path) < gib:
        files.run("qemu-img", "resize", "-q", "-f", "qcow2", path, f"{gib}G")
