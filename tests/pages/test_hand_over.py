"""Handing a folder over: an offer on the confirm page, a yes, and what goes on afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.audit.sequencer import backlog
from jupyterhub_vmshare.db.tables import things
from jupyterhub_vmshare.folders.aliases import hold_lists
from tests.fixtures.api import Api, Json
from tests.fixtures.service import RunningService
from tests.folders.test_quota import used
from tests.folders.test_snapshots import taken
from tests.pages.conftest import Browser, Open, token_in

pytestmark = pytest.mark.asyncio


class Case:
    """ana's folder ``tests``: ben may view it, dan is invited, genomics may edit."""

    def __init__(self, api: Api, browser_of: Open) -> None:
        self.api, self.browser_of = api, browser_of
        self.folder = ""
        self.bens = self.dans = self.teams = ""

    async def build(self) -> None:
        ana = self.api("ana")
        self.folder = await ana.make_folder("tests")
        await ana.write(self.folder, "notes.txt", b"hello")
        self.bens, self.dans = await ana.invite(self.folder, "view", "ben", "dan")
        await self.api("ben").accept(self.bens)
        (self.teams,) = await ana.invite(self.folder, "edit", "genomics", receiver_kind="team")

    @property
    def page(self) -> str:
        return f"confirm/hand-over/{self.folder}"

    async def offer(self, to: str, by: str = "ana", *, keep: bool = True) -> str:
        """Goes to the confirm page and names somebody; the offer's id."""
        answer = await self.say(await self.browser_of(by), to, keep=keep)
        assert answer.status_code == 200, answer.text
        assert "was asked to take" in answer.text
        (offer,) = await self.api(to).all("/hand-overs")
        return str(offer["id"])

    async def say(self, browser: Browser, to: str, *, keep: bool = True) -> Any:
        form = {"form": token_in(await browser.open(self.page)), "to": to}
        return await browser.confirm(self.page, form | ({"keep": "yes"} if keep else {}))

    async def take(self, who: str, offer: str, **body: str) -> Json:
        more = {"json": body} if body else {}
        return await self.api(who).ask("POST", f"/hand-overs/{offer}/accept", **more)

    async def people(self, name: str) -> Json:
        return await self.api(name).ask("GET", f"/folders/{self.folder}/people")

    async def told(self, name: str, kind: str) -> list[Json]:
        async with asyncio.timeout(30):
            while (await backlog(self.api.running.service.db)).events:
                await asyncio.sleep(0.02)
        events = (await self.api(name).ask("GET", "/events", params={"limit": 200}))["items"]
        return [event for event in events if event["type"] == kind]


@pytest_asyncio.fixture
async def case(api: Api, browser_of: Open) -> Case:
    made = Case(api, browser_of)
    await made.build()
    return made


@pytest.mark.scenario("F14")
async def test_ana_hands_it_to_ben_who_accepts_and_she_keeps_edit_and_delete(case: Case) -> None:
    offer = await case.offer("ben")
    # Nothing changes before his yes.
    assert (await case.api("ana").folders())["tests"]["level"] == "owner"
    assert (await case.api("ben").folders())["tests"]["level"] == "edit"
    (seen,) = await case.api("ben").all("/hand-overs")
    assert (seen["owner"], seen["by"], seen["keep"]) == ("ana", "ana", True)
    taken = await case.take("ben", offer)
    assert (taken["owner"], taken["level"], taken["relation"]) == ("ben", "owner", "mine")
    hers = (await case.api("ana").folders())["tests"]
    assert (hers["owner"], hers["level"]) == ("ben", "edit_delete")
    assert "mount_read_write" in hers["actions"]
    assert "rename_folder" not in hers["actions"]
    assert await case.api("ben").all("/hand-overs") == []
    read = await case.api("ana").get(f"/folders/{case.folder}/file", path="notes.txt")
    assert read.content == b"hello"


