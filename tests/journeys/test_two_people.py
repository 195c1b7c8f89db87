"""ana shares a folder with ben: each in a browser of their own, nobody reloads anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.axe import violations
from tests.journeys.lab import Lab

pytestmark = pytest.mark.journey

Labs = Callable[[str], Lab]
Picture = Callable[[Page, str], None]


@pytest.mark.smoke
@pytest.mark.scenario("F1")
@pytest.mark.scenario("F2")
@pytest.mark.scenario("F3")
@pytest.mark.scenario("F4")
def test_from_a_new_folder_to_a_guest_who_reads_it(
    lab_of: Labs, picture: Picture, tmp_path: Path
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    make_and_fill(ana, tmp_path, picture)
    expect(ben.panel.get_by_text("No folders yet")).to_be_visible()

    dialog = ana.share_dialog("tests")
    ana.invite(dialog, ben="View", dan="Edit", nobodyhere="View")
    expect(dialog.get_by_role("note")).to_contain_text("Invited: ben and dan")
    left = dialog.get_by_role("list", name="People to invite").get_by_role("listitem")
    expect(left).to_have_count(1)
    expect(left.get_by_label("User name")).to_have_value("nobodyhere")
    expect(ana.holder(dialog, "ben")).to_contain_text("not answered yet")
    expect(ana.holder(dialog, "dan")).to_be_visible()
    picture(ana.page, "share-dialog")
    ana.close_dialog()

    invitation = ben.invitation("tests")
    expect(invitation).to_contain_text("ana invites you")
    expect(invitation).to_contain_text("View")
    for answer in ("Accept", "Decline"):
        button = invitation.get_by_role("button", name=f'{answer} "tests"')
        expect(button).to_be_in_viewport(ratio=1)
    picture(ben.page, "invitation")
    ben.accept("tests")
    expect(ben.folder("tests")).to_contain_text("of ana")
    read_only_for(ben, picture)


def make_and_fill(ana: Lab, tmp_path: Path, picture: Picture) -> None:
    """F1: ``tests`` with ``hello.txt`` and ``myfolder/`` in it."""
    ana.make_folder("tests")
    view = ana.open_folder("tests")
    hello = tmp_path / "hello.txt"
    hello.write_text("Hello from ana.\n")
    with ana.page.expect_file_chooser() as chooser:
        view.get_by_role("button", name="Upload").click()
    chooser.value.set_files(hello)
    files = view.get_by_role("grid", name="Files")
    expect(files.get_by_role("button", name="hello.txt", exact=True)).to_be_visible()
    view.get_by_role("button", name="New folder in here").click()
    ana.answer("New folder in here", "myfolder", "Create")
    expect(files.get_by_role("button", name="myfolder", exact=True)).to_be_visible()
    picture(ana.page, "folder-view")


def read_only_for(ben: Lab, picture: Picture) -> None:
    """F4: he reads and downloads; what he may not do is absent, and refused by hand."""
    view = ben.open_folder("tests")
    files = view.get_by_role("grid", name="Files")
    expect(files.get_by_role("button", name="myfolder", exact=True)).to_be_visible()
    expect(view.get_by_text("READ-ONLY")).to_be_visible()
    for name in ("Upload", "New folder in here", 'Rename "hello.txt"', 'Delete "hello.txt"'):
        expect(view.get_by_role("button", name=name)).to_have_count(0)
    view.get_by_role("button", name="Why?").click()
    expect(view.get_by_role("note")).to_contain_text(re.compile("Edit|View"))
    picture(ben.page, "read-only")

    with ben.page.expect_download() as download:
        files.get_by_role("button", name='Download "hello.txt"').click()
    assert Path(download.value.path()).read_text() == "Hello from ana.\n"
    files.get_by_role("button", name="hello.txt", exact=True).click()
    expect(ben.page.get_by_role("textbox", name="hello.txt")).to_have_value("Hello from ana.\n")

    folder = ben.folder_id("tests")
    for method, path, body in (
        ("POST", f"/folders/{folder}/directories", {"path": "mine"}),
        ("POST", f"/folders/{folder}/moves", {"source": "hello.txt", "target": "bye.txt"}),
        ("DELETE", f"/folders/{folder}/file?path=hello.txt", None),
        ("POST", f"/folders/{folder}/trash", None),
    ):
        status, told = ben.call(method, path, body)
        assert (status, told["code"]) == (403, "forbidden"), f"{method} {path}: {told}"
        assert told["rule"] in ("grant.level", "table.trash_folder"), told
        assert told["because"], told


@pytest.mark.browser_all
@pytest.mark.scenario("F7")
def test_a_name_that_ben_has_already_gets_an_alias_of_his_own(
    lab_of: Labs, picture: Picture
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ben.make_and_share("corals")
    folder = ana.make_and_share("corals", ben="view")
    ben.invitation("corals").get_by_role("button", name='Accept "corals"').click()
    field = ben.invitation_form.get_by_label(re.compile("already have a folder"))
    expect(field).to_have_value("corals (ana)")
    picture(ben.page, "alias")
    field.fill("her corals")
    ben.invitation_form.get_by_role("button", name="Accept", exact=True).click()
    expect(ben.folder("her corals")).to_contain_text('"corals" of ana')
    expect(ben.folder("corals")).to_contain_text("Mine")
    expect(ana.folder("corals")).to_be_visible()
    told = ana.do("GET", f"/folders/{folder}/people")
    assert "her corals" not in str(told)
    assert ana.do("GET", f"/folders/{folder}")["label"] == "corals"


@pytest.mark.browser_all
@pytest.mark.scenario("F6")
def test_a_new_name_arrives_at_everybody(lab_of: Labs) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("before", ben="view")
    ben.accept("before")
    view = ben.open_folder("before")
    expect(view).to_be_visible()
    ana.act("before", "Rename…")
    ana.answer('Rename "before"', "after", "Rename")
    expect(ben.folder("after")).to_be_visible()
    expect(ben.folder("before")).to_have_count(0)
    expect(ben.page.get_by_role("tab", name="after", exact=True)).to_be_visible()
    ben.folder("after").get_by_role("button", name='Actions for "after"').click()
    expect(ben.page.get_by_role("menuitem", name="Leave…")).to_be_visible()
    expect(ben.page.get_by_role("menuitem", name="Rename…")).to_have_count(0)
    ben.page.keyboard.press("Escape")


@pytest.mark.browser_all
@pytest.mark.scenario("F9")
def test_ben_leaves_and_is_invited_again(lab_of: Labs) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    folder = ana.make_and_share("reef", ben="edit")
    ben.accept("reef")
    dialog = ana.share_dialog("reef")
    expect(ana.holder(dialog, "ben")).to_contain_text("has access since")
    ben.act("reef", "Leave…")
    ben.confirm("Leave")
    expect(ben.folder("reef")).to_have_count(0)
    expect(ana.holder(dialog, "ben")).to_have_count(0)
    expect(dialog.get_by_text("Nobody else.")).to_be_visible()
    ana.invite(dialog, ben="View")
    expect(ben.invitation("reef")).to_contain_text("View")
    assert ben.call("GET", f"/folders/{folder}/entries")[0] in (403, 404)
    ana.close_dialog()
    ben.accept("reef")


@pytest.mark.browser_all
@pytest.mark.scenario("F10")
def test_an_invitation_changes_and_goes_while_ben_looks_at_it(lab_of: Labs) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("waves", ben="view")
    expect(ben.invitation("waves")).to_contain_text("View")
    dialog = ana.share_dialog("waves")
    level = ana.holder(dialog, "ben").get_by_role("combobox", name="Level of ben")
    level.select_option(label="Edit")
    expect(ben.invitation("waves")).to_contain_text("Edit")
    ana.holder(dialog, "ben").get_by_role("button", name="Cancel invitation").click()
    dialog.get_by_role("button", name="Cancel the invitation of ben").click()
    expect(ben.invitation("waves")).to_have_count(0)
    ana.close_dialog()
    assert ben.do("GET", "/folders?q=waves")["items"] == []


@pytest.mark.browser_all
@pytest.mark.scenario("F18")
def test_both_learn_why(lab_of: Labs, picture: Picture) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    folder = ana.make_and_share("whales", ben="edit")
    ben.accept("whales")
    dialog = ana.share_dialog("whales")
    ana.holder(dialog, "ben").get_by_role("button", name="Why does ben have access?").click()
    expect(ana.holder(dialog, "ben").get_by_role("status")).to_contain_text("Edit")
    picture(ana.page, "why")
    ana.close_dialog()
    told = ben.do("GET", f"/why?action=folder.delete_file&thing={folder}")
    assert (told["allowed"], told["rule"]) == (False, "grant.level")
    assert [source["giver"] for source in told["sources"]] == ["ana"]
    hers = ana.do("GET", f"/people/ben/why?action=folder.write_file&thing={folder}")
    assert (hers["allowed"], hers["sources"][0]["grant_id"]) == (
        True,
        told["sources"][0]["grant_id"],
    )


@pytest.mark.browser_all
@pytest.mark.scenario("F12")
def test_an_end_date_ends_what_ben_is_looking_at(lab_of: Labs, picture: Picture) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    folder = ana.make_and_share("tides", ben="view")
    ben.accept("tides")
    ben.open_folder("tides")
    ends(ana, folder, timedelta(hours=1))
    expect(ben.folder("tides")).to_contain_text("until")
    # The panel's own field knows minutes.
    ends(ana, folder, timedelta(seconds=4))
    ended = ben.page.get_by_text("This folder is not open to you any more")
    expect(ended).to_be_visible()
    expect(ben.page.get_by_text("had an end date, and it has come")).to_be_visible()
    expect(ben.folder("tides")).to_have_count(0)
    picture(ben.page, "end-date")
    assert ben.call("GET", f"/folders/{folder}/entries")[0] == 404


def ends(ana: Lab, folder: str, after: timedelta) -> None:
    """Gives the folder's only grant an end date, so long from now."""
    [grant] = ana.do("GET", f"/folders/{folder}/people")["grants"]
    at = (datetime.now(UTC) + after).isoformat().replace("+00:00", "Z")
    seen = {"If-Match": f'"{grant["version"]}"'}
    ana.do("PATCH", f"/grants/{grant['id']}", {"ends_at": at}, **seen)


