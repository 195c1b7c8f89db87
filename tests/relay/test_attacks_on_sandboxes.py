"""Attacks on the way in: around the relay, with others' certificates, from a machine's root."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from jupyterhub_vmshare.relay.certificates import LASTS, Issuer, Kind, login
from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.relay.entrance import PATIENCE
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("attacks")) as made:
        yield made


async def signed(
    way: Live, person: str, machine: str, *, ago: timedelta = timedelta(), kind: Kind = Kind.PEOPLE
) -> Any:
    """A key, with a certificate as the service signed it so long ago."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    signer = (await way.running.service.ways.authorities.issuer(kind)).signer
    made = Issuer(signer, datetime.now(UTC) - ago).for_person(
        key.convert_to_public(), person, machine
    )
    return key, asyncssh.import_certificate(made)


async def around(way: Live, account: str, shown: Any) -> asyncssh.SSHClientConnection:
    """A connection to the machine itself, as root of the host could make one and nobody else."""
    machine = (await way.row(way.id)).cloud_id
    door = socket.socket(socket.AF_UNIX)
    door.connect(str(way.keeper.run / "ssh" / f"{machine}.sock"))
    door.setblocking(False)
    return await asyncssh.connect(
        "machine", sock=door, username=account, client_keys=[shown], known_hosts=None, config=None
    )


async def test_what_opens_the_relay_opens_no_machine(way: Live) -> None:
    async with await way.enter("ana") as conn:
        await conn.run("true")
    for account in ("ana", "root"):
        with pytest.raises(asyncssh.PermissionDenied):
            await around(way, account, await signed(way, "ana", way.id))


WRONG = [
    pytest.param({"person": "ana", "user": "ben"}, id="ana's as ben"),
    pytest.param({"person": "ana", "other": True}, id="another machine's"),
    pytest.param({"person": "ana", "ago": 2 * LASTS}, id="an expired one"),
    pytest.param({"person": "ana", "kind": Kind.MACHINES}, id="of the machines' authority"),
    pytest.param({"person": "ana", "kind": Kind.HOSTS}, id="of the hosts' authority"),
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_certificate_that_does_not_fit_opens_nothing(
    way: Live, wrong: dict[str, Any]
) -> None:
    machine = "mch_" + "0" * 26 if wrong.get("other") else way.id
    shown = await signed(
        way,
        wrong["person"],
        machine,
        ago=wrong.get("ago", timedelta()),
        kind=wrong.get("kind", Kind.PEOPLE),
    )
    user = login(wrong.get("user", wrong["person"]), way.id)
    with pytest.raises(asyncssh.PermissionDenied):
        await way.knock(username=user, client_keys=[shown])


async def entered(way: Live, person: str) -> tuple[asyncssh.SSHClientConnection, datetime]:
    """A connection with a certificate that ends soon: as soon as this machine is quick enough."""
    for seconds in (4, 8, 16, 40):
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        shown = await signed(way, person, way.id, ago=LASTS - timedelta(seconds=seconds))
        with contextlib.suppress(asyncssh.PermissionDenied):
            return await way.knock(username=login(person, way.id), client_keys=[shown]), ends
    raise AssertionError("The machine takes longer than 40 seconds for a connection.")


async def test_a_link_outlives_its_certificate_and_no_revoke(way: Live) -> None:
    grant = await way.give("ben")
    conn, ends = await entered(way, "ben")
    cats = await conn.create_process("cat")
    await asyncio.sleep((ends - datetime.now(UTC)).total_seconds() + 1)
    old = await signed(way, "ben", way.id, ago=2 * LASTS)
    with pytest.raises(asyncssh.PermissionDenied):
        await way.knock(username=login("ben", way.id), client_keys=[old])
    cats.stdin.write("still here\n")
    assert await cats.stdout.readline() == "still here\n"
    [link] = (await way.revoke(grant))["links"]
    assert link["confirmed"]
    async with asyncio.timeout(PATIENCE):
        await conn.wait_closed()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-R", "127.0.0.1:0:127.0.0.1:22"], id="a port back"),
        pytest.param(["-R", "/tmp/back.sock:127.0.0.1:22"], id="a socket back"),
        pytest.param(["-w", "any"], id="a tunnel"),
    ],
)
async def test_nothing_leads_back_from_a_machine(way: Live, options: list[str]) -> None:
    status, out, err = await way.openssh(
        "ana", "echo there", options=["-oExitOnForwardFailure=yes", *options]
    )
    assert (status, out) == (255, ""), err


