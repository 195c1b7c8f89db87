"""The adapter of virtual machines on this host: what they can do. All else is any keeper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.kept import SIZES, KeptCloud
from jupyterhub_vmshare.cloud.port import Capabilities, Size

_CAPABILITIES: Final = Capabilities(
    reboot_hard=True,
    resize=True,
    resize_running=False,
    rebuild=True,
    snapshot=True,
    snapshot_running=True,
    attach_running=True,
    attach_read_only=True,
    attach_to_many=True,
    extend_drive=True,
    extend_attached=True,
    clone_drive=True,
    console_log=True,
    arrives_mounted=True,
    limits=True,
)


class QemuCloud(KeptCloud):
    """The virtual machines of one host.

    Args:
        socket: Where the keeper listens.
        sizes: How large machines can be, smallest first.
        limit: Seconds that an answer may take. Nothing slow is waited for.
    """

    def __init__(self, socket: Path, *, sizes: Sequence[Size] = SIZES, limit: float = 10.0) -> None:
        super().__init__("qemu", _CAPABILITIES, socket, sizes=sizes, limit=limit)