@pytest.mark.browser_all
@pytest.mark.scenario("F8")
def test_a_kick_reaches_the_open_folder_and_says_why(lab_of: Labs) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("krill", ben="edit")
    ben.accept("krill")
    view = ben.open_folder("krill")
    expect(view.get_by_role("button", name="Upload")).to_be_visible()
    dialog = ana.share_dialog("krill")
    level = ana.holder(dialog, "ben").get_by_role("combobox", name="Level of ben")
    level.select_option(label="View")
    expect(view.get_by_text("READ-ONLY")).to_be_visible()
    expect(view.get_by_role("button", name="Upload")).to_have_count(0)
    ana.holder(dialog, "ben").get_by_role("button", name="Revoke", exact=True).click()
    dialog.get_by_role("button", name="Revoke the access of ben").click()
    expect(ben.page.get_by_text("ana no longer shares this folder with you.")).to_be_visible()
    expect(ben.folder("krill")).to_have_count(0)
    ana.close_dialog()


@pytest.mark.browser_all
@pytest.mark.scenario("F13")
def test_deleting_for_ever_is_confirmed_on_the_hubs_own_page(
    lab_of: Labs, picture: Picture
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("flotsam", ben="view")
    ben.accept("flotsam")
    ana.act("flotsam", "Move to Trash")
    ana.confirm("Move to trash")
    expect(ben.folder("flotsam")).to_have_count(0)
    ana.panel.get_by_role("button", name="Trash").click()
    trash = ana.panel.get_by_role("list", name="Folders in the trash")
    trash.get_by_role("button", name='Delete "flotsam" for ever').click()
    with ana.page.context.expect_page() as opened:
        ana.confirm("Open the page")
    page = opened.value
    field = page.get_by_label(re.compile("Type the folder's name"))
    expect(field).to_be_visible()
    assert violations(page.locator("body")) == []
    field.fill("jetsam")
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.get_by_role("alert")).to_contain_text("not the folder's name")
    picture(page, "confirm")
    field.fill("flotsam")
    page.get_by_role("button", name="Delete for ever").click()
    expect(page.get_by_role("status")).to_contain_text("“flotsam” is deleted for ever")
    page.close()
    expect(trash.get_by_role("listitem")).to_have_count(0)