async def test_agents_and_displays_stay_where_they_are(way: Live) -> None:
    status, out, err = await way.openssh(
        "ana", "echo agent=$SSH_AUTH_SOCK display=$DISPLAY", options=["-A", "-X"]
    )
    assert (status, out) == (0, "agent= display=\n"), err


SECRETS = """
import os, pathlib, socket, sys
found = []
for place in ("/run", "/etc/vmshare", "/var/lib/vmshare"):
    for root, _, names in os.walk(place):
        for name in names:
            try:
                text = (pathlib.Path(root) / name).read_bytes()
            except OSError:
                continue
            if b"PRIVATE KEY" in text and not name.startswith("ssh_host_"):
                found.append(name)
for told in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        if b"VMSHARE_" in told.read_bytes():
            found.append(str(told))
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
    found.append("the relay's port")
except OSError:
    pass
print(found)
"""


async def test_root_on_a_machine_finds_no_key_and_no_relay(way: Live) -> None:
    async with await way.enter("ana") as conn:
        port = str(way.relay.port)
        done = await conn.run(f"sudo -n python3 - {port}", input=SECRETS)
    assert done.stdout == "[]\n", done.stderr


async def test_root_of_a_machine_that_shows_another_key_is_found_out(way: Live) -> None:
    other = await way.make("other-box")
    keys = "/etc/vmshare/ssh_host_ed25519_key"
    swap = f"rm {keys} {keys}.pub && ssh-keygen -q -t ed25519 -N '' -f {keys}"
    assert (await way.inside("sh", "-c", swap, machine=other)).returncode == 0
    await _tells(way, other, "is not the machine that was made")


LIES = [
    pytest.param("echo nonsense; sleep 1000", id="nonsense"),
    pytest.param('echo \'{"id": 1, "done": []}\'; sleep 1000', id="an answer of another shape"),
    pytest.param("cat /dev/zero", id="no end"),
    pytest.param("exit 1", id="nothing"),
]


@pytest.mark.parametrize("lie", LIES)
async def test_a_helper_that_lies_harms_nobody_elses_machine(way: Live, lie: str) -> None:
    """Root of a machine may put anything in the helper's place."""
    other = await way.make(f"liar-box-{secrets.token_hex(3)}")
    helper = "/usr/local/sbin/vmshare-machine"
    script = f'case "$1" in principals) echo "$2@{other}"; echo "vmshare@{other}";; *) {lie};; esac'
    program = f"#!/bin/sh\n{script}\n"
    put = f"cat > {helper}.new && chmod 755 {helper}.new && mv {helper}.new {helper}"
    pid = way.keeper.pid((await way.row(other)).cloud_id)
    words = ["nsenter", "-t", str(pid), "-U", "-m", "-S", "0", "-G", "0", "sh", "-c", put]
    written = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
    await written.communicate(program.encode())
    assert written.returncode == 0
    async with await way.enter("ana") as conn:
        await _tells(way, other, "helper does not answer")
        assert (await conn.run("echo well")).stdout == "well\n"
    assert await way.relay.is_well()


async def _tells(way: Live, machine: str, sentence: str) -> None:
    """Whoever wants to go there is told why they can't."""
    own, way.id = way.id, machine
    try:
        async with await way.enter("ana") as conn:
            done = await conn.run("true", stdin=asyncssh.DEVNULL)
        assert done.returncode == 255
        assert sentence in str(done.stderr)
    finally:
        way.id = own