@pytest.mark.scenario("F14")
async def test_everybody_keeps_what_they_have_from_the_new_owner(case: Case) -> None:
    await case.take("ben", await case.offer("ben", keep=False))
    people = await case.people("ben")
    assert people["owner"] == "ben"
    assert {(g["receiver"]["name"], g["giver"], g["state"]) for g in people["grants"]} == {
        ("dan", "ben", "pending"),
        ("genomics", "ben", "active"),
    }
    (invitation,) = await case.api("dan").invitations()
    assert (invitation["owner"], invitation["giver"]) == ("ben", "ben")
    await case.api("dan").accept(case.dans)
    # ana kept nothing of her own; through her team she has what every member has.
    assert (await case.api("ana").folders())["tests"]["level"] == "edit"
    assert [i["id"] for i in await case.api("ana").invitations()] == [case.teams]
    refused = await case.api("ana").call("DELETE", f"/grants/{case.dans}")
    assert refused.status_code == 403
    await case.api("ben").ask("DELETE", f"/grants/{case.dans}")
    # What he had himself has ended, for that reason.
    (event,) = await case.told("ben", "grant.ended")
    assert (event["data"]["grant_id"], event["data"]["why"]) == (case.bens, "handed_over")


async def test_everybody_hears_and_sees_how_it_came_to_its_owner(case: Case) -> None:
    offer = await case.offer("ben")
    for name in ("ana", "ben"):
        assert len(await case.told(name, "hand_over.offered")) == 1
    assert await case.told("cleo", "hand_over.offered") == []
    await case.take("ben", offer)
    for name in ("ana", "ben", "cleo", "dan"):
        (event,) = await case.told(name, "hand_over.accepted")
        assert (event["actor"], event["data"]["from"], event["data"]["to"]) == ("ben", "ana", "ben")
    (line,) = (await case.people("cleo"))["handed_over"]
    assert (line["owner_before"], line["owner"], line["by"]) == ("ana", "ben", "ana")


async def test_it_goes_back_the_same_way(case: Case) -> None:
    await case.take("ben", await case.offer("ben"))
    await case.take("ana", await case.offer("ana", by="ben", keep=False))
    assert (await case.api("ana").folders())["tests"]["level"] == "owner"
    assert (await case.api("ben").folders())["tests"]["level"] == "edit"
    owners = [line["owner"] for line in (await case.people("ana"))["handed_over"]]
    assert owners == ["ana", "ben"]


async def test_a_stranger_sees_of_an_offer_what_an_invitation_says(case: Case) -> None:
    eve = case.api("eve")
    assert (await eve.get(f"/folders/{case.folder}")).status_code == 404
    offer = await case.offer("eve")
    seen = await eve.ask("GET", f"/folders/{case.folder}")
    assert (seen["level"], seen["actions"]) == ("owner", ["see_in_list", "accept_or_decline"])
    assert seen["shared_with"] is None
    assert await eve.folders() == {}
    why = await eve.get("/why", action="read_file", thing=case.folder)
    assert "ana's offer to hand this folder over" in why.json()["because"]
    assert (await eve.get(f"/folders/{case.folder}/entries")).status_code == 403
    answer = await eve.call("POST", f"/hand-overs/{offer}/decline")
    assert answer.status_code == 204
    assert (await eve.get(f"/folders/{case.folder}")).status_code == 404
    late = await eve.call("POST", f"/hand-overs/{offer}/accept")
    assert (late.status_code, late.json()["code"]) == (409, "offer-over")


async def test_nobody_else_answers_or_sees_it(case: Case) -> None:
    offer = await case.offer("ben")
    for name in ("ana", "cleo", "dan", "eve", "root-hub"):
        for verb in ("accept", "decline"):
            answer = await case.api(name).call("POST", f"/hand-overs/{offer}/{verb}")
            assert answer.status_code == 404, (name, verb)
    for name in ("cleo", "dan", "eve"):
        assert await case.api(name).all("/hand-overs") == []
        answer = await case.api(name).call("DELETE", f"/hand-overs/{offer}")
        assert answer.status_code in (403, 404)
    assert (await case.api("ana").folders())["tests"]["level"] == "owner"


