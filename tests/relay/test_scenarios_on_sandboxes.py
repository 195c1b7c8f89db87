"""What teams do with machines, on real sandboxes: V3 to V5, V8, V9 and V11 to V14, by SSH sessions.

V1, V2, V7 and V10 are in ``test_on_sandboxes``; V2, V5 and V7 in two browsers in the journeys.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import asyncssh
import pytest
import pytest_asyncio

from tests.fixtures.api import Json
from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.fixtures.waiting import within
from tests.relay import alike
from tests.relay.entrance import gone
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("scenarios")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Live) -> AsyncIterator[Live]:
    """Each test has a machine of ana's, with a drive, and is alone on it."""
    own = whole.id
    whole.id = await whole.make("lab-box", drive_gib=1)
    yield whole
    await whole.delete(whole.id)
    whole.id = own


@pytest.mark.scenario("V3")
async def test_a_user_lets_a_team_mate_in_and_nobody_else(way: Live) -> None:
    await alike.lets_a_team_mate_in(way)


@pytest.mark.scenario("V4")
async def test_a_manager_adds_people_and_is_not_near_the_drive(way: Live) -> None:
    await alike.a_manager_is_not_near_the_drive(way)


@pytest.mark.scenario("V5")
async def test_a_co_owner_is_root_there_and_takes_the_drive_to_her_own_machine(way: Live) -> None:
    await alike.a_co_owner_takes_the_drive(way)


@pytest.mark.scenario("V8")
async def test_ben_leaves_and_his_link_and_programs_end(way: Live) -> None:
    await alike.ben_leaves(way)


@pytest.mark.scenario("V7")
async def test_who_leaves_the_team_loses_what_it_gave(way: Live) -> None:
    grant = await way.give("ben")
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u", stdin=asyncssh.DEVNULL)).stdout))
    await conn.run("setsid sleep 1202 >/dev/null 2>&1 &", stdin=asyncssh.DEVNULL)
    await way.until_there(uid, "1202")
    hub = way.running.hub
    hub.leave("ben", "genomics")
    try:
        await way.api("ana").ask("POST", "/teams/refresh")
        await gone(conn)
        await way.nothing_of(uid)
        assert (await way.ask_for_certificate("ben", way.id))[0] == 404
    finally:
        hub.join("ben", "genomics")
        await way.api("ana").ask("POST", "/teams/refresh")
    # Coming back brings nothing back.
    assert (await way.ask_for_certificate("ben", way.id))[0] == 404
    told = await way.api("ana").ask("GET", f"/machines/{way.id}/people")
    assert grant not in [one["id"] for one in told["grants"]]


@pytest.mark.scenario("V9")
async def test_ana_goes_and_her_co_owner_has_the_machine(way: Live) -> None:
    await alike.co_owns(way, "cleo")
    anas = await way.enter("ana")
    assert (await anas.run("whoami", stdin=asyncssh.DEVNULL)).stdout == "ana\n"
    told = await way.api("ana").ask("POST", f"/machines/{way.id}/leave")
    assert told["offered_to"] == "cleo"
    [offer] = await way.api("cleo").all("/hand-overs")
    await way.api("cleo").ask("POST", f"/hand-overs/{offer['id']}/machine")
    await gone(anas)
    assert (await way.ask_for_certificate("ana", way.id))[0] == 404
    assert await way.says("sudo -n whoami", by="cleo") == "root"
    assert (await way.seen(way.id, by="cleo"))["owner"] == "cleo"
    await way.delete(way.id, by="cleo")
    way.id = await way.make("another-box")


@pytest.mark.scenario("V11")
async def test_one_that_stops_while_it_is_shared_is_seen_and_started_by_its_users(
    way: Live,
) -> None:
    await alike.stops_while_it_is_shared(way)


