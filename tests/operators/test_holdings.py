"""What somebody holds, and why: asked by a hub admin, or by who administers a project."""

from __future__ import annotations

import pytest

from tests.fixtures.api import Api, Json, Person
from tests.fixtures.service import ScriptedClock
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio


async def held(who: Person, person: str, **query: str) -> dict[str, Json]:
    """What ``who`` is told of somebody's things, by name, however many pages it takes."""
    return {one["name"]: one for one in await who.all(f"/people/{person}/things", **query)}


async def test_a_hub_admin_reads_what_a_person_holds_and_through_what(
    api: Api, lab: ProjectLab
) -> None:
    ana, ben, admin = api("ana"), api("ben"), await api.page("root-hub")
    (given,) = await ana.invite(await ana.make_folder("given"), "edit", "ben")
    await ben.accept(given)
    await ana.invite(await ana.make_folder("offered"), "view", "ben")
    await ana.make_folder("nobody's business")
    await ben.make_folder("own")
    team = await ana.make_folder("of the team")
    asked = {"receiver_kind": "team", "receiver": "genomics", "level": "view"}
    await ana.ask("POST", f"/folders/{team}/grants", {"grants": [asked]})
    project = await lab.make("genome", "ben")
    await lab.folder(project, "reads")

    told = await held(admin, "ben")
    assert set(told) == {"given", "offered", "own", "of the team", "reads"}
    assert {name: one["level"] for name, one in told.items()} == {
        "given": "edit", "offered": None, "own": "owner", "of the team": "view", "reads": "edit",
    }  # fmt: skip
    ways = {name: [source["kind"] for source in one["sources"]] for name, one in told.items()}
    assert ways == {
        "given": ["grant"], "offered": ["grant"], "own": ["owner"], "of the team": ["team_grant"],
        "reads": ["project_grant"],
    }  # fmt: skip
    assert told["given"]["because"] == "ana gave ben Edit."
    assert (told["given"]["sources"][0]["grant_id"], told["given"]["sources"][0]["live"]) == (
        given,
        True,
    )
    assert told["of the team"]["sources"][0]["receiver"] == "genomics"
    assert (told["reads"]["owner"], told["reads"]["project_id"]) == ("genome", project)
    assert not told["offered"]["sources"][0]["live"]


async def test_what_is_over_declined_or_in_a_trash_is_held_no_more(
    api: Api, clock: ScriptedClock
) -> None:
    ana, ben, admin = api("ana"), api("ben"), await api.page("root-hub")
    for name in ("ended", "revoked", "declined", "trashed"):
        until = {"ends_at": "2026-11-27T18:00:00.000Z"} if name == "ended" else {}
        folder = await ana.make_folder(name)
        (grant,) = await ana.invite(folder, "view", "ben", **until)
        await ben.ask(
            "POST", f"/invitations/{grant}/{'decline' if name == 'declined' else 'accept'}"
        )
        if name == "revoked":
            await ana.ask("DELETE", f"/grants/{grant}")
        elif name == "trashed":
            await ana.ask("POST", f"/folders/{folder}/trash")
    assert set(await held(admin, "ben")) == {"ended"}
    clock.advance(hours=9)
    assert await held(admin, "ben") == {}


async def test_pages_leave_nothing_out(api: Api) -> None:
    ana, ben, admin = api("ana"), api("ben"), await api.page("root-hub")
    for number in range(7):
        (grant,) = await ana.invite(await ana.make_folder(f"f{number}"), "view", "ben")
        if number % 2:
            await ben.ask("POST", f"/invitations/{grant}/decline")
    found = await held(admin, "ben", limit="2")
    assert sorted(found) == ["f0", "f2", "f4", "f6"]


async def test_who_looked_is_no_secret(api: Api) -> None:
    ana, ben, admin = api("ana"), api("ben"), await api.page("root-hub")
    await ana.invite(await ana.make_folder("given"), "edit", "ben")
    await held(admin, "ben")
    for who in (ana, ben):
        [event] = await who.events("admin.saw_holdings")
        assert (event["actor"], event["data"]) == ("root-hub", {"person": "ben"})
        assert event["thing_name"] is None
    assert await api("cleo").events("admin.saw_holdings") == []


@pytest.mark.scenario("P1")
async def test_who_administers_a_project_reads_what_members_hold_of_it_alone(
    api: Api, lab: ProjectLab
) -> None:
    project = await lab.make("genome", "ben")
    reads = (await lab.folder(project, "reads"))["id"]
    await lab.override(reads, "ben", "view")
    await api("ben").make_folder("private")
    other = await lab.make("reef", "ben")
    await lab.folder(other, "corals")
    ana = await lab.admin()
    told = await held(ana, "ben", project=project)
    assert set(told) == {"reads"}
    assert told["reads"]["level"] == "view"
    assert [one["kind"] for one in told["reads"]["sources"]] == [
        "project_grant",
        "project_override",
    ]
    assert set(await held(ana, "ben")) == {"reads", "corals"}
    assert set(await held(ana, "ana", project=project)) == {"reads"}
    assert await api("ben").events("admin.saw_holdings") == []


@pytest.mark.parametrize("who", ["ben, a member", "dan, a stranger", "ana, in the panel"])
async def test_nobody_else_reads_it(api: Api, lab: ProjectLab, who: str) -> None:
    project = await lab.make("genome", "ben")
    name, _, how = who.partition(", ")
    person = api(name) if how == "in the panel" else await api.page(name)
    for query in ({}, {"project": project}):
        answer = await person.get("/people/ben/things", **query)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_another_project_is_not_there_for_who_administers_one(
    api: Api, lab: ProjectLab
) -> None:
    await lab.make("genome", "ben")
    hub_admin = await api.page("root-hub")
    asked = {"name": "reef", "administrators": ["cleo"]}
    reef = (await hub_admin.ask("POST", "/projects", asked))["id"]
    answer = await (await lab.admin()).get("/people/cleo/things", project=reef)
    assert answer.status_code == 404


async def test_a_hub_admin_counts_on_the_pages_alone(api: Api) -> None:
    assert (await api("root-hub").get("/people/ana/things")).status_code == 403


async def test_a_hub_admin_finds_everybody_by_how_their_name_begins(api: Api) -> None:
    ana, admin = api("ana"), await api.page("root-hub")
    await ana.invite(await ana.make_folder("given"), "edit", "eve")
    names = [one["name"] for one in await admin.all("/people", limit="2")]
    assert names == sorted(names) and {"ana", "ben", "cleo", "dan", "eve"} <= set(names)
    assert [one["name"] for one in await admin.all("/people", q="e")] == ["eve"]
    # Whom the service has never met, the hub knows by their exact name.
    assert [one["name"] for one in await admin.all("/people", q="root-hub")] == ["root-hub"]
    assert [one["name"] for one in await api("ana").all("/people", q="e")] == []
