"""A name that the hub gives a second time: the new holder finds nothing of the former one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.db.metadata import NAME
from jupyterhub_vmshare.db.tables import accounts, answers, metadata, sessions, things
from jupyterhub_vmshare.people.succession import HELD, OTHERS
from jupyterhub_vmshare.policy.model import Person as Someone
from jupyterhub_vmshare.sharing import handing
from tests.fakes.hub import FakeHub, Trouble
from tests.fixtures.api import Api, Json
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld

NEW: Json = {"person": "ben", "server_name": "", "uid": 2001, "gid": 100, "wait_seconds": 0.01}


def made_again(service: RunningService, name: str, created: datetime | None = None) -> None:
    """The hub's admin deletes an account, and makes another one of its name."""
    service.clock.advance(minutes=1)
    service.hub.remove_person(name)
    service.hub.add_person(name, created=created or service.clock())
    service.clock.advance(minutes=1)


async def shown_to(api: Api, name: str) -> dict[str, Any]:
    """All that somebody finds who signs in."""
    one = api.with_token(api.running.hub.visitor_token(name), name)
    return {
        "folders": await one.folders(),
        "trash": await one.all("/folders", state="trashed"),
        "invitations": await one.invitations(),
        "offers": await one.all("/hand-overs"),
        "given": await one.all("/shares/given"),
        "received": await one.all("/shares/received"),
        "events": [e for e in await one.all("/events") if not e["type"].startswith("team.")],
        "used": (await one.ask("GET", "/me/quota"))["bytes"]["used"],
    }


NOTHING: dict[str, Any] = {
    **{name: [] for name in ("trash", "invitations", "offers", "given", "received", "events")},
    "folders": {},
    "used": 0,
}


async def lived(api: Api) -> dict[str, str]:
    """What ben had: folders of his own (shared, in the trash), ana's, an offer, a team's yes."""
    ana, ben = api("ana"), api("ben")
    await ben.ask("GET", "/me")
    reef, old = await ben.make_folder("reef"), await ben.make_folder("old")
    await ben.write(reef, "data", b"x" * 1000)
    await ben.ask("POST", f"/folders/{old}/trash")
    [to_cleo] = await ben.invite(reef, "edit", "cleo")
    await api("cleo").accept(to_cleo)
    tests, waits = await ana.make_folder("tests"), await ana.make_folder("waits")
    [to_ben] = await ana.invite(tests, "edit", "ben")
    await ben.accept(to_ben)
    await ana.invite(waits, "view", "ben")
    offered = await ana.make_folder("offered")
    async with api.running.service.db.write() as tx:  # as the confirm page does it
        await handing.offer(tx, Someone("ana"), offered, handing.Offer("ben"))
    return {"reef": reef, "old": old, "tests": tests, "waits": waits}


@pytest.mark.asyncio
async def test_the_new_holder_of_a_name_finds_nothing_and_others_lose_nothing(
    api: Api, service: RunningService
) -> None:
    made = await lived(api)
    made_again(service, "ben")
    assert await shown_to(api, "ben") == NOTHING
    assert await shown_to(api, "ben") == NOTHING, "and the second time, too"
    new = api.with_token(service.hub.visitor_token("ben"), "ben")
    for folder in made.values():
        assert (await new.get(f"/folders/{folder}")).status_code == 404
    # The name is free for folders of theirs, and cleo goes on working in the former one's.
    await new.make_folder("reef")
    reef = (await api("cleo").folders())["reef"]
    assert (reef["id"], reef["level"], reef["owner"][:4]) == (made["reef"], "edit", "ben/")
    people = await api("ana").ask("GET", f"/folders/{made['tests']}/people")
    assert people["grants"] == []
    left = await api("ana").events("grant.left")
    assert {event["thing_name"] for event in left} == {"tests", "waits"}
    assert all(event["data"]["receiver"].startswith("ben/") for event in left)
    [cancelled] = await api("ana").events("hand_over.cancelled")
    assert cancelled["thing_name"] == "offered"
    found, _ = await service.service.rooms.leavers.page(None)
    assert [(one.thing.name, one.thing.owner[:4]) for one in found] == [
        ("old", "ben/"),
        ("reef", "ben/"),
    ]


@pytest.mark.asyncio
async def test_who_invites_the_new_holder_means_the_new_holder(
    api: Api, service: RunningService
) -> None:
    await lived(api)
    made_again(service, "ben")
    folder = await api("ana").make_folder("for the new one")
    await api("ana").invite(folder, "view", "ben")
    found = await shown_to(api, "ben")
    assert [one["thing_name"] for one in found["invitations"]] == ["for the new one"]


@pytest.mark.asyncio
async def test_an_invitation_before_their_first_visit_is_the_new_holders_and_no_more(
    api: Api, service: RunningService
) -> None:
    made = await lived(api)
    made_again(service, "ben")
    # The former ben has an answered invitation to this folder, which must not stand in its way.
    [again] = await api("ana").invite(made["tests"], "view", "ben")
    people = await api("ana").ask("GET", f"/folders/{made['tests']}/people")
    told = [(one["id"], one["receiver"]["name"], one["state"]) for one in people["grants"]]
    assert told == [(again, "ben", "pending")]
    found = await shown_to(api, "ben")
    assert [one["thing_name"] for one in found["invitations"]] == ["tests"]
    assert {**found, "invitations": [], "received": [], "events": []} == NOTHING


