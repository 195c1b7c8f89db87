"""Files as block devices. A loop device goes by itself when nothing has it mounted any more."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Final

_CTL_GET_FREE, _CONFIGURE, _SET_CAPACITY = 0x4C82, 0x4C0A, 0x4C07
_READ_ONLY, _AUTOCLEAR = 1, 4
# struct loop_config: a descriptor, the size of a block, struct loop_info64, and what is reserved.
_INFO_FLAGS_AT, _CONFIG_BYTES = 8 + 52, 8 + 232 + 64
_EXT4_RESIZE: Final = 0x40086610
_BLOCK: Final = 4096


def attach(path: Path, *, read_only: bool) -> int:
    """A descriptor of a loop device over a file; the device lives as long as something uses it."""
    mode = os.O_RDONLY if read_only else os.O_RDWR
    file = os.open(path, mode | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        with open("/dev/loop-control", "rb") as control:
            while True:
                number = fcntl.ioctl(control, _CTL_GET_FREE)
                device = os.open(f"/dev/loop{number}", mode | os.O_CLOEXEC)
                try:
                    fcntl.ioctl(device, _CONFIGURE, _configuration(file, read_only))
                    return device
                except OSError as error:
                    os.close(device)
                    if error.errno != errno.EBUSY:  # else somebody else was quicker
                        raise
    finally:
        os.close(file)


def _configuration(file: int, read_only: bool) -> bytes:
    told = bytearray(_CONFIG_BYTES)
    struct.pack_into("=II", told, 0, file, _BLOCK)
    struct.pack_into("=I", told, _INFO_FLAGS_AT, _AUTOCLEAR | (_READ_ONLY if read_only else 0))
    return bytes(told)


def path_of(device: int) -> str:
    """The name of a loop device."""
    return f"/dev/loop{os.minor(os.fstat(device).st_rdev)}"


def number_of(device: int) -> str:
    """A loop device's number as mount tables write it, such as 7:3."""
    found = os.fstat(device).st_rdev
    return f"{os.major(found)}:{os.minor(found)}"


def over(path: Path) -> list[str]:
    """The loop devices over a file, as 7:3; those that are about to go are among them."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if backing.read_text().rstrip("\n") == str(path):
                found.append((backing.parent.parent / "dev").read_text().strip())
        except OSError:
            continue  # it went meanwhile
    return found


def wait_until_free(path: Path, seconds: float) -> bool:
    """Wait until no loop device is over a file. A mount that ended lets go a moment later."""
    deadline = time.monotonic() + seconds
    while over(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def grow(device: str, root: int) -> None:
    """Have a loop device, and the ext4 mounted from it at a descriptor, be as large as its file."""
    if os.fstat(root).st_dev != os.makedev(*map(int, device.split(":"))):
        raise OSError(errno.EXDEV, "something else is mounted there")
    opened = os.open(f"/dev/loop{device.partition(':')[2]}", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(opened, _SET_CAPACITY)
        blocks = os.lseek(opened, 0, os.SEEK_END) // _BLOCK
        fcntl.ioctl(root, _EXT4_RESIZE, struct.pack("=Q", blocks))
    finally:
        os.close(opened)
