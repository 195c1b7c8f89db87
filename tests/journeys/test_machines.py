"""ana shares a machine: each in a browser of their own, nobody reloads anything."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.axe import violations
from tests.journeys.machinelab import MachineLab
from tests.journeys.terminals import PATIENCE, Terminals

Labs = Callable[[str], MachineLab]
Picture = Callable[[Page, str], None]

IN_MEMORY = [pytest.mark.journey, pytest.mark.browser_all]


@pytest.fixture(
    params=[
        pytest.param("machine_lab_of", marks=IN_MEMORY, id="of a cloud in memory"),
        pytest.param("sandbox_lab_of", marks=pytest.mark.machines, id="on real sandboxes"),
    ],
    scope="module",
)
def labs(request: pytest.FixtureRequest) -> Labs:
    """Everybody's JupyterLab where machines are offered."""
    found: Labs = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def terminals(
    labs: Labs, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Terminals | None]:
    """Where machines have a way in; None: where they are in memory alone."""
    if request.node.callspec.params["labs"] != "sandbox_lab_of":
        yield None
        return
    made = Terminals(request.getfixturevalue("sandbox_hub"), tmp_path)
    yield made
    made.end()


@pytest.mark.scenario("V2")
@pytest.mark.scenario("V3")
def test_ben_uses_a_machine_that_ana_makes_and_no_more(labs: Labs, picture: Picture) -> None:
    ana, ben = labs("ana"), labs("ben")
    make_with_ben(ana, picture)
    invitation = ben.invitation("gpu-box")
    expect(invitation).to_contain_text("ana invites you to this machine")
    expect(ben.machine("gpu-box (ana)")).to_have_count(0)
    ben.accept_thing("gpu-box")
    theirs = ben.machine("gpu-box (ana)")
    expect(theirs).to_contain_text("Running")
    expect(ana.machine("gpu-box")).to_contain_text("With 1 person")

    ana.machine("gpu-box").get_by_role("button", name='Stop "gpu-box"').click()
    expect(theirs).to_contain_text("Stopped")
    theirs.get_by_role("button", name='Start "gpu-box"').click()
    expect(ana.machine("gpu-box")).to_contain_text("Running")
    expect(theirs.get_by_role("button", name='Stop "gpu-box"')).to_have_count(0)
    assert ben.offered(theirs) == [
        *("Open", "Files", "Terminal", "Terminal That Keeps Running"),
        *("People and Sharing…", "Leave…"),
    ]
    expect(ben.panel.get_by_role("list", name="Drives")).to_have_count(0)
    machine = ben.do("GET", "/machines")["items"][0]["id"]
    for method, path in (("POST", "stop"), ("POST", "snapshots")):
        status, told = ben.call(method, f"/machines/{machine}/{path}", {"name": "mine"})
        assert status in (403, 422), f"{path}: {told}"
    picture(ben.page, "machine-of-another")

    dialog = ben.share_machine("gpu-box (ana)")
    ben.add_to_invite(dialog, "cleo", "dan")
    dialog.get_by_role("button", name="Invite 2 people").click()
    expect(ben.holder(dialog, "cleo")).to_contain_text("not answered yet")
    left = dialog.get_by_role("list", name="People to invite").get_by_role("listitem")
    expect(left.get_by_label("User name")).to_have_value("dan")
    expect(left).to_contain_text("team")
    expect(dialog.get_by_role("button", name="Add a co-owner…")).to_have_count(0)
    ben.close_dialog()
    revoke_with_what_flows_from_it(ana, ben)


