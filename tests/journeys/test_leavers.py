"""Somebody left, and a hub admin hands over what is theirs: to ben, with cleo looking on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.real_hub import RealHub
from tests.journeys.axe import violations
from tests.journeys.hubpages import as_admin
from tests.journeys.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

Labs = Callable[[str], Lab]
Picture = Callable[[Page, str], None]


@pytest.fixture
def left_behind(real_hub: RealHub) -> str:
    """fay's ``tidepools``, which she shared with cleo before her account went."""
    real_hub.process.add_people("fay")
    with real_hub.person("fay") as fay:
        folder = str(fay.post("/folders", json={"name": "tidepools"}).json()["id"])
        grants = {"grants": [{"receiver": "cleo", "level": "view"}]}
        told = fay.post(f"/folders/{folder}/grants", json=grants).raise_for_status().json()
    with real_hub.person("cleo") as cleo:
        grant = told["results"][0]["grant"]["id"]
        cleo.post(f"/invitations/{grant}/accept").raise_for_status()
    real_hub.process.api("DELETE", "users/fay")
    return folder


@pytest.mark.scenario("F14")
def test_a_hub_admin_hands_over_what_a_leaver_left_and_never_sees_it(
    left_behind: str, real_hub: RealHub, lab_of: Labs, picture: Picture
) -> None:
    ben, cleo = lab_of("ben"), lab_of("cleo")
    expect(cleo.folder("tidepools")).to_contain_text("of fay")
    with as_admin(ben, real_hub) as page:
        page.get_by_role("link", name="Things of people who left").click()
        listed = page.get_by_role("row").filter(has_text="tidepools")
        expect(listed).to_contain_text("fay")
        assert violations(page.locator("body")) == []
        picture(page, "hub-leavers")
        listed.get_by_role("link", name="Hand over tidepools of fay").click()
        offer(page, "root-hub")
        expect(page.get_by_role("alert")).to_contain_text("never to the hub admin who does it")
        assert violations(page.locator("body")) == []
        offer(page, "ben")
        expect(page.get_by_role("status")).to_contain_text("ben was asked to take “tidepools” over")
        page.goto("/services/vmshare/leavers")
        expect(listed).to_contain_text("ben was asked")
        assert what_the_admin_gets(real_hub, left_behind) == {404}

        offered = ben.panel.get_by_role("list", name="Handing over").get_by_role("listitem")
        expect(offered).to_contain_text("root-hub, a hub admin, offers you this folder of fay")
        offered.get_by_role("button", name='Take "tidepools" over', exact=True).click()
        expect(ben.folder("tidepools")).to_contain_text("Shared with 1")
        page.reload()
        expect(page.get_by_role("status")).to_contain_text("There are none")
        assert what_the_admin_gets(real_hub, left_behind) == {404}

    expect(cleo.folder("tidepools")).to_contain_text("of ben")
    for lab in (ben, cleo):
        lab.act("tidepools", "People at a Glance")
        history = lab.page.get_by_role("region", name="How it came to its owner")
        expect(history).to_contain_text("root-hub, a hub admin, handed it over from fay to ben")
    # In the log that nobody changes: who offered it, and who took it.
    told = ben.do("GET", f"/events?thing={left_behind}")["items"]
    who = {event["type"]: event["actor"] for event in told}
    assert (who["hand_over.offered"], who["hand_over.accepted"]) == ("root-hub", "ben")


def offer(page: Page, receiver: str) -> None:
    """Fills the confirm page in, and sends it."""
    page.get_by_label("To whom?").fill(receiver)
    page.get_by_role("button", name="Offer it").click()


def what_the_admin_gets(hub: RealHub, folder: str) -> set[int]:
    """The answers to all that would let the admin see something of a folder."""
    with hub.person("root-hub") as admin:
        ways = ("", "/people", "/entries", "/file?path=notes.txt")
        return {admin.get(f"/folders/{folder}{way}").status_code for way in ways}