async def test_an_offer_is_taken_back(case: Case) -> None:
    offer = await case.offer("ben")
    for _ in range(2):
        answer = await case.api("ana").call("DELETE", f"/hand-overs/{offer}")
        assert answer.status_code == 204
    late = await case.api("ben").call("POST", f"/hand-overs/{offer}/accept")
    assert (late.status_code, "took this offer back" in late.json()["detail"]) == (409, True)
    await case.offer("eve")


async def test_one_offer_waits_at_a_time(case: Case) -> None:
    await case.offer("ben")
    answer = await case.say(await case.browser_of("ana"), "eve")
    assert answer.status_code == 409
    assert "ben was asked already" in answer.text
    assert await case.api("eve").all("/hand-overs") == []


async def test_a_name_that_the_receiver_has_is_settled_by_another(case: Case) -> None:
    await case.api("eve").make_folder("tests")
    offer = await case.offer("eve")
    refused = await case.api("eve").call("POST", f"/hand-overs/{offer}/accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "name-taken")
    name = refused.json()["suggestion"]
    assert (await case.take("eve", offer, name=name))["name"] == name
    assert name in await case.api("ben").folders()
    assert set(await case.api("eve").folders()) == {"tests", name}


async def test_in_the_trash_it_waits_and_deleted_it_is_over(case: Case) -> None:
    offer = await case.offer("ben")
    await case.api("ana").ask("POST", f"/folders/{case.folder}/trash")
    refused = await case.api("ben").call("POST", f"/hand-overs/{offer}/accept")
    assert (refused.status_code, refused.json()["rule"]) == (409, "gate.state")
    (seen,) = await case.api("ben").all("/hand-overs")
    assert seen["available"] is False
    page = await (await case.browser_of("ana")).open(case.page)
    assert page.status_code == 409
    answer = await case.api("ana").call("DELETE", f"/hand-overs/{offer}")
    assert answer.status_code == 204


async def test_accepting_twice_is_accepting_once(case: Case) -> None:
    offer = await case.offer("ben")
    first = await case.take("ben", offer)
    assert await case.take("ben", offer) == first
    assert len(await case.told("ben", "hand_over.accepted")) == 1


@pytest.mark.parametrize(
    ("to", "says"),
    [
        pytest.param("nobody-here", "nobody called", id="nobody"),
        pytest.param("", "nobody called", id="an empty name"),
        pytest.param("ana", "owns this folder already", id="the owner"),
        pytest.param("genomics", "nobody called", id="a team"),
    ],
)
async def test_names_that_are_not_offered_to(case: Case, to: str, says: str) -> None:
    answer = await case.say(await case.browser_of("ana"), to)
    assert answer.status_code == 422
    assert says in answer.text
    assert await case.api("ana").all("/hand-overs") == []


async def test_only_the_owner_comes_to_the_page(case: Case) -> None:
    for name, status in (("ben", 403), ("cleo", 403), ("eve", 404), ("root-hub", 404)):
        page = await (await case.browser_of(name)).open(case.page)
        assert page.status_code == status, name


async def test_a_form_of_another_origin_another_verb_or_another_version_offers_nothing(
    case: Case,
) -> None:
    ana = await case.browser_of("ana")
    form = {"form": token_in(await ana.open(case.page)), "to": "ben"}
    elsewhere = await ana.confirm(case.page, form, Origin="https://evil.example")
    assert elsewhere.status_code == 403
    await case.api("ana").ask(
        "PATCH", f"/folders/{case.folder}", {"name": "new"}, headers={"If-Match": '"1"'}
    )
    assert (await ana.confirm(case.page, form)).status_code == 409
    deleting = f"confirm/delete-folder/{case.folder}"
    await case.api("ana").ask("POST", f"/folders/{case.folder}/trash")
    other = {"form": token_in(await ana.open(deleting)), "to": "ben"}
    async with case.api.running.service.db.write() as tx:  # in the same version, but live
        await tx.conn.execute(things.update().values(state="live", trashed_at=None))
    assert (await ana.confirm(case.page, other)).status_code == 409
    assert await case.api("ben").all("/hand-overs") == []


async def test_the_api_makes_no_offer(case: Case) -> None:
    for method in ("POST", "PUT"):
        answer = await case.api("ana").call(method, "/hand-overs", json={"to": "ben"})
        assert answer.status_code == 405


@pytest.mark.scenario("F14")
async def test_a_leavers_folder_is_listed_and_handed_over_by_a_hub_admin(
    case: Case, service: RunningService
) -> None:
    root = await case.api.page("root-hub")
    assert (await root.ask("GET", "/leavers/things"))["items"] == []
    service.hub.remove_person("ana")
    (left,) = (await root.ask("GET", "/leavers/things"))["items"]
    assert (left["id"], left["owner"], left["offered_to"]) == (case.folder, "ana", None)
    browser = await case.browser_of("root-hub")
    listed = await browser.open("leavers")
    assert "tests" in listed.text
    assert case.page in listed.text
    # Never to themself; and they see nothing of it, before or after.
    answer = await case.say(browser, "root-hub")
    assert (answer.status_code, "never to the hub admin" in answer.text) == (403, True)
    answer = await case.say(browser, "ben", keep=True)
    assert answer.status_code == 200
    for path in ("", "/people", "/entries", "/file?path=notes.txt"):
        assert (await root.get(f"/folders/{case.folder}{path}")).status_code == 404, path
    (left,) = (await root.ask("GET", "/leavers/things"))["items"]
    assert left["offered_to"] == "ben"
    (offer,) = await case.api("ben").all("/hand-overs")
    assert (offer["owner"], offer["by"], offer["keep"]) == ("ana", "root-hub", False)
    await case.take("ben", offer["id"])
    assert (await case.api("ben").folders())["tests"]["level"] == "owner"
    assert (await root.ask("GET", "/leavers/things"))["items"] == []
    assert (await root.get(f"/folders/{case.folder}")).status_code == 404
    # Written down, and shown to the new owner and to those who have it.
    (line,) = (await case.people("cleo"))["handed_over"]
    assert (line["owner_before"], line["by"]) == ("ana", "root-hub")
    (event,) = await case.told("ben", "hand_over.offered")
    assert event["actor"] == "root-hub"


async def test_an_admin_takes_their_offer_back(case: Case, service: RunningService) -> None:
    service.hub.remove_person("ana")
    await case.say(await case.browser_of("root-hub"), "ben")
    (offer,) = await case.api("ben").all("/hand-overs")
    refused = await case.api("root-hub").call("DELETE", f"/hand-overs/{offer['id']}")
    assert refused.status_code == 404  # an admin's rights count on the service's pages alone
    root = await case.api.page("root-hub")
    assert (await root.call("DELETE", f"/hand-overs/{offer['id']}")).status_code == 204
    assert await case.api("ben").all("/hand-overs") == []


async def test_leavers_are_listed_to_hub_admins_on_the_pages_alone(case: Case) -> None:
    for person in (case.api("ana"), case.api("root-hub"), await case.api.page("ana")):
        assert (await person.get("/leavers/things")).status_code == 403
    assert (await (await case.browser_of("ana")).open("leavers")).status_code == 403


async def test_while_the_hub_does_not_answer_nobody_has_left(
    case: Case, service: RunningService
) -> None:
    root = await case.api.page("root-hub")
    service.hub.remove_person("ana")
    service.hub.fail("/hub/api/users/ana", 503)
    assert (await root.get("/leavers/things")).status_code == 503


async def refused(case: Case, who: str, offer: str) -> tuple[int, int]:
    """How much somebody would need for what they are offered, and how much they have."""
    answer = await case.api(who).call("POST", f"/hand-overs/{offer}/accept")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "quota-exceeded")
    return problem["asked"], problem["left"]


