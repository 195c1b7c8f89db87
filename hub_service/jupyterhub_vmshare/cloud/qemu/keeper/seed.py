"""What a virtual machine is told at each start, as cloud-init's NoCloud reads it from a disk.

It holds no secret. The machine's side of the service goes with it, so that a machine of an old
image has that of the service that keeps it.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.cloud.keeper.records import Record, write

_RELAY: Final = Path(__file__).parents[3] / "relay" / "machine"
_INSIDE: Final = Path(__file__).parent.parent / "inside"
_KERNELS: Final = "/usr/local/lib/vmshare_kernels"
_PROGRAMS: Final = {
    "/usr/local/sbin/vmshare-machine": _RELAY / "vmshare_machine.py",
    "/usr/local/sbin/vmshare-drives": _RELAY / "vmshare_drives.py",
    "/usr/local/sbin/vmshare-begin": _INSIDE / "begin.py",
}


def user_data(seed: Record, disk: str) -> str:
    """The files that cloud-init writes. ``disk`` tells a copy from what it is a copy of."""
    told: dict[str, tuple[str, str]] = {
        "/etc/vmshare/seed.json": (json.dumps(seed), "0644"),
        "/etc/vmshare/disk.told": (disk, "0644"),
        "/usr/local/lib/vmshare_folders.py": ((_RELAY / "vmshare_folders.py").read_text(), "0644"),
        "/etc/vmshare/sshd_config": ((_RELAY / "sshd_config").read_text(), "0644"),
        **{path: (source.read_text(), "0755") for path, source in _PROGRAMS.items()},
        **{
            f"{_KERNELS}/{source.name}": (source.read_text(), "0644")
            for source in sorted((_RELAY / "vmshare_kernels").glob("*.py"))
        },
    }
    files = [
        {
            "path": path,
            "content": _packed(content),
            "encoding": "gz+b64",
            "permissions": mode,
            "owner": "root:root",
        }
        for path, (content, mode) in told.items()
    ]
    said: dict[str, Any] = {"hostname": seed["hostname"], "write_files": files}
    return f"#cloud-config\n{json.dumps(said)}\n"


def _packed(content: str) -> str:
    """Much shorter: cloud-init reads YAML letter by letter, which takes seconds where emulated."""
    return base64.b64encode(gzip.compress(content.encode(), mtime=0)).decode()


def prepare(place: Path, seed: Record, disk: str) -> None:
    """Have it in a directory, which becomes the disk."""
    place.mkdir(mode=0o755, exist_ok=True)
    place.chmod(0o755)
    # All of it is done in cloud-init's first stage, as nothing comes by a network.
    told = {"instance-id": disk, "local-hostname": seed["hostname"], "dsmode": "local"}
    for name, content in (
        ("meta-data", json.dumps(told)),
        ("user-data", user_data(seed, disk)),
    ):
        write(place / name, content.encode())
        (place / name).chmod(0o644)
