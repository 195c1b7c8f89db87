"""Every cell of the tables that a live machine can be asked for, as the person themselves."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib.resources import files

import asyncssh
import pytest
import pytest_asyncio

from jupyterhub_vmshare.policy import model as policy
from jupyterhub_vmshare.sharing import inviting
from jupyterhub_vmshare.sharing.model import Grant
from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

ACTIONS = ("connect", "open_terminal", "read_files", "upload", "download", "read_drive_directly")
ALL = frozenset({"terminal", "files", "upload", "download", "apps"})
HOLDERS = {
    **{"owner": "ana", "co_owner": "ben", "manager": "ben", "user": "ben", "invited": "ben"},
    **{"hub_admin": "root-hub", "stranger": "dan"},
}


def table() -> dict[str, dict[str, str]]:
    """The cells by action and column."""
    path = files("jupyterhub_vmshare.policy") / "tables" / "machine_roles.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {row["action"]: row for row in csv.DictReader(lines)}


def expected(column: str, ticks: frozenset[str]) -> set[str]:
    """What the table says somebody may do, whose grant carries these ticks."""
    cells = {action: table()[action][column] for action in ACTIONS}
    return {
        action
        for action, cell in cells.items()
        if cell == "yes" or (cell.startswith("if:") and cell.removeprefix("if:") in ticks)
    }


CASES = [
    *(pytest.param(column, ALL, id=column) for column in HOLDERS),
    *(
        pytest.param(column, ALL - {tick}, id=f"{column} without {tick}")
        for column in ("user", "manager")
        for tick in sorted(ALL - {"apps"})
    ),
]


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


async def hold(way: Live, column: str, ticks: frozenset[str]) -> None:
    """Put somebody in the column."""
    person, what = HOLDERS[column], {"manager": "managers"}.get(column, "users")
    if column == "co_owner":
        await co_own(way, person)
    elif column == "invited":
        asked = {"grants": [{"receiver": person}]}
        await way.api("ana").ask("POST", f"/machines/{way.id}/{what}", asked)
    elif column in ("manager", "user"):
        await way.give(person, what, ticks=sorted(ticks))


async def co_own(way: Live, person: str) -> str:
    """As the page of the service does when its confirmation was typed; then it is accepted."""
    service = way.running.service
    teams = {name: await service.membership.teams_of(name) for name in ("ana", person)}
    wanted = [inviting.Wanted(person, "co_own", confirmed=True)]
    async with service.db.write() as tx:
        giver = policy.Person("ana", teams=teams["ana"])
        [made] = await inviting.invite(tx, giver, way.id, wanted, {person: teams[person]})
    assert isinstance(made, Grant), made
    await way.api(person).accept(made.id)
    return made.id


async def give_up(way: Live, column: str) -> None:
    """Take it away again; nobody can take a co-ownership, so it is left."""
    if column == "co_owner":
        await way.api(HOLDERS[column]).ask("POST", f"/machines/{way.id}/leave")
    elif column in ("manager", "user", "invited"):
        await way.api("ana").ask("DELETE", f"/machines/{way.id}/grants")


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
    return found


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
    await hold(way, column, ticks)
    try:
        assert await could(way, HOLDERS[column]) == expected(column, ticks)
    finally:
        await give_up(way, column)


@pytest.mark.scenario("V5")
async def test_a_co_owner_takes_the_drive_to_their_own_machine_and_nobody_else_does(
    way: Live,
) -> None:
    [drive] = [str(each["drive_id"]) for each in (await way.seen(way.id))["drives"]]
    own = await way.make("bens-box", by="ben")
    path, asked = f"/machines/{way.id}/drives/{drive}/move", {"machine_id": own}
    assert table()["use_drive_elsewhere"]["user"] == "no"
    for column in ("user", "manager"):
        await hold(way, column, ALL)
        refused = await way.api("ben").call("POST", path, json=asked)
        assert refused.status_code in (403, 404), refused.text
        await give_up(way, column)
    await co_own(way, "ben")
    assert table()["use_drive_elsewhere"]["co_owner"] == "yes"
    await way.api("ben").ask("POST", path, asked)
    first, way.id = way.id, own
    try:
        async with await way.enter("ben") as conn:
            await way.eventually(conn, "cat /srv/shared/given", "shared\n")
    finally:
        way.id = first
    await way.api("ben").ask("POST", f"/machines/{own}/drives/{drive}/move", {"machine_id": first})
    async with await way.enter("ana") as conn:
        await way.eventually(conn, "cat /srv/shared/given", "shared\n")
    await give_up(way, "co_owner")
