"""Whether the host's processor runs virtual machines: asked by having it run one.

That ``/dev/kvm`` is there, and opens, says little: within other virtual machines it may do so and
never run an instruction.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Final

_PATIENCE: Final = 20.0
# The first sector of a disk, in 16 bits: mov al, 16; out 0xf4, al; hlt. QEMU ends with 2 * 16 + 1.
_SECTOR: Final = b"\xb0\x10\xe6\xf4\xf4".ljust(510, b"\0") + b"\x55\xaa"
_ENDED: Final = 33


def runs(accelerator: str, patience: float = _PATIENCE) -> bool:
    """Whether a machine with this accelerator gets as far as its first sector in time."""
    with tempfile.TemporaryDirectory() as place:
        sector = Path(place) / "sector"
        sector.write_bytes(_SECTOR)
        told = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-M", "pc", "-accel", accelerator, "-m", "16",
            "-drive", f"file={sector},format=raw,if=ide,snapshot=on",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-no-reboot",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                told, capture_output=True, stdin=subprocess.DEVNULL, timeout=patience, check=False
            )
        except (subprocess.TimeoutExpired, OSError):
            return False
    return done.returncode == _ENDED


def kvm_works() -> bool:
    """Whether machines run on the host's processor, else they are calculated, which is slow."""
    # QEMU is no root: its group has to get in.
    able = os.path.exists("/dev/kvm") and bool(os.stat("/dev/kvm").st_mode & 0o060 == 0o060)
    return able and runs("kvm")
