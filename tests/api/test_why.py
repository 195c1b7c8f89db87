"""`/why`: for oneself, and about another where one may see who has the thing."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.fixtures.api import Api, Json, Person
from tests.fixtures.service import ScriptedClock

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def folder(api: Api) -> str:
    """ana's, which ben may view and dan is invited to edit."""
    ana, ben = api("ana"), api("ben")
    made = await ana.make_folder("tests")
    bens, _ = await ana.invite(made, "view", "ben", "dan")
    await ben.accept(bens)
    return made


async def why(person: Person, action: str, thing: str | None = None, of: str | None = None) -> Json:
    path = "/why" if of is None else f"/people/{of}/why"
    query = {"action": action} | ({"thing": thing} if thing else {})
    return await person.ask("GET", path, params=query)


@pytest.mark.scenario("F18")
async def test_ben_asks_why_he_can_not_delete(api: Api, folder: str) -> None:
    told = await why(api("ben"), "folder.delete_file", folder)
    assert (told["allowed"], told["rule"]) == (False, "grant.level")
    assert told["because"] == (
        "You have View on this folder; deleting files needs Edit+Delete. ana can raise your level."
    )
    (source,) = told["sources"]
    assert (source["kind"], source["level"], source["giver"]) == ("grant", "view", "ana")


@pytest.mark.scenario("F18")
async def test_ana_asks_why_ben_can(api: Api, folder: str) -> None:
    told = await why(api("ana"), "read_file", folder, of="ben")
    assert (told["person"], told["allowed"]) == ("ben", True)
    assert told["because"] == "You gave ben View."
    grants = (await api("ana").ask("GET", f"/folders/{folder}/people"))["grants"]
    assert told["sources"][0]["grant_id"] in {grant["id"] for grant in grants}


async def test_why_refuses_as_the_route_itself_does(api: Api, folder: str) -> None:
    ben = api("ben")
    told = await why(ben, "folder.rename_folder", folder)
    version = (await ben.ask("GET", f"/folders/{folder}"))["version"]
    refused = await ben.call(
        "PATCH", f"/folders/{folder}", json={"name": "x"}, headers={"If-Match": f'"{version}"'}
    )
    assert refused.status_code == 403
    assert (refused.json()["rule"], refused.json()["because"]) == (told["rule"], told["because"])


@pytest.mark.scenario("F12")
async def test_why_names_the_grant_that_ended(api: Api, folder: str, clock: ScriptedClock) -> None:
    ana, cleo = api("ana"), api("cleo")
    ends_at = "2026-11-27T18:00:00.000Z"
    (grant,) = await ana.invite(folder, "edit", "cleo", ends_at=ends_at)
    await cleo.accept(grant)
    clock.advance(hours=9)
    told = await why(cleo, "upload", folder)
    assert (told["allowed"], told["rule"]) == (False, "grant.ended")
    assert "ended on 27 Nov 2026 18:00 UTC" in told["because"]
    assert (told["sources"][0]["live"], told["sources"][0]["ends_at"]) == (False, ends_at)


@pytest.mark.scenario("F18")
async def test_an_invited_person_learns_what_waits(api: Api, folder: str) -> None:
    told = await why(api("dan"), "read_file", folder)
    assert told["rule"] == "grant.pending"


async def test_a_stranger_learns_nothing_not_even_that_there_is_a_folder(
    api: Api, folder: str
) -> None:
    eve, nowhere = api("eve"), f"fld_{'0' * 26}"
    for path in ("/why", "/people/ben/why", "/people/eve/why", "/people/nobody/why"):
        there = await eve.get(path, action="read_file", thing=folder)
        not_there = await eve.get(path, action="read_file", thing=nowhere)
        assert there.status_code == not_there.status_code == 404
        one, two = there.json(), not_there.json()
        assert one.pop("request_id") != two.pop("request_id")
        assert one == two


async def test_in_the_trash_it_is_the_owners_to_ask(api: Api, folder: str) -> None:
    await api("ana").ask("POST", f"/folders/{folder}/trash")
    told = await why(api("ana"), "upload", folder)
    assert (told["allowed"], told["rule"]) == (False, "gate.state")
    hidden = await api("ben").get("/why", action="read_file", thing=folder)
    assert hidden.status_code == 404


async def test_names_can_not_be_tried_out(api: Api, folder: str) -> None:
    told = [await why(api("ana"), "read_file", folder, of=name) for name in ("eve", "nobody-here")]
    sentences = {one["because"].replace(one["person"], "…") for one in told}
    assert len(sentences) == 1
    assert all(one["sources"] == [] for one in told)


async def test_only_the_owner_sees_what_another_person_had(api: Api, folder: str) -> None:
    await api("ben").ask("POST", f"/folders/{folder}/leave")
    (grant,) = await api("ana").invite(folder, "view", "cleo")
    await api("cleo").accept(grant)
    owner = await why(api("ana"), "read_file", folder, of="ben")
    viewer = await why(api("cleo"), "read_file", folder, of="ben")
    assert owner["rule"] == "grant.ended"
    assert (viewer["rule"], viewer["sources"]) == ("not_visible", [])


async def test_whoever_may_not_see_the_people_may_not_ask_about_them(api: Api, folder: str) -> None:
    refused = await api("dan").get("/people/ben/why", action="read_file", thing=folder)
    assert (refused.status_code, refused.json()["rule"]) == (403, "if.holds")


async def test_what_a_hub_admin_asks_counts_on_pages_alone(api: Api, folder: str) -> None:
    panel, page = api("root-hub"), await api.page("root-hub")
    refused = await panel.get("/people/ben/why", action="read_file", thing=folder)
    assert refused.status_code == 404
    told = await why(page, "read_file", folder, of="ben")
    assert (told["allowed"], told["because"]) == (True, "ana gave ben View.")


async def test_actions_of_the_service(api: Api) -> None:
    allowed = await why(api("ben"), "create_folder")
    refused = await why(api("ben"), "service.see_system_health")
    assert (allowed["allowed"], allowed["thing_id"]) == (True, None)
    assert (refused["allowed"], refused["rule"]) == (False, "table.see_system_health")
    about = await api("ben").get("/people/ana/why", action="create_folder")
    assert about.status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({}, id="no action"),
        pytest.param({"action": "fly"}, id="an action that there is not"),
        pytest.param({"action": "machine.start"}, id="an action of a thing without a thing"),
        pytest.param({"action": "create_folder; --"}, id="no name of an action"),
        pytest.param({"action": "start", "thing": f"fld_{'0' * 26}"}, id="of another kind"),
        pytest.param({"action": "read_file", "thing": "../etc"}, id="no id"),
        pytest.param({"action": "read_file", "thing": f"xyz_{'0' * 26}"}, id="no kind of thing"),
        pytest.param({"action": "create_folder", "more": "x"}, id="an unknown field"),
    ],
)
async def test_bad_questions(api: Api, query: dict[str, str]) -> None:
    answer = await api("ben").get("/why", **query)
    assert answer.status_code == 422, answer.text
