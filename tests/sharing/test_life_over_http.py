"""The life of a grant as people go through it, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, ScriptedClock, running_service
from tests.fixtures.world import SmallWorld


def wire(clock: ScriptedClock, **later: float) -> str:
    return (clock.now + timedelta(**later)).isoformat().replace("+00:00", "Z")


@pytest.mark.scenario("F1")
@pytest.mark.asyncio
async def test_what_ana_makes_is_nobody_elses(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    await api("ana").write(folder, "hello.txt", b"hello")
    await api("ana").ask("POST", f"/folders/{folder}/directories", {"path": "myfolder"})
    for name in ("ben", "eve", "root-hub"):
        assert await api(name).folders() == {}
        assert (await api(name).get(f"/folders/{folder}")).status_code == 404
    # People are found by team or exact name, and the search knows nothing of folders.
    assert (await api("ben").ask("GET", "/people", params={"q": "tes"}))["items"] == []


@pytest.mark.scenario("F2")
@pytest.mark.asyncio
async def test_one_unknown_name_does_not_take_the_others_down(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    asked = [("ben", "view"), ("dan", "edit"), ("nobody", "view"), ("ana", "view"), ("eve", "own")]
    told = await api("ana").ask(
        "POST",
        f"/folders/{folder}/grants",
        {"grants": [{"receiver": name, "level": level} for name, level in asked]},
    )
    codes = [(r["problem"] or {}).get("code") for r in told["results"]]
    assert codes == [None, None, "no-such-person", "bad-input", "bad-input"]
    assert [i["level"] for i in await api("ben").invitations()] == ["view"]
    assert [i["level"] for i in await api("dan").invitations()] == ["edit"]
    assert await api("eve").invitations() == []


@pytest.mark.asyncio
async def test_inviting_tells_no_more_than_searching_who_is_there(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    path = f"/folders/{folder}/grants"

    async def invite(*names: str) -> tuple[int, str]:
        grants = [{"receiver": name, "level": "view"} for name in names]
        answer = await api("ana").call("POST", path, json={"grants": grants})
        return answer.status_code, answer.json().get("code", "")

    assert await invite(*(f"guess {n}" for n in range(200))) == (201, "")
    # Also of somebody who is there: else the answer would tell.
    assert await invite("eve") == await invite("nobody") == (429, "too-many-requests")
    assert await api("eve").invitations() == []
    assert await invite("ben") == (201, "")  # a team-mate is known anyway


@pytest.mark.scenario("F9")
@pytest.mark.asyncio
async def test_who_left_needs_a_new_invitation(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    (first,) = await api("ana").invite(folder, "edit", "ben")
    await api("ben").accept(first)
    left = await api("ben").ask("POST", f"/folders/{folder}/leave")
    assert [grant["ended_why"] for grant in left["ended"]] == ["left"]
    assert await api("ben").folders() == {}
    assert (await api("ana").ask("GET", f"/folders/{folder}/people"))["grants"] == []

    again = await api("ben").call("POST", f"/invitations/{first}/accept")
    assert (again.status_code, again.json()["code"]) == (409, "invitation-over")
    (second,) = await api("ana").invite(folder, "view", "ben")
    assert await api("ben").folders() == {}
    await api("ben").accept(second)
    assert [f["level"] for f in (await api("ben").folders()).values()] == ["view"]


@pytest.mark.scenario("F10")
@pytest.mark.asyncio
async def test_a_pending_invitation_changes_and_is_cancelled(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    (grant,) = await api("ana").invite(folder, "edit", "ben")
    changed = await api("ana").ask(
        "PATCH", f"/grants/{grant}", {"level": "view"}, headers={"If-Match": '"1"'}
    )
    (seen,) = await api("ben").invitations()
    assert (seen["level"], seen["version"]) == ("view", changed["version"])
    ended = await api("ana").ask("DELETE", f"/grants/{grant}")
    assert [g["ended_why"] for g in ended["ended"]] == ["cancelled"]
    assert await api("ben").invitations() == []
    answer = await api("ben").call("POST", f"/invitations/{grant}/accept")
    assert (answer.status_code, answer.json()["code"]) == (409, "invitation-over")
    assert "took this invitation back" in answer.json()["detail"]


@pytest.mark.scenario("F10")
@pytest.mark.asyncio
async def test_an_invitation_to_a_folder_in_the_trash(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    (grant,) = await api("ana").invite(folder, "view", "ben")
    await api("ana").ask("POST", f"/folders/{folder}/trash")
    (seen,) = await api("ben").invitations()
    assert seen["available"] is False
    answer = await api("ben").call("POST", f"/invitations/{grant}/accept")
    assert (answer.status_code, answer.json()["rule"]) == (409, "gate.state")
    assert "trash" in answer.json()["detail"]
    await api("ana").ask("POST", f"/folders/{folder}/restore")
    assert (await api("ben").accept(grant))["state"] == "active"


@pytest.mark.parametrize("level", ["view", "edit_delete"], ids=["lowered", "raised"])
@pytest.mark.asyncio
async def test_an_owner_changes_a_level_also_in_the_trash(api: Api, level: str) -> None:
    folder = await api("ana").make_folder("tests")
    (grant,) = await api("ana").invite(folder, "edit", "ben")
    held = await api("ben").accept(grant)
    await api("ana").ask("POST", f"/folders/{folder}/trash")
    marks = {"If-Match": f'"{held["version"]}"'}
    await api("ana").ask("PATCH", f"/grants/{grant}", {"level": level}, headers=marks)
    await api("ana").ask("POST", f"/folders/{folder}/restore")
    assert (await api("ben").folders())["tests"]["level"] == level


@pytest.mark.scenario("F11")
@pytest.mark.asyncio
async def test_nobody_else_answers_bens_invitation(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    (grant,) = await api("ana").invite(folder, "view", "ben")
    for name in ("ana", "cleo", "root-hub"):
        for verb in ("accept", "decline"):
            answer = await api(name).call("POST", f"/invitations/{grant}/{verb}")
            assert answer.status_code == 404, (name, verb)
    page = await api.page("root-hub")
    assert (await page.call("POST", f"/invitations/{grant}/accept")).status_code == 404
    assert len(await api("ben").invitations()) == 1


@pytest.mark.scenario("F12")
@pytest.mark.asyncio
async def test_an_end_date_ends_to_the_second(api: Api, clock: ScriptedClock) -> None:
    folder = await api("ana").make_folder("tests")
    (grant,) = await api("ana").invite(folder, "view", "ben", ends_at=wire(clock, hours=9))
    await api("ben").accept(grant)
    clock.advance(hours=9, seconds=-1)
    assert (await api("ben").get(f"/folders/{folder}/entries")).status_code == 200
    clock.advance(seconds=1)
    # Nobody has written the end down: the date counts by itself.
    assert (await api("ben").get(f"/folders/{folder}/entries")).status_code == 404
    assert await api("ben").folders() == {}


@pytest.mark.scenario("F12")
@pytest.mark.asyncio
async def test_a_service_that_was_down_catches_up_before_its_first_answer(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> None:
    clock = ScriptedClock()
    world = (tmp_path, database_url, hub, small_world)
    async with running_service(*world, clock=clock) as running, _api(running) as api:
        folder = await api("ana").make_folder("tests")
        (grant,) = await api("ana").invite(folder, "view", "ben", ends_at=wire(clock, hours=9))
        await api("ben").accept(grant)
    clock.advance(hours=10)
    async with running_service(*world, clock=clock) as running, _api(running) as api:
        people = await api("ana").ask("GET", f"/folders/{folder}/people")
        assert people["grants"] == []
        why = await api("ben").ask("GET", "/why", params={"action": "read_file", "thing": folder})
        assert why["allowed"] is False
        assert [source["ended_why"] for source in why["sources"]] == ["expired"]


@asynccontextmanager
async def _api(running: RunningService) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        yield Api(running, stack)