@pytest.mark.asyncio
async def test_who_was_invited_and_never_came_leaves_nothing_to_the_next_of_their_name(
    api: Api, service: RunningService
) -> None:
    folder = await api("ana").make_folder("tests")
    await api("ana").invite(folder, "view", "ben")
    made_again(service, "ben")
    assert await shown_to(api, "ben") == NOTHING


@pytest.mark.asyncio
async def test_a_quota_that_is_set_before_their_first_visit_is_the_new_holders(
    api: Api, service: RunningService
) -> None:
    await lived(api)
    made_again(service, "ben")
    admin = await api.page("root-hub")
    await admin.ask("PUT", "/people/ben/quota", {"bytes": None, "folders": 7})
    new = api.with_token(service.hub.visitor_token("ben"), "ben")
    assert (await new.ask("GET", "/me/quota"))["folders"] == {"used": 0, "limit": 7, "left": 7}


def quiet(service: RunningService) -> None:
    """The hub's answer about people does not come."""
    service.hub.troubles.append(Trouble("*/users/ben", status=500))


def small(service: RunningService) -> None:
    """The service may not ask since when."""
    tokens = service.hub.tokens
    held = tokens[service.hub.service_token]
    tokens[service.hub.service_token] = type(held)(
        held.owner, frozenset({*held.scopes} - {"read:users"}), held.session_id, held.service
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("created", "happens"),
    [
        pytest.param(None, quiet, id="the hub does not answer"),
        pytest.param(None, small, id="the hub does not say since when"),
        pytest.param(datetime.fromisoformat("2025-01-01T00:00:00Z"), None, id="an earlier moment"),
        pytest.param(datetime.fromisoformat("2026-01-01T00:00:00Z"), None, id="the same moment"),
    ],
)
async def test_nothing_happens_on_a_guess(
    api: Api,
    service: RunningService,
    created: datetime | None,
    happens: Callable[[RunningService], None] | None,
) -> None:
    made = await lived(api)
    made_again(service, "ben", created)
    if happens is not None:
        happens(service)
    new = api.with_token(service.hub.visitor_token("ben"), "ben")
    answer = await new.get("/folders")
    # While the hub says nothing, nobody is let in who has not been seen before.
    assert answer.status_code == (503 if happens is quiet else 200)
    async with service.service.db.read() as conn:
        owners = await conn.scalars(sa.select(things.c.owner).where(things.c.id == made["reef"]))
    assert owners.one() == "ben"


@pytest.mark.asyncio
async def test_a_session_of_the_new_holder_begins_empty_and_the_former_ones_is_over(
    api: Api, service: RunningService
) -> None:
    await lived(api)
    first = await api.hub_hook.ask("POST", "/hub/sessions", NEW)
    made_again(service, "ben")
    # Their server starts before they have asked for anything.
    second = await api.hub_hook.ask("POST", "/hub/sessions", NEW)
    async with service.service.db.read() as conn:
        rows = (await conn.execute(sa.select(sessions).order_by(sessions.c.id))).all()
    held = {row.id: (row.person[:4], row.ended_at is None) for row in rows}
    assert held == {first["id"]: ("ben/", False), second["id"]: ("ben", True)}
    new = api.with_token(service.hub.visitor_token("ben"), "ben")
    [session] = (await new.ask("GET", "/sessions"))["items"]
    assert session["mounts"] == []


@pytest.mark.asyncio
async def test_a_members_yes_is_not_the_next_members(api: Api, service: RunningService) -> None:
    hub = service.hub
    hub.add_group("divers", ["ana", "ben"])
    await service.service.membership.refresh()
    folder = await api("ana").make_folder("tests")
    grants = [{"receiver": "divers", "receiver_kind": "team", "level": "edit"}]
    told = await api("ana").ask("POST", f"/folders/{folder}/grants", {"grants": grants})
    await api("ben").accept(told["results"][0]["grant"]["id"])
    made_again(service, "ben")
    hub.join("ben", "divers")
    await shown_to(api, "ben")
    async with service.service.db.read() as conn:
        said = (await conn.scalars(sa.select(answers.c.person))).all()
    assert [name[:4] for name in said] == ["ben/"]


@pytest.mark.asyncio
async def test_twice_is_two_former_holders(api: Api, service: RunningService) -> None:
    for _ in range(2):
        ben = api.with_token(service.hub.visitor_token("ben"), "ben")
        await ben.make_folder("reef")
        made_again(service, "ben")
    assert await shown_to(api, "ben") == NOTHING
    async with service.service.db.read() as conn:
        owners = set((await conn.scalars(sa.select(things.c.owner))).all())
        charged = set((await conn.scalars(sa.select(accounts.c.owner))).all())
    assert len(owners) == 2 and "ben" not in owners
    assert owners <= charged


@pytest.mark.asyncio
async def test_accounts_that_are_made_anew_for_their_people_change_nothing(
    tmp_path: Path, hub: FakeHub, small_world: SmallWorld, sqlite_url: str
) -> None:
    async with (
        running_service(tmp_path, sqlite_url, hub, small_world, set_former_aside=False) as service,
        AsyncExitStack() as stack,
    ):
        api = Api(service, stack)
        await lived(api)
        made_again(service, "ben")
        assert {"reef", "tests"} <= set((await shown_to(api, "ben"))["folders"])


def test_every_column_with_somebodys_name_is_thought_of() -> None:
    words = {"person", "owner", "receiver", "giver", "by", "actor"}
    named = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.type is NAME and column.name in words
    }
    assert named <= {*HELD, *OTHERS}
