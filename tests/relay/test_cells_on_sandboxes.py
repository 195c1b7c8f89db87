"""Every cell of the tables that a live machine can be asked for, as the person themselves."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncssh
import pytest
import pytest_asyncio

from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.relay.columns import ALL, HOLDERS, give_up, held, hold, own_machine, table
from tests.relay.entrance import PATIENCE
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

ACTIONS = (
    *("connect", "open_terminal", "open_app", "read_files", "upload", "download"),
    "read_drive_directly",
)
"""What people do on the machine itself, tried out by each of them."""
ELSEWHERE = {"use_drive_elsewhere": "below", "run_kernel": "the tests of kernels"}
ASKED = frozenset(
    """
    see_in_list see_people start stop reboot read_console_log invite_user invite_manager
    invite_co_owner change_grant revoke_grant stop_sharing_with_all leave accept_or_decline rename
    resize rebuild snapshot attach_drive detach_drive keep_on edit_idle_policy hand_over delete
    """.split()  # noqa: SIM905 (a table of words reads better)
)
"""What the service answers for, whatever runs: ``tests/machines``, and the pages of the service."""
PORTS = itertools.count(8801)


def expected(column: str, ticks: frozenset[str]) -> set[str]:
    """What the table says somebody may do, whose grant carries these ticks."""
    cells = {action: table("machine_roles")[action][column] for action in ACTIONS}
    return {
        action
        for action, cell in cells.items()
        if cell == "yes" or (cell.startswith("if:") and cell.removeprefix("if:") in ticks)
    }


COLUMNS = held("machine_roles")
CASES = [
    *(pytest.param(column, ALL, id=column) for column in COLUMNS),
    *(
        pytest.param(column, ALL - {tick}, id=f"{column} without {tick}")
        for column in ("user", "manager")
        for tick in sorted(ALL)
    ),
]


async def test_no_action_of_the_table_is_forgotten() -> None:
    assert set(table("machine_roles")) == {*ACTIONS, *ELSEWHERE, *ASKED}
    assert set(COLUMNS) == set(table("machine_roles")["connect"]) - {"action", "project_admin"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("cells")) as made:
        # Root's own on the drive: who may read a drive directly can read this.
        script = "cd /srv/drives/* && echo secret > private && chmod 600 private"
        done = await made.inside("sh", "-c", f"{script}; echo shared > /srv/shared/given")
        assert done.returncode == 0, done.stderr
        yield made


async def could(way: Live, person: str) -> set[str]:
    """What somebody can do there, tried out."""
    status, _ = await way.ask_for_certificate(person, way.id)
    if status != 201:
        return set()
    found = {"connect"}
    async with await way.enter(person) as conn:
        done = await conn.run("sudo -n cat /srv/drives/*/private", stdin=asyncssh.DEVNULL)
        found |= {"read_drive_directly"} if done.stdout == "secret\n" else set()
        done = await conn.run("echo there", stdin=asyncssh.DEVNULL)
        found |= {"open_terminal"} if done.stdout == "there\n" else set()
        with suppress(asyncssh.Error):
            async with conn.start_sftp_client() as sftp:
                found |= await _of_files(sftp)
        found |= {"open_app"} if await reaches_an_app(way, person, conn) else set()
    return found


async def reaches_an_app(way: Live, person: str, conn: asyncssh.SSHClientConnection) -> bool:
    """Whether somebody reaches a program of theirs; begun from outside: they may have no shell."""
    [row] = [
        each
        for each in await way.running.service.ways.accounts_on([way.id])
        if each.person == person
    ]
    port = next(PORTS)
    program = f"setsid python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1 </dev/null &"
    as_them = ("setpriv", f"--reuid={row.uid}", "--regid=100", "--clear-groups")
    await way.inside(*as_them, "sh", "-c", program)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await conn.open_connection("localhost", port)
            except asyncssh.ChannelOpenError as refused:
                if "No program of yours" not in str(refused):
                    return False
                await asyncio.sleep(0.05)  # not yet
            else:
                writer.close()
                return True


async def _of_files(sftp: asyncssh.SFTPClient) -> set[str]:
    found = set()
    with suppress(asyncssh.SFTPPermissionDenied):
        await sftp.listdir("/srv/shared")
        found.add("read_files")
    with suppress(asyncssh.SFTPPermissionDenied):
        async with sftp.open("/srv/shared/made", "wb") as file:
            await file.write(b"x")
        found.add("upload")
    with suppress(asyncssh.SFTPPermissionDenied):
        async with sftp.open("/srv/shared/given", "rb") as file:
            await file.read(1, 0)
        found.add("download")
    return found


@pytest.mark.parametrize(("column", "ticks"), CASES)
async def test_a_live_machine_lets_people_do_what_the_table_says(
    way: Live, column: str, ticks: frozenset[str]
) -> None:
    grant = await hold(way, column, way.id, ticks)
    try:
        assert await could(way, HOLDERS[column]) == expected(column, ticks)
    finally:
        await give_up(way, column, way.id, grant)


@pytest.mark.scenario("V5")
@pytest.mark.parametrize("column", COLUMNS)
async def test_who_may_takes_the_drive_to_a_machine_of_their_own(way: Live, column: str) -> None:
    [drive] = [str(each["drive_id"]) for each in (await way.seen(way.id))["drives"]]
    person = HOLDERS[column]
    own = await own_machine(way, person)
    grant = await hold(way, column, way.id)
    try:
        answer = await way.api(person).call(
            "POST", f"/machines/{way.id}/drives/{drive}/move", json={"machine_id": own}
        )
        assert answer.is_success == (table("machine_roles")["use_drive_elsewhere"][column] == "yes")
        if answer.is_success:
            await it_is_there(way, own, person)
            back = f"/machines/{own}/drives/{drive}/move"
            await way.api(person).ask("POST", back, {"machine_id": way.id})
        else:
            assert answer.status_code in (403, 404), answer.text
        await it_is_there(way, way.id, "ana")
    finally:
        await give_up(way, column, way.id, grant)


async def it_is_there(way: Live, machine: str, person: str) -> None:
    """Somebody reads what was shared, on that machine."""
    first, way.id = way.id, machine
    try:
        async with await way.enter(person) as conn:
            await way.eventually(conn, "cat /srv/shared/given", "shared\n")
    finally:
        way.id = first
