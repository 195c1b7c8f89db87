"""The audit trail over the API: who reads what of it, verifies it and takes it away."""

from __future__ import annotations

import asyncio
import json

import pytest

from jupyterhub_vmshare.audit import reading
from jupyterhub_vmshare.audit.chain import Event, link
from jupyterhub_vmshare.audit.sequencer import backlog
from jupyterhub_vmshare.db.tables import events
from tests.fixtures.api import Api, Json, Person
from tests.operators.conftest import ProjectLab

pytestmark = pytest.mark.asyncio


async def settled(api: Api) -> None:
    """Until all that was recorded has its place."""
    async with asyncio.timeout(30):
        while (await backlog(api.running.service.db)).events:
            await asyncio.sleep(0.02)


async def read(who: Person, **query: str) -> list[Json]:
    return await who.all("/audit", **query)


async def exported(who: Person, **query: str) -> list[Json]:
    answer = await who.get("/audit/export", **query)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def some_history(api: Api) -> tuple[str, str]:
    """A folder of ana's, into which ben came; one of cleo's. Their ids."""
    ana, ben, cleo = api("ana"), api("ben"), api("cleo")
    mine, other = await ana.make_folder("mine"), await cleo.make_folder("other")
    (grant,) = await ana.invite(mine, "view", "ben")
    await ben.accept(grant)
    await ana.ask("DELETE", f"/grants/{grant}")
    await settled(api)
    return mine, other


async def test_a_hub_admin_reads_all_of_it_and_looks_for_some(api: Api) -> None:
    mine, other = await some_history(api)
    admin = await api.page("root-hub")
    assert [one["type"] for one in await read(admin, thing=mine)] == [
        "grant.revoked", "grant.accepted", "grant.invited", "folder.created",
    ]  # fmt: skip
    assert {one["thing_id"] for one in await read(admin)} >= {mine, other}
    assert [one["type"] for one in await read(admin, verb="grant.rev")] == ["grant.revoked"]
    assert {one["actor"] for one in await read(admin, person="ben", verb="grant")} == {"ana", "ben"}
    assert await read(admin, person="ben", thing=other) == []
    assert await read(admin, until="2026-01-01T00:00:00Z") == []
    assert await read(admin, since="2099-01-01T00:00:00Z") == []
    [one] = await read(admin, verb="grant.accepted")
    assert one["audience"] == ["ana", "ben"]
    # Beginnings of types are no patterns.
    assert (await admin.get("/audit", verb="grant%")).status_code == 422


async def test_pages_leave_nothing_out_and_say_nothing_twice(api: Api) -> None:
    await some_history(api)
    admin = await api.page("root-hub")
    places = [one["position"] for one in await read(admin, limit="2", until="2099-01-01T00:00:00Z")]
    assert places == sorted(set(places), reverse=True)
    assert places[-1] == 1


async def test_others_read_what_they_were_told(api: Api) -> None:
    mine, other = await some_history(api)
    for who in (api("ben"), await api.page("ben")):
        told = await read(who)
        assert {one["thing_id"] for one in told} - {None} == {mine}  # of teams they hear, too
        assert "folder.created" not in {one["type"] for one in told}
        assert await read(who, thing=other) == []
        # Who else was told is nobody's business; nor is a hash, which would confirm a guess at it.
        assert {(one["audience"], one["hash"]) for one in told} == {(None, None)}
        assert await read(who, person="cleo") == []
        assert {one["actor"] for one in await read(who, person="ana")} == {"ana"}
        assert len(await read(who, person="ben")) == len(told)
        assert {one["thing_id"] for one in await exported(who)} - {None} == {mine}
    # A hub admin is one on the pages alone.
    assert await read(api("root-hub")) == []


@pytest.mark.scenario("P1")
async def test_who_administers_a_project_reads_of_its_things(api: Api, lab: ProjectLab) -> None:
    project = await lab.make("genome", "ben")
    reads = (await lab.folder(project, "reads"))["id"]
    await api("ben").ask("POST", "/folders", {"name": "private"})
    await settled(api)
    ana = await lab.admin()
    assert reads in {one["thing_id"] for one in await read(ana)}
    assert "private" not in {one["thing_name"] for one in await read(ana)}
    for kind in ("panel", "kernel"):
        told = await read(api("eve", kind))
        assert reads not in {one["thing_id"] for one in told}


async def test_who_read_it_is_no_secret(api: Api) -> None:
    mine, _ = await some_history(api)
    admin = await api.page("root-hub")
    await read(admin, person="ben", limit="1")
    await exported(admin, thing=mine)
    [looked] = await api("ben").events("admin.read_audit")
    assert (looked["actor"], looked["data"]) == ("root-hub", {"person": "ben"})
    [taken] = await api("ana").events("admin.exported_audit")
    assert (taken["actor"], taken["thing_id"]) == ("root-hub", mine)
    assert await api("cleo").events("admin.read_audit") == []
    assert await api("ben").events("admin.exported_audit") == []


async def test_a_copy_is_the_whole_trail_and_proves_itself(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_history(api)
    monkeypatch.setattr(reading, "BATCH", 2)
    admin = await api.page("root-hub")
    await exported(admin)
    await settled(api)
    lines = await exported(admin)
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    assert {"folder.created", "grant.revoked", "admin.exported_audit"} <= {
        line["type"] for line in lines
    }
    previous = "0" * 64
    async with api.running.service.db.read() as conn:
        moments = {row.position: row.at for row in await conn.execute(events.select())}
    for line in lines:
        known = {name: line[name] for name in ("id", "type", "actor", "thing_id", "thing_name")}
        told = Event(
            **known,
            at=moments[line["position"]],
            audience=tuple(line["audience"]),
            data=line["data"],
            position=line["position"],
        )
        previous = link(previous, told)
        assert previous == line["hash"]


async def test_the_trail_is_verified_and_held_to_a_head_that_was_noted(api: Api) -> None:
    await some_history(api)
    admin = await api.page("root-hub")
    told = await admin.ask("GET", "/audit/verification")
    assert (told["whole"], told["broken_at"]) == (True, None)
    assert told["head"].startswith(f"{told['events']}:")
    # Whom it is about may ask, too; it says nothing of the events.
    assert (await api("ben").ask("GET", "/audit/verification"))["whole"]
    other = {"head": f"1:{'a' * 64}"}
    rewritten = await admin.ask("GET", "/audit/verification", params=other)
    assert (rewritten["whole"], rewritten["broken_at"], rewritten["why"]) == (False, 1, "head")
    db = api.running.service.db
    async with db.write() as tx:
        forged = events.update().where(events.c.position == 2).values(actor="eve")
        await tx.conn.execute(forged)
    broken = await admin.ask("GET", "/audit/verification", params={"head": told["head"]})
    assert (broken["whole"], broken["broken_at"], broken["why"]) == (False, 2, "changed")
    answer = await admin.get("/audit/verification", head="yesterday's")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-input")
