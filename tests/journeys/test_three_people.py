"""ana, ben and cleo at once, each in a browser of their own: a team's folder in their sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.mounted_hub import MountedHub, eventually
from tests.journeys.axe import violations
from tests.journeys.mountedlab import MountedLab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all, pytest.mark.mounts]

Labs = Callable[[str], MountedLab]
Picture = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def folder(mounted_hub: MountedHub, mounted_lab_of: Labs) -> str:
    """ana's ``delta``, which her team has; ben and cleo have it in their sessions."""
    made = mounted_hub.folder("ana", "delta", depths_csv=b"site,depth\n")
    grant = {"receiver": "genomics", "receiver_kind": "team", "level": "edit"}
    mounted_lab_of("ana").do("POST", f"/folders/{made}/grants", {"grants": [grant]})
    for name in ("ben", "cleo"):
        lab = mounted_lab_of(name)
        expect(lab.folder("delta")).to_contain_text("not mounted")
        lab.accept("delta")
        expect(lab.folder("delta")).not_to_contain_text("not mounted")
    return made


@pytest.mark.scenario("F13")
def test_the_trash_waits_for_those_who_have_it_mounted_unless_forced(
    folder: str, mounted_lab_of: Labs, picture: Picture
) -> None:
    ana, ben, cleo = (mounted_lab_of(name) for name in ("ana", "ben", "cleo"))
    asked = ana.page.get_by_role("dialog").filter(has_text='Move "delta" to the trash?')
    refused = ana.page.get_by_role("dialog").filter(has_text="to the trash all the same?")

    def trash(answer: str) -> None:
        ana.act("delta", "Move to Trash")
        asked.get_by_role("button", name="Move to trash", exact=True).click()
        expect(refused).to_contain_text("ben and cleo have this folder in their sessions")
        assert violations(refused) == []
        refused.get_by_role("button", name=answer, exact=True).click()
        expect(ana.page.get_by_role("dialog")).to_have_count(0)

    trash("Cancel")
    assert ana.do("GET", f"/folders/{folder}")["state"] == "live"
    for lab in (ben, cleo):
        assert lab.mounted("delta")

    trash("Move all the same")
    for lab in (ben, cleo):
        expect(lab.folder("delta")).to_have_count(0)
        eventually(partial(lab.mounted, "delta"), lambda there: not there)
    ana.panel.get_by_role("button", name="Trash").click()
    ana.panel.get_by_role("button", name='Restore "delta"').click()
    for lab in (ben, cleo):
        expect(lab.folder("delta")).not_to_contain_text("not mounted")
        eventually(partial(lab.mounted, "delta"))


@pytest.mark.scenario("F15")
def test_who_leaves_the_hubs_group_loses_it_live_and_who_joins_gets_it(
    folder: str, mounted_hub: MountedHub, mounted_lab_of: Labs
) -> None:
    ana, ben, cleo = (mounted_lab_of(name) for name in ("ana", "ben", "cleo"))

    def changes(method: str) -> None:
        mounted_hub.hub.process.api(method, "groups/genomics/users", {"users": ["cleo"]})
        # The service asks the hub by itself every half minute, and at once if it is told to.
        ana.do("POST", "/teams/refresh")

    view = cleo.open_folder("delta")
    expect(view.get_by_role("button", name="depths.csv", exact=True)).to_be_visible()
    changes("DELETE")
    because = "You are no longer in the team it was shared with."
    expect(cleo.page.get_by_text(because, exact=True)).to_be_visible()
    expect(cleo.folder("delta")).to_have_count(0)
    eventually(lambda: not cleo.mounted("delta"))
    assert cleo.call("GET", f"/folders/{folder}")[0] == 404
    assert ben.mounted("delta")

    changes("POST")
    expect(cleo.invitation("delta")).to_contain_text("ana shares it with genomics")
    expect(cleo.folder("delta")).to_contain_text("not mounted")
    dialog = ana.share_dialog("delta")
    members = ana.holder(dialog, "genomics")
    members.get_by_role("button", name="Members of genomics").click()
    expect(members).to_contain_text("ben has accepted")
    expect(members).to_contain_text("cleo has not answered yet")
    cleo.accept("delta")
    expect(cleo.folder("delta")).not_to_contain_text("not mounted")
    eventually(lambda: cleo.mounted("delta"))
    expect(members).to_contain_text("cleo has accepted")
    ana.close_dialog()