async def test_a_stop_that_was_not_in_order_is_told_to_everybody_on_it(way: Live) -> None:
    await way.give("ben")
    os.kill(way.keeper.pid((await way.row(way.id)).cloud_id), signal.SIGSTOP)
    await way.api("ana").ask("POST", f"/machines/{way.id}/stop")
    await way.state_is("stopped")
    told: list[Json] = []
    async with within(way.patience, "The event that says why"):
        while not told:  # it gets its place in the log a moment after the change
            events = await way.api("ben").ask("GET", f"/events?thing={way.id}&limit=200")
            told = [each["data"] for each in events["items"] if each["type"] == "machine.changed"]
            told = [each for each in told if each["because"]]
            await asyncio.sleep(0.05)
    [said] = told
    assert said["state"] == "stopped"
    assert "did not shut down" in said["because"]
    # It is as it was wanted: that is no failure of the machine's.
    assert (await way.seen(way.id))["because"] is None


@pytest.mark.scenario("V12")
async def test_a_snapshot_starts_the_same_software_and_a_rebuild_keeps_all_but_the_disk(
    way: Live,
) -> None:
    ana = way.api("ana")
    await way.give("ben")
    await way.says("echo tool | sudo -n tee /usr/local/bin/tool; echo mine > /srv/shared/mine")
    told = await ana.ask("POST", f"/machines/{way.id}/snapshots", {"name": "with-tools"})
    await way.until_told(f"/machine-snapshots/{told['id']}", state="ready")
    own, asked = way.id, {"size": "small", "snapshot_id": told["id"], "drive_gib": 0}
    way.id = str((await ana.ask("POST", "/machines", {"name": "again", **asked}))["id"])
    await way.state_is("running")
    await way.until_it_says("cat /usr/local/bin/tool", "tool")
    assert (await way.row(way.id)).host_keys != (await way.row(own)).host_keys
    await way.delete(way.id)
    way.id = own
    before = await way.row(own)
    await ana.ask("POST", f"/machines/{own}/rebuild", {"image": "debian"})
    async with within(way.patience, "Other host keys"):
        while (await way.row(own)).host_keys in (before.host_keys, None):
            await asyncio.sleep(0.05)
    await way.until_it_says("mountpoint -q /srv/shared && cat /srv/shared/mine", "mine")
    assert await way.says("test -e /usr/local/bin/tool || echo new", by="ben") == "new"
    assert (await way.row(own)).address == before.address
    await ana.ask("DELETE", f"/machine-snapshots/{told['id']}")


@pytest.mark.scenario("V13")
async def test_a_drives_whole_life(way: Live) -> None:
    ana = way.api("ana")
    other = await way.make("other-box")
    drive = str((await ana.ask("POST", "/drives", {"name": "data", "size_gib": 1}))["id"])
    path, place = f"/drives/{drive}", f"/srv/drives/{drive[-12:]}"
    told = await way.until_told(path, state="ready")
    seen = {"If-Match": f'"{told["version"]}"'}
    assert (await ana.ask("PATCH", path, {"name": "reads"}, headers=seen))["name"] == "reads"
    await ana.ask("PUT", f"{path}/writer/{way.id}")
    await way.until_it_says(f"mountpoint -q {place} && echo there", "there")
    await way.says(f"sudo -n sh -c 'echo line > {place}/shared/line'")
    second = await ana.call("PUT", f"{path}/writer/{other}")
    assert second.status_code == 409, second.text
    await ana.ask("PUT", f"{path}/size", {"size_gib": 2})
    await way.until_told(path, state="ready", size_gib=2)
    await way.until_it_says(f"df --output=size -BG {place} | tail -1 | tr -d ' '", "2G")
    # It is attached: it can't be deleted from under the machine.
    await ana.ask("DELETE", f"{path}/machines/{way.id}")
    await way.until_told(path, machines=[])
    await ana.ask("PUT", f"{path}/writer/{other}")
    own, way.id = way.id, other
    await way.until_it_says(f"sudo -n cat {place}/shared/line", "line")
    way.id = own
    await ana.ask("DELETE", f"{path}/machines/{other}")
    await way.until_told(path, machines=[])
    await way.delete(drive)
    await way.delete(other)


@pytest.mark.scenario("V14")
async def test_one_that_can_not_be_made_says_why_is_tried_again_and_leaves_nothing(
    way: Live,
) -> None:
    await alike.can_not_be_made(way)