def make_with_ben(ana: MachineLab, picture: Picture) -> None:
    """V2: who gets it is said where it is made, and what is missing is said before."""
    dialog = ana.new_machine()
    expect(dialog.get_by_role("status").filter(has_text="Still missing")).to_contain_text("a name")
    expect(dialog.get_by_role("button", name="Create")).to_be_disabled()
    dialog.get_by_label("Name").fill("gpu-box")
    dialog.get_by_label("Made from").select_option(index=1)
    dialog.get_by_label("Size").select_option(value="small")
    dialog.get_by_label("Drive (GiB)").fill("1")
    ana.add_to_invite(dialog, "ben")
    dialog.get_by_label("Power").check()
    expect(dialog.get_by_label("Profile of ben")).to_have_value("everything")
    dialog.get_by_label("Profile of ben").select_option(label="Standard")
    picture(ana.page, "new-machine")
    assert violations(dialog) == []
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_be_hidden()
    expect(ana.machine("gpu-box")).to_contain_text("Running")
    expect(ana.panel.get_by_role("list", name="Drives")).to_contain_text("gpu-box: attached")
    assert violations(ana.panel) == []
    picture(ana.page, "machines")


def revoke_with_what_flows_from_it(ana: MachineLab, ben: MachineLab) -> None:
    """What ends with ben's access is said before it is taken away; his row goes by itself."""
    dialog = ana.share_machine("gpu-box")
    ana.holder(dialog, "ben").get_by_role("button", name="Revoke").click()
    too = dialog.get_by_role("list", name="Ends, too")
    expect(too).to_contain_text("cleo (Use), from ben")
    dialog.get_by_role("button", name="Revoke the access of ben").click()
    expect(ana.holder(dialog, "cleo")).to_have_count(0)
    expect(ana.holder(dialog, "ben")).to_have_count(0)
    expect(ben.machine("gpu-box (ana)")).to_have_count(0)
    ana.close_dialog()


@pytest.mark.scenario("V5")
@pytest.mark.scenario("V6")
def test_cleo_becomes_a_co_owner_on_a_page_of_the_hub(labs: Labs, picture: Picture) -> None:
    ana, cleo = labs("ana"), labs("cleo")
    asked = {"name": "shared-box", "size": "small", "image": "debian", "drive_gib": 1}
    ana.do("POST", "/machines", asked)
    cleo.do("POST", "/machines", asked | {"name": "cleo-box", "drive_gib": 0})
    expect(ana.machine("shared-box")).to_contain_text("Running")
    dialog = ana.share_machine("shared-box")
    expect(dialog.get_by_role("region", name="Who has access")).to_contain_text("ana")
    assert violations(dialog) == []
    picture(ana.page, "share-machine")
    ana.make_co_owner(dialog, "cleo")
    expect(ana.holder(dialog, "cleo")).to_contain_text("not answered yet")
    expect(cleo.machine("shared-box (ana)")).to_have_count(0)
    cleo.accept_thing("shared-box")
    theirs = cleo.machine("shared-box (ana)")
    expect(theirs).to_contain_text("Co-own")
    expect(ana.holder(dialog, "cleo")).to_contain_text("has access since")
    dialog.get_by_role("button", name="Not now").click()
    dialog.get_by_role("button", name="Add a co-owner…").click()
    expect(dialog).to_contain_text("There is one already: cleo.")
    ana.close_dialog()
    offered = cleo.offered(theirs)
    assert {"Delete…", "Take a Snapshot…", "Rename…"} <= set(offered), offered
    assert "Hand Over…" not in offered
    take_its_drive_elsewhere(ana, cleo, picture)


