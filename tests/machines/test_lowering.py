"""What was given on is never more than what it was given from (``sharing/test_lineage`` too)."""

from __future__ import annotations

import pytest

from tests.fixtures.api import Json
from tests.machines.conftest import Lab

pytestmark = pytest.mark.asyncio


async def given(lab: Lab, box: str, level: str, to: str, by: str = "ana", **more: object) -> str:
    grant = await lab.give(box, level, to, by=by, **more)
    await lab(to).accept(grant)
    return grant


async def change(lab: Lab, box: str, grant: str, **wished: object) -> Json:
    [now] = [one for one in await grants(lab, box) if one["id"] == grant]
    seen = {"If-Match": f'"{now["version"]}"'}
    return await lab("ana").ask("PATCH", f"/grants/{grant}", wished, headers=seen)


async def grants(lab: Lab, box: str) -> list[Json]:
    told = await lab("ana").ask("GET", f"/machines/{box}/people")
    return list(told["grants"])


async def test_a_tick_that_is_cleared_is_cleared_for_those_who_have_it_from_them(lab: Lab) -> None:
    box = (await lab.ask_for())["id"]
    bens = await given(lab, box, "use", "ben", profile="standard")
    cleos = await given(lab, box, "use", "cleo", "ben")
    told = await change(lab, box, bens, ticks=["files", "download"])
    assert [(one["id"], one["ticks"]) for one in told["lowered"]] == [
        (cleos, ["files", "download"])
    ]
    assert [one["profile"] for one in await grants(lab, box)] == ["reading", "reading"]
    [heard, *_] = reversed(await lab("cleo").events("grant.changed"))
    assert (heard["actor"], heard["data"]["grant_id"]) == ("ana", cleos)
    # cleo was invited while ben might; he is asked for nothing anew.
    raised = await change(lab, box, bens, profile="everything")
    assert raised["lowered"] == []
    assert [one["profile"] for one in await grants(lab, box)] == ["everything", "reading"]


async def test_what_a_co_owner_gave_is_lowered_with_them(lab: Lab) -> None:
    box = (await lab.ask_for())["id"]
    cleos = await given(lab, box, "co_own", "cleo")
    bens = await given(lab, box, "manage", "ben", "cleo")
    told = await change(lab, box, cleos, level="use", ticks=["terminal"])
    assert [(one["id"], one["level"], one["ticks"]) for one in told["lowered"]] == [
        (bens, "use", ["terminal"])
    ]
    refused = await lab("ben").call(
        "POST", f"/machines/{box}/users", json={"grants": [{"receiver": "fay"}]}
    )
    assert (refused.status_code, refused.json()["rule"]) == (403, "if.invite")


async def test_an_invitation_that_waits_is_lowered_too(lab: Lab) -> None:
    drive = (await lab.ask_for_drive())["id"]
    cleos = await lab.give(drive, "co_own", "cleo")
    await lab("cleo").accept(cleos)
    bens = await lab.give(drive, "attach_write", "ben", by="cleo")
    seen = {"If-Match": '"2"'}
    body = {"level": "attach_read"}
    told = await lab("ana").ask("PATCH", f"/grants/{cleos}", body, headers=seen)
    assert [(one["id"], one["level"]) for one in told["lowered"]] == [(bens, "attach_read")]
    assert (await lab("ben").invitations())[0]["level"] == "attach_read"
