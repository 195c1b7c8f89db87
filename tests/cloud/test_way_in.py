"""The one way into a sandbox: its socket, and a certificate for this account on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.bench import Bench
from tests.cloud.door import Door, machine_for, new_key
from tests.cloud.shell import ssh
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes

pytestmark = pytest.mark.machines


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    where = tmp_path_factory.mktemp("keys")
    new_key(where / "authority")
    keeper = KeeperProcess(tmp_path_factory.mktemp("keeper"))
    try:
        keeper.start()
        bench = Bench(keeper.cloud(), IMAGE, "small", "large", patience=60)
        machine, mark = asyncio.run(machine_for(bench, where / "authority.pub"))
        yield Door(keeper, machine, mark, where)
    finally:
        keeper.stop()


def test_an_account_is_made_and_its_owner_gets_in(door: Door) -> None:
    door.order(do="ensure", name="ana", uid=20_001, sudo=True, version=1)
    done = ssh(
        door.socket, "ana", "id -u; hostname; sudo -n id -u", key=door.key(f"ana@{door.mark}")
    )
    assert done.stdout.decode().split() == ["20001", "gpu-box", "0"]


def test_who_is_locked_out_has_nothing_left_there(door: Door) -> None:
    door.order(do="ensure", name="ben", uid=20_002, sudo=False, version=1)
    key = door.key(f"ben@{door.mark}")
    assert not door.runs("ben", "sudo -n true", key)
    assert door.runs("ben", "tmux new -d 'sleep 1000'; setsid sleep 1000 >/dev/null 2>&1 &", key)
    door.order(do="lock", name="ben", uid=20_002, version=2)
    assert not door.runs("ben", "true", key)
    ana = door.key(f"ana@{door.mark}")
    door.order(do="ensure", name="ana", uid=20_001, sudo=True, version=2)
    assert not door.runs("ana", "pgrep -u 20002", ana)


@pytest.mark.parametrize(
    ("principal", "valid"),
    [
        pytest.param("ana@mch_00000000000000000000000000", "+5m", id="another machine's"),
        pytest.param("ben@{mark}", "+5m", id="somebody else's"),
        pytest.param("ana", "+5m", id="one that names no machine"),
        pytest.param("ana@{mark}", "-10m:-5m", id="one that has ended"),
    ],
)
def test_a_certificate_that_does_not_fit_opens_nothing(
    door: Door, principal: str, valid: str
) -> None:
    door.order(do="ensure", name="ana", uid=20_001, sudo=True, version=3)
    key = door.key(principal.format(mark=door.mark), valid=valid)
    assert not door.runs("ana", "true", key)


def test_a_key_alone_opens_nothing(door: Door) -> None:
    key = door.where / "bare"
    new_key(key)
    assert not door.runs("ana", "true", key)
    assert not door.runs("root", "true", key)


def test_the_socket_is_the_relay_s_alone(door: Door) -> None:
    found = door.socket.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o600)
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534);"
        "socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    )
    python = shutil.which("python3") or ""
    done = subprocess.run([python, "-c", program, door.socket], capture_output=True, check=False)
    assert b"Permission denied" in done.stderr


def test_nothing_on_a_machine_is_a_secret_of_ours(door: Door) -> None:
    """Anybody there may read what it was told: names and public keys."""
    root = Path(f"/proc/{door.keeper.pid(door.machine)}/root/run/vmshare")
    told = {file.name: file.read_text() for file in root.iterdir() if not file.is_socket()}
    assert set(json.loads(told["seed.json"])) == {"hostname", "machine_id", "authorities"}
    assert not [name for name, text in told.items() if "PRIVATE KEY" in text]
    assert os.fspath(door.keeper.state) not in "".join(told.values())