@pytest.mark.browser_all
@pytest.mark.scenario("F15")
def test_a_team_has_it_at_once_and_ben_answers_for_himself(lab_of: Labs) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("plankton")
    expect(ana.folder("plankton")).to_be_visible()
    dialog = ana.share_dialog("plankton")
    dialog.get_by_role("combobox", name="Invite people").fill("genom")
    dialog.get_by_role("option", name=re.compile("genomics")).click()
    dialog.get_by_role("combobox", name="Level of genomics").select_option(label="Edit")
    dialog.get_by_role("button", name="Invite 1 person").click()
    expect(dialog.get_by_role("note")).to_contain_text("Shared with genomics")

    expect(ben.folder("plankton")).to_contain_text("of ana")
    expect(ben.invitation("plankton")).to_contain_text("ana shares it with genomics")
    ben.accept("plankton")
    expect(ben.invitation("plankton")).to_have_count(0)
    members = ana.holder(dialog, "genomics")
    members.get_by_role("button", name="Members of genomics").click()
    expect(members).to_contain_text("ben has accepted")
    expect(members).to_contain_text("cleo has not answered yet")
    ana.close_dialog()

    ben.act("plankton", "Leave…")
    ben.confirm("Leave")
    expect(ben.folder("plankton")).to_have_count(0)
    expect(ana.folder("plankton")).to_be_visible()


@pytest.mark.browser_all
@pytest.mark.scenario("F14")
def test_ana_hands_a_folder_over_and_ben_takes_it(lab_of: Labs) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("urchins")
    expect(ana.folder("urchins")).to_be_visible()
    with ana.page.expect_popup() as opened:
        ana.act("urchins", "Hand Over…")
    page = opened.value
    page.get_by_label("To whom?").fill("ben")
    page.get_by_role("button", name="Offer it").click()
    expect(page.get_by_role("status")).to_contain_text("ben was asked to take “urchins” over")
    page.close()
    taken_back = ana.panel.get_by_role("button", name='Take back the offer of "urchins"')
    expect(taken_back).to_be_in_viewport(ratio=1)

    offered = ben.panel.get_by_role("list", name="Handing over").get_by_role("listitem")
    expect(offered).to_contain_text("ana offers to hand this folder over to you")
    assert violations(ben.panel) == []
    offered.get_by_role("button", name='Take "urchins" over', exact=True).click()
    expect(ben.folder("urchins")).to_contain_text("Shared with 1")
    expect(ana.folder("urchins")).to_contain_text("of ben")
    told = ben.do("GET", f"/folders/{ben.folder_id('urchins')}/people")
    assert [(g["receiver"]["name"], g["level"]) for g in told["grants"]] == [("ana", "edit_delete")]