@pytest.mark.scenario("F17")
@pytest.mark.parametrize(
    ("limits", "told"),
    [
        pytest.param({"bytes": 4, "folders": None}, (5, 4), id="more bytes than there is room for"),
        pytest.param({"bytes": None, "folders": 0}, (1, 0), id="one folder too many"),
    ],
)
async def test_who_has_no_room_takes_nothing_over(
    case: Case, limits: dict[str, int | None], told: tuple[int, int]
) -> None:
    admin = await case.api.page("root-hub")
    await admin.ask("PUT", "/people/ben/quota", limits)
    offer = await case.offer("ben")
    assert await refused(case, "ben", offer) == told
    assert (await case.api("ana").folders())["tests"]["level"] == "owner"
    # The offer waits on: once there is room he takes it.
    await admin.ask("PUT", "/people/ben/quota", {"bytes": 5, "folders": 1})
    assert (await case.take("ben", offer))["level"] == "owner"


async def test_snapshots_need_room_too_where_they_go_with_the_folder(case: Case) -> None:
    admin, ben = await case.api.page("root-hub"), case.api("ben")
    await taken(case.api("ana"), case.folder)
    await admin.ask("PUT", "/people/ben/quota", {"bytes": 9, "folders": None})
    offer = await case.offer("ben")
    assert await refused(case, "ben", offer) == (10, 9)
    assert await used(ben) == 0
    await admin.ask("PUT", "/people/ben/quota", {"bytes": 10, "folders": None})
    await case.take("ben", offer)
    await case.api.running.service.folders.quota.catch_up()
    assert (await used(ben), await used(case.api("ana"))) == (10, 0)


