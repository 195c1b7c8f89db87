"""What nobody in a machine can do, root neither: capabilities, calls, families of sockets.

Not ``no_new_privs``: owners have sudo. Instead of it nothing in a machine can gain what is dropped
here, as the bounding set and the filter are inherited by all that ever runs in it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Final

from jupyterhub_vmshare.cloud.keeper import kernel

# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT,
# SYS_PTRACE (each other's processes are namespaced), AUDIT_WRITE, SETFCAP. All count within the
# machine's user namespace alone.
KEPT: Final = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 19, 29, 31})

# The calls that are refused, by machine: what reaches the kernel as a whole, what has often had
# holes, and what makes namespaces or mounts. Those from 424 on have one number everywhere.
_EVERYWHERE: Final = (
    425, 426, 427,  # io_uring
    428, 429, 430, 431, 432, 433, 442, 467,  # mounts as descriptors
    443,  # quotactl_fd
)  # fmt: skip
_REFUSED: Final = {
    "x86_64": (
        165, 166, 155,  # mount, umount2, pivot_root
        167, 168, 169,  # swapon, swapoff, reboot
        172, 173,  # iopl, ioperm
        175, 176, 313, 174, 177, 178,  # modules
        179, 163, 180,  # quotactl, acct, nfsservctl
        246, 320,  # kexec
        248, 249, 250,  # keys
        298, 321, 323,  # perf_event_open, bpf, userfaultfd
        304, 308, 103, 153,  # open_by_handle_at, setns, syslog, vhangup
        164, 227, 305,  # clocks
        134, 136, 139, 156, 212,  # uselib, ustat, sysfs, _sysctl, lookup_dcookie
    ),
    "aarch64": (
        40, 39, 41, 224, 225, 142, 105, 106, 273, 60, 89, 42, 104, 294, 217, 218, 219,
        241, 280, 282, 265, 268, 116, 58, 170, 112, 266, 18,
    ),
}  # fmt: skip
_NUMBERS: Final = {
    # architecture, unshare, clone, clone3, socket, ioctl
    "x86_64": (0xC000003E, 272, 56, 435, 41, 16),
    "aarch64": (0xC00000B7, 97, 220, 435, 198, 29),
}
_NAMESPACES: Final = 0x7E020000  # every CLONE_NEW… that clone has
_NEW_TIME: Final = 0x80  # clone has it as part of a signal's number
_FAMILIES: Final = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink; no vsock, which has no namespace
_TERMINAL_INPUT: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW: Final = 0x7FFF0000
_NUMBER_AT, _MACHINE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24


def _refuse(number: int) -> int:
    return 0x00050000 | number


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def program(machine: str) -> bytes:
    """The filter for calls, in the kernel's own language (classic BPF)."""
    architecture, unshare, clone, clone3, socket, ioctl = _NUMBERS[machine]
    denied = _line(_RETURN, _refuse(errno.EPERM))
    lines = [
        _line(_LOAD, _MACHINE_AT),
        # The calls of another machine's programs have other numbers.
        _line(_EQUAL, architecture, yes=1),
        denied,
        _line(_LOAD, _NUMBER_AT),
        _line(_AT_LEAST, 0x40000000, no=1),  # x32
        denied,
    ]
    for number in sorted({*_EVERYWHERE, *_REFUSED[machine]}):
        lines += [_line(_EQUAL, number, no=1), denied]
    # What it asks for lies in memory, where a filter can't look: glibc takes clone instead.
    lines += [_line(_EQUAL, clone3, no=1), _line(_RETURN, _refuse(errno.ENOSYS))]
    for number, flags in ((unshare, _NAMESPACES | _NEW_TIME), (clone, _NAMESPACES)):
        lines += [_line(_EQUAL, number, no=3), _line(_LOAD, _FIRST_AT)]
        lines += [_line(_ANY_BIT, flags, no=1), denied, _line(_LOAD, _NUMBER_AT)]
    lines += _one_of(socket, _FIRST_AT, _FAMILIES, errno.EAFNOSUPPORT, listed=True)
    lines += _one_of(ioctl, _SECOND_AT, _TERMINAL_INPUT, errno.EPERM, listed=False)
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _one_of(
    call: int, argument: int, values: tuple[int, ...], error: int, *, listed: bool
) -> list[bytes]:
    """For one call: only what is listed goes on, or all but that."""
    block = [_line(_LOAD, argument)]
    for left, value in zip(range(len(values), 0, -1), values, strict=True):
        block.append(_line(_EQUAL, value, yes=left))  # over those that are left, and one more
    on, off = _line(_RETURN, _ALLOW), _line(_RETURN, _refuse(error))
    block += [off, on] if listed else [on, off]
    return [_line(_EQUAL, call, no=len(block)), *block]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def confine() -> None:
    """Never be able to do more than this again; needs CAP_SYS_ADMIN in one's user namespace."""
    kernel.drop_all_but(KEPT)
    code = program(os.uname().machine)
    told = _Program(len(code) // 8, code)
    kernel.prctl(22, 2, ctypes.cast(ctypes.pointer(told), ctypes.c_void_p))