def take_its_drive_elsewhere(ana: MachineLab, cleo: MachineLab, picture: Picture) -> None:
    """V5 and V6: a co-owner takes the machine's drive to her own machine, and its owner sees it."""
    page = cleo.open_machine("shared-box (ana)")
    owners = page.get_by_role("list", name="Owners and managers")
    expect(owners.get_by_role("listitem")).to_have_count(2)
    expect(owners).to_contain_text("cleo")
    expect(page).to_contain_text("Nobody else uses it.")
    expect(page.get_by_role("list", name="Activity")).to_contain_text("cleo accepted")
    assert violations(page) == []
    picture(cleo.page, "machine-page")
    take = page.get_by_role("combobox", name=re.compile("to another machine"))
    take.select_option(label="cleo-box")
    expect(page.get_by_role("list", name="Drives on it")).not_to_contain_text("drive")
    drive = ana.panel.get_by_role("list", name="Drives").get_by_role("listitem")
    expect(drive.filter(has_text="shared-box drive")).to_contain_text("attached")
    idle = page.get_by_role("region", name="When nobody uses it")
    idle.get_by_label("Stop it after").fill("60")
    idle.get_by_role("button", name="Save").click()
    expect(idle).to_contain_text("It stops after 60 minutes without use.")
    page.get_by_role("button", name="Take a snapshot…").click()
    cleo.answer("Take a snapshot", "with tools", "Take it")
    expect(page.get_by_role("list", name="Activity")).to_contain_text("changed when it stops")
    make_it_another(cleo, page, picture)