async def test_what_was_taken_over_a_moment_ago_counts_already(case: Case) -> None:
    admin, ana = await case.api.page("root-hub"), case.api("ana")
    await case.api.running.service.folders.quota.stop()
    await admin.ask("PUT", "/people/ben/quota", {"bytes": 8, "folders": None})
    await admin.ask("PUT", "/people/cleo/quota", {"bytes": 4, "folders": None})
    await case.take("ben", await case.offer("ben"))
    assert await refused(case, "cleo", await case.offer("cleo", by="ben")) == (5, 4)
    case.folder = await ana.make_folder("more")
    await ana.write(case.folder, "notes.txt", b"hello")
    assert (await case.say(await case.browser_of("ana"), "ben", keep=False)).status_code == 200
    [waiting] = [o for o in await case.api("ben").all("/hand-overs") if o["owner"] == "ana"]
    assert await refused(case, "ben", waiting["id"]) == (5, 3)


async def test_two_taken_over_at_once_need_room_for_both(case: Case) -> None:
    admin, ana, ben = await case.api.page("root-hub"), case.api("ana"), case.api("ben")
    await admin.ask("PUT", "/people/ben/quota", {"bytes": 9, "folders": None})
    await case.offer("ben")
    case.folder = await ana.make_folder("more")
    await ana.write(case.folder, "notes.txt", b"hello")
    assert (await case.say(await case.browser_of("ana"), "ben")).status_code == 200
    offers = [f"/hand-overs/{offer['id']}/accept" for offer in await ben.all("/hand-overs")]
    async with case.api.running.service.db.write() as tx:
        await hold_lists(tx, ["ben"])
        both = asyncio.gather(*(ben.call("POST", offer) for offer in offers))
        await asyncio.sleep(0.5)  # what can be asked while others write has been asked by now
    first, second = sorted(await both, key=lambda answer: answer.status_code)
    assert (first.status_code, second.status_code, second.json()["left"]) == (200, 409, 4)
