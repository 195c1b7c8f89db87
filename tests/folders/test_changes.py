"""Events of folders: who is told what, and that notices of changed files stay coarse."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_vmshare.folders.changes import Changes, common
from tests.fixtures.api import Api, Person
from tests.fixtures.service import RunningService


async def events(person: Person, kind: str, count: int) -> list[dict[str, Any]]:
    """The person's events whose type begins so, oldest first, once there are ``count``."""
    found: list[dict[str, Any]] = []
    for _ in range(300):
        page = await person.ask("GET", "/events", params={"limit": 100})
        found = [event for event in reversed(page["items"]) if event["type"].startswith(kind)]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{count} were expected: {found}")


@pytest.mark.asyncio
async def test_everybody_with_access_hears_what_happens_to_a_folder(api: Api) -> None:
    ana, ben, eve = api("ana"), api("ben"), api("eve")
    folder = await ana.make_folder("tests")
    [grant, _] = await ana.invite(folder, "view", "ben", "eve")
    await ben.accept(grant)
    await ben.ask("PUT", f"/folders/{folder}/alias", {"alias": "anas"})
    rename = {"headers": {"If-Match": '"1"'}}
    await ana.ask("PATCH", f"/folders/{folder}", {"name": "results"}, **rename)
    await ana.ask("POST", f"/folders/{folder}/trash")
    await ana.ask("POST", f"/folders/{folder}/restore", {"name": "again"})
    told = await events(ana, "folder.", 4)
    assert [event["type"] for event in told] == [
        *("folder.created", "folder.renamed", "folder.trashed", "folder.restored")
    ]
    assert told[1]["data"] == {"from": "tests", "to": "results"}
    assert told[3]["data"] == {"from": "results", "to": "again"}
    heard = await events(ben, "folder.", 4)
    assert [event["type"] for event in heard] == [
        *("folder.alias_chosen", "folder.renamed", "folder.trashed", "folder.restored")
    ]
    assert heard[0]["data"] == {"alias": "anas"}
    assert await events(eve, "folder.", 0) == []


@pytest.mark.asyncio
async def test_many_changes_are_few_notices_that_name_a_directory(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    folder = await ana.make_folder("tests")
    [grant] = await ana.invite(folder, "view", "ben")
    await ben.accept(grant)
    begin = time.monotonic()
    await ana.ask("POST", f"/folders/{folder}/directories", {"path": "d"})
    await asyncio.gather(*(ana.write(folder, f"d/{number}", b"") for number in range(20)))
    await asyncio.sleep(1.2)
    told = await events(ben, "files.changed", 2)
    # At once, and then one a second.
    assert len(told) <= 2 + (time.monotonic() - begin)
    assert told[0]["data"] == {"path": ""}
    assert {event["data"]["path"] for event in told[1:]} <= {"", "d"}
    assert {event["actor"] for event in told} == {"ana"}
    assert await events(api("eve"), "files.changed", 0) == []


@pytest.mark.asyncio
async def test_a_notice_that_fails_fails_nothing_else(
    api: Api, service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    service.service.folders.changes.note(folder, [("too deep",) * 3000], "ana")
    assert (await ana.write(folder, "a", b"a"))["size"] == 1
    assert [event["data"] for event in await events(ana, "files.changed", 1)] == [{"path": ""}]
    assert "could not be told" in caplog.text


@pytest.mark.asyncio
async def test_what_waits_is_told_when_the_service_stops(api: Api, service: RunningService) -> None:
    folder = await api("ana").make_folder("tests")
    changes = Changes(service.service.db)
    changes.note(folder, [("a",)], "ana")
    await asyncio.sleep(0.2)
    changes.note(folder, [("b", "c")], "ana")
    changes.note(folder, [("b", "d", "e")], "ben")
    await changes.close()
    told = await events(api("ana"), "files.changed", 2)
    assert [(event["actor"], event["data"]) for event in told] == [
        ("ana", {"path": ""}),
        (None, {"path": "b"}),
    ]


PLACES = st.lists(st.lists(st.sampled_from("ab"), max_size=4).map(tuple), min_size=1, max_size=4)


@given(places=PLACES)
def test_the_common_directory_is_the_deepest_that_holds_all(places: list[tuple[str, ...]]) -> None:
    found = common(places)
    depth = len(found)
    assert all(place[:depth] == found for place in places)
    assert len({place[: depth + 1] for place in places}) > 1 or found in places
