"""What the keeper of sandboxes takes for an order: names, numbers and marks, and nothing else."""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest

from jupyterhub_vmshare.cloud.keeper import messages
from jupyterhub_vmshare.cloud.sandbox.keeper import confining
from jupyterhub_vmshare.mounts.fields import BadMessage

MARK = "mch_01k0000000000000000000000a"
SIZE = {"id": "small", "processors": 1, "memory_mib": 256, "disk_gib": 1}
SEED = {"hostname": "box", "machine_id": MARK, "authorities": ["ssh-ed25519 AAAA"]}
GOOD = {"do": "create_machine", "mark": MARK, "size": SIZE, "seed": SEED, "image": "debian",
        "snapshot": None}  # fmt: skip


def test_a_good_order_is_read() -> None:
    verb, told = messages.order_of(GOOD)
    assert (verb, told["image"], told["size"]) == ("create_machine", "debian", SIZE)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"do": "run"}, id="a verb that is none"),
        pytest.param({"image": "../../etc"}, id="an image that is a path"),
        pytest.param({"image": "a;reboot"}, id="an image that is shell text"),
        pytest.param({"image": "-x"}, id="an image that is an option"),
        pytest.param({"image": None}, id="nothing to start from"),
        pytest.param({"snapshot": "snp-" + "0" * 16}, id="two things to start from"),
        pytest.param({"mark": "mch_../../../etc/passwd/aaaaaaaaa"}, id="a mark that is a path"),
        pytest.param({"mark": MARK + "\n"}, id="a mark with a line more"),
        pytest.param({"seed": {**SEED, "hostname": "$(id)"}}, id="a host name that is shell text"),
        pytest.param({"seed": {**SEED, "hostname": "a.b"}}, id="a host name with a domain"),
        pytest.param({"seed": {**SEED, "authorities": ["x\ny"]}}, id="a key of two lines"),
        pytest.param({"seed": {**SEED, "more": 1}}, id="a seed with something more"),
        pytest.param({"size": {**SIZE, "memory_mib": -1}}, id="negative memory"),
        pytest.param({"size": {**SIZE, "disk_gib": 1 << 40}}, id="an endless disk"),
        pytest.param({"size": {**SIZE, "processors": True}}, id="a truth for a number"),
        pytest.param({"uid": 0}, id="something that nobody asked for"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadMessage):
        messages.order_of({**GOOD, **wrong})


@pytest.mark.parametrize(
    "name", ["", "sbx-1", "../x", "sbx-" + "0" * 16 + "/..", "dsk-" + "0" * 16]
)
def test_names_that_the_keeper_did_not_make_are_refused(name: str) -> None:
    with pytest.raises(BadMessage):
        messages.order_of({"do": "delete_machine", "machine": name})


# A small reader of the filter's language, so that every branch of it is looked at without a kernel.
def verdict(code: bytes, number: int, architecture: int, *arguments: int) -> int:
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    lines = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    at = held = 0
    while True:
        kind, yes, no, value = lines[at]
        at += 1
        if kind == 0x20:
            held = struct.unpack_from("=I", data, value)[0]
        elif kind == 0x06:
            return int(value)
        else:
            holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[kind]
            at += yes if holds else no


ALLOWED, NEVER, NO_CALL, NO_FAMILY = 0x7FFF0000, 0x50001, 0x50026, 0x50061
X86 = 0xC000003E


@pytest.mark.parametrize(
    ("number", "architecture", "arguments", "expected"),
    [
        pytest.param(0, X86, (), ALLOWED, id="read"),
        pytest.param(56, X86, (0x11,), ALLOWED, id="fork"),
        pytest.param(56, X86, (0x3D0F00,), ALLOWED, id="a thread"),
        pytest.param(56, X86, (0x10000011,), NEVER, id="fork into a user namespace"),
        pytest.param(272, X86, (0x200,), ALLOWED, id="unshare files"),
        pytest.param(272, X86, (0x20000,), NEVER, id="unshare mounts"),
        pytest.param(272, X86, (0x80,), NEVER, id="unshare time"),
        pytest.param(435, X86, (), NO_CALL, id="clone3"),
        pytest.param(165, X86, (), NEVER, id="mount"),
        pytest.param(425, X86, (), NEVER, id="io_uring"),
        pytest.param(41, X86, (2,), ALLOWED, id="an IPv4 socket"),
        pytest.param(41, X86, (16,), ALLOWED, id="a netlink socket"),
        pytest.param(41, X86, (40,), NO_FAMILY, id="a vsock"),
        pytest.param(16, X86, (0, 0x5401), ALLOWED, id="asking a terminal"),
        pytest.param(16, X86, (0, 0x5412), NEVER, id="typing into a terminal"),
        pytest.param(0, 0x40000003, (), NEVER, id="a call of 32-bit programs"),
        pytest.param(0x40000000, X86, (), NEVER, id="a call of x32"),
        pytest.param(40, 0xC00000B7, (), NEVER, id="mount of ARM, on x86"),
    ],
)
def test_the_filter(
    number: int, architecture: int, arguments: tuple[int, ...], expected: int
) -> None:
    assert verdict(confining.program("x86_64"), number, architecture, *arguments) == expected


def test_there_is_a_filter_for_this_machine() -> None:
    assert confining.program(os.uname().machine)
    assert verdict(confining.program("aarch64"), 40, 0xC00000B7) == NEVER
    assert verdict(confining.program("aarch64"), 63, 0xC00000B7) == ALLOWED
