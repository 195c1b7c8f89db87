"""Everything that one gives and has been given, and the same change to many grants at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fixtures.api import Api, Json
from tests.fixtures.service import ScriptedClock

pytestmark = pytest.mark.asyncio


async def given(api: Api, name: str, *people: str, level: str = "edit") -> dict[str, str]:
    """A folder of ana's for these people; the ids of their grants, and the folder's."""
    folder = await api("ana").make_folder(name)
    grants = await api("ana").invite(folder, level, *people)
    return {"folder": folder, **dict(zip(people, grants, strict=True))}


def wire(clock: ScriptedClock, **later: float) -> str:
    return (clock.now + timedelta(**later)).isoformat().replace("+00:00", "Z")


def results(told: Json) -> dict[str, str | None]:
    """By grant: the problem's code, if there is one."""
    return {one["grant_id"]: (one["problem"] or {}).get("code") for one in told["results"]}


async def test_both_sides_see_the_same_grants(api: Api, clock: ScriptedClock) -> None:
    one = await given(api, "one", "ben", "dan")
    two = await api("ana").make_folder("two")
    end = wire(clock, hours=5)
    (team,) = await api("ana").invite(two, "view", "genomics", receiver_kind="team", ends_at=end)
    await api("ben").accept(one["ben"])
    shares = await api("ana").all("/shares/given", limit=2)
    assert [s["id"] for s in shares] == [team, one["dan"], one["ben"]]
    assert [s["thing_name"] for s in shares] == ["two", "one", "one"]
    assert [s["ends_at"] is None for s in shares] == [False, True, True]
    assert all("change_level" in s["actions"] for s in shares)
    theirs = await api("ben").all("/shares/received", limit=1)
    assert [(s["id"], s["answer"], s["effective_level"]) for s in theirs] == [
        (team, "none", "view"),
        (one["ben"], "accepted", "edit"),
    ]
    assert all("change_level" not in s["actions"] for s in theirs)
    (dans,) = await api("dan").all("/shares/received")
    assert (dans["state"], dans["effective_level"]) == ("pending", None)
    assert await api("eve").all("/shares/received") == []
    assert await api("ben").all("/shares/given") == []
    # ana is of the team: what it has of hers is not shared with her.
    assert await api("ana").all("/shares/received") == []
    clock.advance(hours=5)
    assert [s["id"] for s in await api("ben").all("/shares/received")] == [one["ben"]]


async def test_what_is_declined_trashed_or_over_is_not_shown_to_its_receiver(api: Api) -> None:
    one = await given(api, "one", "ben", "dan")
    await api("ben").accept(one["ben"])
    (team,) = await api("ana").invite(one["folder"], "view", "genomics", receiver_kind="team")
    await api("ben").ask("POST", f"/invitations/{team}/decline")
    assert [s["id"] for s in await api("ben").all("/shares/received")] == [one["ben"]]
    await api("ana").ask("POST", f"/folders/{one['folder']}/trash")
    assert await api("ben").all("/shares/received") == []
    # As the invitation itself, which says that it has to wait.
    (waiting,) = await api("dan").all("/shares/received")
    assert (waiting["id"], waiting["thing_state"]) == (one["dan"], "trashed")
    assert len(await api("ana").all("/shares/given")) == 3


async def test_an_alias_is_what_a_share_is_called(api: Api) -> None:
    one = await given(api, "one", "ben")
    await api("ben").accept(one["ben"], alias="mine")
    (share,) = await api("ben").all("/shares/received")
    assert (share["thing_name"], share["thing_label"]) == ("one", "mine")
    (share,) = await api("ana").all("/shares/given")
    assert share["thing_label"] == "one"


async def test_many_levels_and_dates_change_and_each_has_a_result(
    api: Api, clock: ScriptedClock
) -> None:
    folders = [await given(api, f"f{n}", "ben", "dan") for n in range(3)]
    grants = [one[name] for one in folders for name in ("ben", "dan")]
    await api("ana").ask("DELETE", f"/grants/{grants[0]}")
    foreign = await api("cleo").make_folder("cleos")
    (other,) = await api("cleo").invite(foreign, "view", "ben")
    asked = [{"id": grant, "version": 1} for grant in (*grants, other)]
    asked[1]["version"] = 7
    told = await api("ana").ask(
        "POST", "/grants/change", {"grants": asked, "level": "view", "ends_at": wire(clock, days=1)}
    )
    assert list(results(told)) == [one["id"] for one in asked]
    assert list(results(told).values()) == [
        "conflict",
        "changed-meanwhile",
        *[None] * 4,
        "not-found",
    ]
    shares = {s["id"]: s for s in await api("ana").all("/shares/given")}
    assert [shares[g]["level"] for g in grants[1:]] == ["edit", *["view"] * 4]
    assert [shares[g]["ends_at"] is None for g in grants[1:]] == [True, *[False] * 4]
    # Asked for again, what has changed meanwhile is refused, and the date goes where it is seen.
    again = await api("ana").ask("POST", "/grants/change", {"grants": asked, "level": "edit"})
    assert set(results(again).values()) - {"not-found"} <= {"conflict", "changed-meanwhile", None}
    seen = [{"id": g, "version": shares[g]["version"]} for g in grants[2:]]
    await api("ana").ask("POST", "/grants/change", {"grants": seen, "ends_at": None})
    shares = {s["id"]: s for s in await api("ana").all("/shares/given")}
    assert [shares[g]["ends_at"] for g in grants[2:]] == [None] * 4


async def test_many_are_revoked_and_those_who_may_not_revoke_change_nothing(api: Api) -> None:
    one = await given(api, "one", "ben", "dan")
    two = await given(api, "two", "ben")
    await api("ben").accept(one["ben"])
    grants = [one["ben"], one["dan"], two["ben"]]
    body = {"grants": grants}
    refused = await api("ben").ask("POST", "/grants/revoke", body)
    assert results(refused) == dict.fromkeys((one["ben"], one["dan"], two["ben"]), "forbidden")
    refused = await api("eve").ask("POST", "/grants/revoke", body)
    assert set(results(refused).values()) == {"not-found"}
    assert len(await api("ana").all("/shares/given")) == 3
    told = await api("ana").ask("POST", "/grants/revoke", body)
    whys = [[g["ended_why"] for g in one["grants"]] for one in told["results"]]
    assert whys == [["revoked"], ["cancelled"], ["cancelled"]]
    assert await api("ana").all("/shares/given") == []
    # Doing it twice is doing it once.
    told = await api("ana").ask("POST", "/grants/revoke", body)
    assert results(told) == dict.fromkeys(grants)
    assert [one["grants"] for one in told["results"]] == [[], [], []]


async def test_more_than_one_transaction_takes_is_changed_all_the_same(api: Api) -> None:
    folder = await api("ana").make_folder("many")
    people = [f"guest{n:03}" for n in range(150)]
    for name in people:
        api.running.hub.add_person(name)
    grants = await api("ana").invite(folder, "view", *people)
    told = await api("ana").ask(
        "POST",
        "/grants/change",
        {"grants": [{"id": g, "version": 1} for g in grants], "level": "edit"},
    )
    assert list(results(told)) == grants
    assert set(results(told).values()) == {None}
    assert {s["level"] for s in await api("ana").all("/shares/given")} == {"edit"}


@pytest.mark.parametrize("count", [0, 1001])
async def test_none_and_too_many_are_refused_at_once(api: Api, count: int) -> None:
    grants = ["gnt_" + "0" * 26] * count
    answer = await api("ana").call("POST", "/grants/revoke", json={"grants": grants})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")
