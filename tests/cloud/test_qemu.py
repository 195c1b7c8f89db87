"""Parts of virtual machines that need no virtual machine."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from jupyterhub_vmshare.cloud.image import CannotBuild, ImageWanted
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.qemu import image
from jupyterhub_vmshare.cloud.qemu.keeper import probe, seed, stopping
from jupyterhub_vmshare.cloud.qemu.keeper.agent import Agent, NoAnswer
from jupyterhub_vmshare.cloud.qemu.keeper.boot import CHANNELS, Boot, words
from jupyterhub_vmshare.cloud.qemu.keeper.shim import _hear_key
from jupyterhub_vmshare.clouds import cloud_named

KEY = "ssh-ed25519 " + "A" * 68
SEED = {"hostname": "gpu-box", "machine_id": "mch_1", "authorities": [KEY]}


def never() -> bool:
    return False


def boot(where: Path) -> Boot:
    return Boot(
        machine="qvm-0123456789abcdef",
        place=str(where / "place"),
        image=str(where / "image"),
        base=1 << 29,
        run=str(where),
        relay_uid=7,
        seed=str(where / "seed"),
        processors=2,
        memory_mib=512,
        kvm=False,
    )


def test_the_service_knows_it_by_name() -> None:
    cloud = cloud_named("qemu", "/run/somewhere")
    assert cloud is not None
    assert (cloud.name, cloud.capabilities.resize_running) == ("qemu", False)


def test_qemu_opens_nothing_of_the_host_but_the_seed(tmp_path: Path) -> None:
    names = ("disk", "image", "kernel", "initrd", *CHANNELS)
    told = words(boot(tmp_path), {name: 10 + at for at, name in enumerate(names)})
    assert [word for word in told if str(tmp_path) in word] == [
        word for word in told if '"vvfat"' in word
    ]
    assert "-S" in told
    assert "spawn=deny" in told[told.index("-sandbox") + 1]
    network = told[told.index("-netdev") + 1]
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.1:" in network


def test_what_is_told_is_the_seed_and_the_service_s_own_programs(tmp_path: Path) -> None:
    seed.prepare(tmp_path / "seed", SEED, "a-disk")
    about = yaml.safe_load((tmp_path / "seed/meta-data").read_text())
    assert about == {"instance-id": "a-disk", "local-hostname": "gpu-box", "dsmode": "local"}
    text = (tmp_path / "seed/user-data").read_text()
    assert text.startswith("#cloud-config\n")
    files = {each["path"]: each for each in yaml.safe_load(text)["write_files"]}
    assert {each["encoding"] for each in files.values()} == {"gz+b64"}
    told = {
        path: gzip.decompress(base64.b64decode(each["content"])).decode()
        for path, each in files.items()
    }
    assert json.loads(told["/etc/vmshare/seed.json"]) == SEED
    assert files["/usr/local/sbin/vmshare-machine"]["permissions"] == "0755"
    assert "def " in told["/usr/local/lib/vmshare_kernels/supervisor.py"]
    for each in (text, *told.values()):
        assert "PRIVATE KEY" not in each
        assert str(tmp_path) not in each


@pytest.mark.parametrize("kvm", [True, False])
def test_what_guards_against_speculation_is_off_only_where_nothing_speculates(
    tmp_path: Path, kvm: bool
) -> None:
    names = ("disk", "image", "kernel", "initrd", *CHANNELS)
    told = words(replace(boot(tmp_path), kvm=kvm), dict.fromkeys(names, 10))
    assert ("mitigations=off" in told[told.index("-append") + 1]) is not kvm


def test_an_image_asks_nobody_for_an_address_and_starts_what_it_needs_alone() -> None:
    told = "\n".join(image.recipe(ImageWanted("debian", "", ("r-base",))))
    for word in ("cloud-init", "qemu-guest-agent", "openssh-server", "r-base", "MODULES=list"):
        assert word in told
    masked = next(line for line in told.splitlines() if "systemctl mask" in line)
    for word in ("networkd-wait-online", "ssh.service", "serial-getty"):
        assert word in masked


@pytest.mark.parametrize("name", ["", "../x", "Debian", "a;b"])
def test_an_image_is_called_by_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotBuild), (tmp_path / "log").open("w") as log:
        image.build(ImageWanted(name, ""), tmp_path, log)


def test_an_accelerator_is_believed_when_something_ran_with_it() -> None:
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("There is no QEMU here.")
    assert not probe.runs("no-such-thing")
    assert not probe.runs("tcg", patience=0.001)
    assert probe.runs("tcg", patience=200)


def test_the_first_key_that_a_machine_tells_is_kept(tmp_path: Path) -> None:
    told = boot(tmp_path)
    (tmp_path / "vm").mkdir()
    (tmp_path / "place").mkdir()

    async def machine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"nonsense\n{KEY} x\nssh-ed25519 {'B' * 68}\n".encode())
        writer.close()

    async def hear() -> None:
        server = await asyncio.start_unix_server(machine, told.channel("tol"))
        async with server:
            await _hear_key(told)

    asyncio.run(hear())
    assert told.told.read_text() == KEY


@contextmanager
def guest(where: Path, *lines: bytes) -> Iterator[Path]:
    """An agent that says these lines, whatever it is asked; NUMBER is the one it was given.

    What it was asked lies in the file ``heard`` in the end.
    """
    path, heard = where / "agent", where / "heard"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as asked:
                number = str(json.loads(asked.readline().strip(b"\xff"))["arguments"]["id"])
                with suppress(OSError):  # who has heard enough hangs up
                    for line in lines:
                        connection.sendall(line.replace(b"NUMBER", number.encode()))
                    heard.write_bytes(asked.read())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield path
    thread.join(10)


IN_STEP = b'{"return": NUMBER}\n'


def test_answers_to_what_somebody_else_asked_are_left_out(tmp_path: Path) -> None:
    lines = (b'{"return": 1}\n', b"rubbish\n", IN_STEP, b'{"return": 3}\n')
    with guest(tmp_path, *lines) as path, Agent(path) as agent:
        assert agent.ask("guest-fsfreeze-freeze") == 3


@pytest.mark.parametrize(
    ("line", "because"),
    [
        pytest.param(b'{"error": {"class": "x"}}\n', "class", id="it refuses"),
        pytest.param(b"[1]\n", "no answer", id="no object"),
        pytest.param(b'{"return": {"pid": "5"}}\n', "no answer", id="a text for a number"),
        pytest.param(b"x" * (1 << 18), "hung up", id="a line without an end"),
    ],
)
def test_whatever_an_agent_says_is_no_more_than_no_answer(
    tmp_path: Path, line: bytes, because: str
) -> None:
    with (
        guest(tmp_path, IN_STEP, line) as path,
        Agent(path, 30.0) as agent,
        pytest.raises(NoAnswer, match=because),
    ):
        agent.run("/bin/true", patience=30)


def test_an_agent_that_is_silent_is_none(tmp_path: Path) -> None:
    with guest(tmp_path) as path, pytest.raises(NoAnswer):
        Agent(path, 0.2)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(
            [b'{"return": {"pid": 5}}\n', b'{"return": {"exited": true, "exitcode": 0}}\n'],
            ["guest-exec", "guest-exec-status"],
            id="it obeys",
        ),
        pytest.param(
            [b'{"return": {"pid": 5}}\n', b'{"return": {"exited": true, "exitcode": 1}}\n'],
            ["guest-exec", "guest-exec-status", "guest-shutdown"],
            id="it can not",
        ),
        pytest.param(
            [b'{"error": {"class": "x"}}\n'],
            ["guest-exec", "guest-shutdown"],
            id="it runs nothing for anybody",
        ),
    ],
)
def test_an_agent_is_asked_in_every_way_that_it_has(
    tmp_path: Path, lines: list[bytes], said: list[str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as machine:
        process = Process.of(machine.pid)
        with guest(tmp_path, IN_STEP, *lines) as path:
            assert not stopping.in_order(process, path, tmp_path / "none", 2, never)
        machine.communicate(b"\n")
    heard = [json.loads(line) for line in (tmp_path / "heard").read_bytes().splitlines()]
    assert [each["execute"] for each in heard] == said
    assert stopping.in_order(process, tmp_path / "none", tmp_path / "none", 2, never)


def test_one_that_does_not_stop_is_not_waited_for_when_nobody_waits_any_more(
    tmp_path: Path,
) -> None:
    asked = iter((False, False, True))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as machine:
        process, begun = Process.of(machine.pid), time.monotonic()
        assert not process.wait_unless(600, lambda: next(asked))
        assert time.monotonic() - begun < 60
        machine.communicate(b"\n")
    assert process.wait_unless(600, never)