def make_it_another(cleo: MachineLab, page: Locator, picture: Picture) -> None:
    """Another size, and a fresh system disk once she has said that the present one may go."""
    activity = page.get_by_role("list", name="Activity")
    page.get_by_role("button", name="Resize…").click()
    dialog = cleo.page.get_by_role("dialog").filter(has_text="Resize")
    expect(dialog.get_by_role("status")).to_contain_text("another size than it has")
    dialog.get_by_label("Size").select_option(value="large")
    assert violations(dialog) == []
    dialog.get_by_role("button", name="Resize", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(activity).to_contain_text("cleo gave it another size")
    expect(page).to_contain_text("large, made from")
    page.get_by_role("button", name="Rebuild…").click()
    dialog = cleo.page.get_by_role("dialog").filter(has_text="Rebuild")
    expect(dialog).to_contain_text("the home directories of everybody on it")
    expect(dialog.get_by_role("button", name="Rebuild", exact=True)).to_be_disabled()
    assert violations(dialog) == []
    picture(cleo.page, "rebuild-machine")
    dialog.get_by_label("What is on the system disk").check()
    dialog.get_by_role("button", name="Rebuild", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(activity).to_contain_text("cleo gave it a fresh system disk")
    expect(page).to_contain_text("Running")


@pytest.mark.scenario("V7")
@pytest.mark.scenario("V8")
def test_ana_stops_sharing_with_everyone_and_ben_sees_why(
    labs: Labs, terminals: Terminals | None, picture: Picture
) -> None:
    ana, ben, cleo = labs("ana"), labs("ben"), labs("cleo")
    grants = [{"receiver": "ben", "level": "use"}]
    asked = {"name": "open-box", "size": "small", "image": "debian", "drive_gib": 1}
    machine = ana.do("POST", "/machines", asked | {"grants": grants})["id"]
    ben.accept_thing("open-box")
    expect(ben.machine("open-box (ana)")).to_contain_text("Running")
    theirs = ben.open_machine("open-box (ana)")
    expect(ana.machine("open-box")).to_contain_text("With 1 person")
    dialog = ana.share_machine("open-box")
    ana.make_co_owner(dialog, "cleo")
    cleo.accept_thing("open-box")
    session = None if terminals is None else work_on_it(terminals)
    if session:
        expect(ana.machine("open-box")).to_contain_text("On it: ben")

    for _ in range(2):  # it asks first
        dialog.get_by_role("button", name=re.compile("^Stop sharing with everyone")).click()
    said = dialog.get_by_role("note")
    expect(said).to_contain_text("Ended for ben")
    if session and terminals:
        expect(said).to_contain_text("Was on it, and was cut off: ben.")
        they_are_off(terminals, session)
    expect(ana.holder(dialog, "ben")).to_have_count(0)
    expect(ana.holder(dialog, "cleo")).to_contain_text("has access since")
    ana.close_dialog()
    why = 'ana no longer shares "open-box" with you.'
    expect(ben.machine("open-box (ana)")).to_have_count(0)
    expect(ben.page.get_by_role("main").get_by_text(why)).to_be_visible()
    ben.was_told(why)
    expect(theirs).to_have_count(0)
    picture(ben.page, "machine-taken-away")
    expect(cleo.machine("open-box (ana)")).to_contain_text("Co-own")
    drive = ana.panel.get_by_role("list", name="Drives").get_by_role("listitem")
    expect(drive.filter(has_text="open-box drive")).to_contain_text("open-box: attached")

    ana.do("POST", f"/machines/{machine}/users", {"grants": [{"receiver": "ben"}]})
    ben.accept_thing("open-box")
    ben.choose(ben.machine("open-box (ana)"), "Leave…")
    ben.confirm("Leave")
    expect(ben.machine("open-box (ana)")).to_have_count(0)
    ana.was_told('ben left "open-box".')


def work_on_it(terminals: Terminals) -> subprocess.Popen[bytes]:
    """ben is on it, and has left something on the drive."""
    mine = "mountpoint -q /srv/shared && echo hello > /srv/shared/of-ben && id -un"
    assert terminals.wait_for("ben", "open-box", mine) == "ben\n"
    return terminals.stay("ben", "open-box", 99871)


def they_are_off(terminals: Terminals, session: subprocess.Popen[bytes]) -> None:
    """His session has ended and what ran in it; he gets in no more, and the drive is untouched."""
    assert session.wait(PATIENCE) != 0
    there = terminals.wait_for("ana", "open-box", "cat /srv/shared/of-ben; ps -eo args=")
    assert there.startswith("hello\n")
    assert "99871" not in there
    assert terminals.ssh("ben", "open-box", "true").returncode != 0
    assert terminals.wait_for("cleo", "open-box", "cat /srv/shared/of-ben") == "hello\n"


@pytest.mark.scenario("V2")
def test_files_of_a_machine_by_what_the_ticks_allow(
    labs: Labs, terminals: Terminals | None, picture: Picture, tmp_path: Path
) -> None:
    if terminals is None:
        pytest.skip("Machines in memory have no files: this is played on real sandboxes.")
    ana, ben = labs("ana"), labs("ben")
    asked = {"name": "file-box", "size": "small", "image": "debian", "drive_gib": 1}
    grants = [{"receiver": "ben", "level": "use", "profile": "reading"}]
    ana.do("POST", "/machines", asked | {"grants": grants})
    ben.accept_thing("file-box")
    terminals.wait_for("ana", "file-box", "mountpoint -q /srv/shared")
    fill(ana, tmp_path, picture)
    drop_and_take_what_is_no_text(ana, terminals)

    view = ben.open_files("file-box (ana)")
    view.get_by_role("button", name="Shared", exact=True).click()
    files = view.get_by_role("grid", name="Files")
    with ben.page.expect_download() as download:
        files.get_by_role("button", name='Download "counts.csv"').click()
    assert Path(download.value.path()).read_text() == "day,count\n1,12\n"
    expect(view.get_by_text("READ-ONLY")).to_be_visible()
    for absent in ("Upload", "New folder in here", 'Delete "counts.csv"', 'Rename "counts.csv"'):
        expect(view.get_by_role("button", name=absent, exact=True)).to_have_count(0)
    machine = ben.do("GET", "/machines")["items"][0]["id"]
    url = f"/user/ben/vmshare/machines/{machine}/directories"
    status, told = ben.fetch("POST", url, {"path": "/srv/shared/mine"})
    assert status == 403, told

    ana.machine("file-box").get_by_role("button", name='Stop "file-box"').click()
    expect(view).to_contain_text("Its files can be looked at while it runs.")
    view.get_by_role("button", name='Start "file-box"').click()
    expect(files.get_by_role("button", name="counts.csv", exact=True)).to_be_visible(timeout=60_000)


def fill(ana: MachineLab, tmp_path: Path, picture: Picture) -> None:
    """Up, renamed, deleted: first at home, then where everybody shares."""
    view = ana.open_files("file-box")
    here = view.get_by_role("navigation").get_by_role("listitem")
    expect(here.last).to_have_text("ana")
    view.get_by_role("button", name="Shared", exact=True).click()
    expect(here.last).to_have_text("shared")
    counts = tmp_path / "first.csv"
    counts.write_text("day,count\n1,12\n")
    with ana.page.expect_file_chooser() as chooser:
        view.get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files(counts)
    files = view.get_by_role("grid", name="Files")
    files.get_by_role("button", name='Rename "first.csv"').click()
    ana.answer('Rename "first.csv"', "counts.csv", "Rename")
    expect(files.get_by_role("button", name="counts.csv", exact=True)).to_be_visible()
    for name in ("figures", "old"):
        view.get_by_role("button", name="New folder in here").click()
        ana.answer("New folder in here", name, "Create")
        expect(files.get_by_role("button", name=name, exact=True)).to_be_visible()
    files.get_by_role("button", name='Delete "old"').click()
    ana.confirm("Delete")
    expect(files.get_by_role("button", name="old", exact=True)).to_have_count(0)
    assert violations(view) == []
    picture(ana.page, "machine-files")


DROP = """(bytes) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.bin'));
    return transfer;
}"""


def drop_and_take_what_is_no_text(ana: MachineLab, terminals: Terminals) -> None:
    """A file is dropped onto the explorer; one whose name is in no encoding is fetched and deleted.

    It goes on where ``fill`` ended: in what everybody on the machine shares.
    """
    view = ana.page.get_by_role("tabpanel").filter(visible=True)
    files = view.get_by_role("grid", name="Files")
    data = bytes(range(256)) * 8
    transfer = ana.page.evaluate_handle(DROP, list(data))
    files.dispatch_event("drop", {"dataTransfer": transfer})
    expect(files.get_by_role("button", name="dropped.bin", exact=True)).to_be_visible()
    count = "sha256sum < /srv/shared/dropped.bin"
    assert terminals.wait_for("ana", "file-box", count).split() == [sha256(data).hexdigest(), "-"]
    # Nothing takes the place of something that is there: it asks.
    files.dispatch_event("drop", {"dataTransfer": ana.page.evaluate_handle(DROP, [1])})
    expect(view).to_contain_text("Something of this name is there already.")
    view.get_by_role("button", name="Skip").click()
    assert terminals.wait_for("ana", "file-box", count).startswith(sha256(data).hexdigest())

    made = "cd /srv/shared && printf odd > \"$(printf 'caf\\351.txt')\""
    terminals.wait_for("ana", "file-box", made)
    view.get_by_role("button", name="Refresh", exact=True).click()
    odd = files.get_by_role("button", name=re.compile(r"^Download \"caf.\.txt\"$"))
    with ana.page.expect_download() as download:
        odd.click()
    assert Path(download.value.path()).read_text() == "odd"
    files.get_by_role("button", name=re.compile(r"^Delete \"caf.\.txt\"$")).click()
    ana.confirm("Delete")
    expect(odd).to_have_count(0)
    left = terminals.wait_for("ana", "file-box", "ls /srv/shared")
    assert left.split() == ["counts.csv", "dropped.bin", "figures"]


@pytest.mark.scenario("V2")
def test_looks_in_the_dark_and_in_a_narrow_panel(labs: Labs) -> None:
    ana = labs("ana")
    asked = {"name": "Nightly assembly of <b>reef genomes", "size": "small"}
    ana.do("POST", "/machines", asked | {"image": "debian", "drive_gib": 0})
    ana.choose_theme("JupyterLab Dark")
    row = ana.machine(asked["name"])
    expect(row).to_contain_text("Running")
    page = ana.open_machine(asked["name"])
    assert violations(ana.panel) == []
    assert violations(page) == []
    ana.narrow(250)
    for button in (f'Stop "{asked["name"]}"', f'Actions for "{asked["name"]}"'):
        expect(row.get_by_role("button", name=button)).to_be_in_viewport(ratio=1)
    ana.choose_theme("JupyterLab Light")
