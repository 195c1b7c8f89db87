"""The scenarios from a notebook, through the product's own service; nothing here is scripted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_vmshare.client import (
    ChangedMeanwhile,
    NameTaken,
    NotAllowed,
    NotFound,
    VMShareError,
)
from jupyter_vmshare.widgets.connect import AsyncVMShare
from tests.client.conftest import Real


@pytest.mark.scenario("F1")
def test_a_new_folder_is_its_makers_alone(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    tests.upload(b"hello\n", "hello.txt")
    tests.mkdir("myfolder")
    assert [(e.name, e.kind.value) for e in tests.files()] == [
        ("myfolder", "directory"),
        ("hello.txt", "file"),
    ]
    assert "tests" in ana.folders
    assert len(ben.folders) == 0
    with pytest.raises(KeyError, match="no folder"):
        ben.folders["tests"]
    with pytest.raises(NotFound):
        ben.folders.get(tests.id)


def test_files_are_listed_in_the_order_asked_for(real: Real) -> None:
    tests = real.notebook("ana").folders.create("tests")
    for name, size in (("a", 1), ("b", 3), ("c", 2)):
        tests.upload(b"x" * size, name)
    by_size = tests.files(order="size", descending=True, limit=2)
    assert ([one.name for one in by_size], by_size.more) == (["b", "c"], True)
    assert [one.name for one in tests.files(descending=True)] == ["c", "b", "a"]
    with pytest.raises(VMShareError, match="order"):
        tests.files(order="colour")


@pytest.mark.scenario("F2")
def test_several_are_invited_at_once_and_each_has_a_result(real: Real) -> None:
    ana, ben, dan = (real.notebook(name) for name in ("ana", "ben", "dan"))
    tests = ana.folders.create("tests")
    told = tests.share({"ben": "view", "dan": "Edit", "nobody-of-that-name": "view"})
    assert [grant.receiver.name for grant in told.granted] == ["ben", "dan"]
    assert list(told.failed) == ["nobody-of-that-name"]
    assert [each.view.level for each in ben.invitations] == ["view"]
    assert [each.view.level for each in dan.invitations] == ["edit"]
    assert [grant.level for grant in tests.people] == ["view", "edit"]
    with pytest.raises(VMShareError):
        tests.share("nobody-of-that-name")


@pytest.mark.scenario("F2")
@pytest.mark.scenario("F3")
@pytest.mark.scenario("F4")
def test_ben_accepts_reads_and_is_told_why_he_may_not_write(real: Real, tmp_path: Path) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    tests.upload(b"hello\n", "hello.txt")
    tests.share("ben", level="view")
    (invitation,) = ben.invitations
    assert "ana invites you to 'tests': View" in repr(invitation)
    folder = ben.invitations["tests"].accept()
    assert (folder.label, folder.owner, folder.level) == ("tests", "ana", "view")
    assert folder.is_read_only
    assert "READ-ONLY" in folder._repr_html_()
    assert folder.read_text("hello.txt") == "hello\n"
    assert folder.download("hello.txt", tmp_path).read_bytes() == b"hello\n"
    with folder.open("hello.txt") as file:
        assert file.readlines() == ["hello\n"]
    for act in (
        lambda: folder.upload(b"x", "new.txt"),
        lambda: folder.mkdir("new"),
        lambda: folder.rename("hello.txt", "other.txt"),
        lambda: folder.delete("hello.txt"),
    ):
        with pytest.raises(NotAllowed) as refused:
            act()
        assert refused.value.rule
        assert refused.value.because
    assert [entry.name for entry in tests.files()] == ["hello.txt"]


@pytest.mark.scenario("F6")
def test_the_owner_renames_for_everybody(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    tests.share("ben")
    folder = ben.invitations[0].accept()
    with pytest.raises(NotAllowed):
        folder.rename_folder("mine")
    tests.rename_folder("renamed")
    folder.refresh()
    assert (tests.label, folder.label) == ("renamed", "renamed")
    stale = ana.folders["renamed"]
    tests.rename_folder("again")
    with pytest.raises(ChangedMeanwhile):
        stale.rename_folder("lost")


@pytest.mark.scenario("F7")
def test_a_name_clash_offers_an_alias(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    own = ben.folders.create("tests")
    ana.folders.create("tests").share("ben")
    invitation = ben.invitations["tests"]
    with pytest.raises(NameTaken) as taken:
        invitation.accept()
    assert taken.value.suggestion == invitation.view.suggested_alias
    folder = invitation.accept(taken.value.suggestion)
    assert ben.folders[folder.label].id == folder.id != own.id
    assert ben.folders["tests"].id == own.id
    assert ana.folders["tests"].label == "tests"


@pytest.mark.scenario("F15")
def test_a_team_has_it_and_each_member_answers(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    assert [team.name for team in ana.teams] == ["genomics"]
    assert tests.share("genomics", level="edit", teams=True).failed == {}
    (invitation,) = ben.invitations
    assert "ana invites genomics to 'tests': Edit" in repr(invitation)
    assert ben.folders["tests"].level == "edit"
    invitation.decline()
    assert len(ben.folders) == 0
    (declined,) = ben.client.invitations(declined=True)
    ben.client.accept(declined.id)
    assert "tests" in ben.folders
    found = {one.name: one.sources[0].answer for one in tests.people.people}
    assert found == {"ben": "accepted", "cleo": "none"}
    (share,) = ana.client.shares_given()
    told = ana.client.change_grants({share.id: share.version}, level="view")
    assert told.results[0].problem is None
    assert ben.folders["tests"].level == "view"
    ana.client.revoke_grants([share.id])
    assert len(ben.folders) == 0


@pytest.mark.scenario("F9")
def test_leaving_needs_a_new_invitation(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    tests.share("ben")
    cut = ben.invitations[0].accept().leave()
    assert cut.cannot_undo
    assert len(ben.folders) == len(tests.people) == 0
    tests.share("ben")
    assert len(ben.folders) == 0
    ben.invitations[0].accept()
    assert len(ben.folders) == 1


@pytest.mark.scenario("F10")
def test_an_invitation_changes_and_goes(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    tests.share("ben", until=real.service.clock() + timedelta(days=7))
    tests.change("ben", level="edit")
    (invitation,) = ben.invitations
    assert (invitation.view.level, invitation.view.ends_at is None) == ("edit", False)
    tests.change("ben", until=None)
    assert ben.invitations[0].view.ends_at is None
    tests.trash()
    assert not ben.invitations[0].view.available
    with pytest.raises(VMShareError) as refused:
        ben.invitations[0].accept()
    assert refused.value.status == 409
    tests.restore()
    tests.revoke("ben")
    assert len(ben.invitations) == 0
    with pytest.raises(NotFound, match="ben holds nothing"):
        tests.revoke("ben")


@pytest.mark.scenario("F11")
def test_nobody_answers_anothers_invitation(real: Real) -> None:
    ana, ben, dan = (real.notebook(name) for name in ("ana", "ben", "dan"))
    tests = ana.folders.create("tests")
    tests.share("ben")
    grant = ben.invitations[0].id
    for other in (ana, dan):
        with pytest.raises(NotFound):
            other.client.accept(grant)
    assert ben.client.accept(grant).id == ben.client.accept(grant).id


@pytest.mark.scenario("F12")
def test_an_end_date_ends(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    friday = datetime(2026, 11, 27, 18, tzinfo=UTC)
    ana.folders.create("tests").share("ben", until=friday)
    folder = ben.invitations[0].accept()
    assert folder.ends_at == friday
    real.service.clock.advance(hours=8, minutes=59, seconds=59)
    folder.refresh()
    real.service.clock.advance(seconds=1)
    with pytest.raises(NotFound):
        folder.refresh()


@pytest.mark.scenario("F18")
def test_why(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    tests = ana.folders.create("tests")
    tests.share("ben")
    folder = ben.invitations[0].accept()
    answer = ben.why("delete_file", folder)
    assert not answer
    assert answer.because in repr(answer)
    assert answer.rule in repr(answer)
    assert "View" in repr(answer)
    assert "ana" in repr(answer)
    assert folder.why("read_file")
    of_ben = ana.why("read_file", tests, "ben")
    assert of_ben
    assert of_ben.why.person == "ben"
    assert "<script" not in of_ben._repr_html_()


def test_while_the_server_is_shared_the_notebook_only_reads(real: Real) -> None:
    real.hub.share("ana", user="eve")
    ana = real.notebook("ana")
    assert ana.me.credential.read_only
    assert ana.me.credential.because
    assert ana.me.credential.because in ana._repr_html_()
    assert len(ana.folders) == 0
    with pytest.raises(NotAllowed) as refused:
        ana.folders.create("tests")
    assert refused.value.rule == "credential.read_only"


@pytest.mark.scenario("F2")
@pytest.mark.scenario("F3")
def test_the_same_awaited(real: Real) -> None:
    async def play(ana: AsyncVMShare, ben: AsyncVMShare) -> None:
        events = ben.events()
        invited = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.5)
        tests = await ana.folders.create("tests")
        await tests.upload(b"hello\n", "hello.txt")
        assert (await tests.share(["ben"], level="edit")).granted
        event = await asyncio.wait_for(invited, 5)
        assert (event.type, event.thing_id) == ("grant.invited", tests.id)
        await events.aclose()
        invitation = await ben.invitations.get("tests")
        folder = await invitation.accept()
        assert await folder.read_bytes("hello.txt") == b"hello\n"
        assert [f.label async for f in ben.folders] == ["tests"]
        assert (await ben.folders.get("tests")).id == folder.id
        assert [g.level for g in await tests.people] == ["edit"]
        assert not await ben.why("delete_file", folder)
        with pytest.raises(NotAllowed):
            await folder.delete("hello.txt")
        await ana.close()
        await ben.close()

    asyncio.run(play(real.awaited("ana"), real.awaited("ben")))


def test_a_download_leaves_nothing_half_behind(real: Real, tmp_path: Path) -> None:
    tests = real.notebook("ana").folders.create("tests")
    tests.upload(b"new", "a.txt")
    with pytest.raises(NotFound):
        tests.download("missing.txt", tmp_path)
    assert list(tmp_path.glob("*missing*")) == list(tmp_path.glob("*.part")) == []
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(FileExistsError):
        tests.download("a.txt", tmp_path)
    assert (tmp_path / "a.txt").read_text() == "old"
    tests.download("a.txt", tmp_path, overwrite=True)
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize(
    "name", ["a&b?c#d.txt", "ä ö 😀.txt", "100%.txt", "-rf", "'\"<b>.txt", "a;b|c$d`e.txt"]
)
def test_a_file_of_any_name_comes_back(real: Real, name: str) -> None:
    tests = real.notebook("ana").folders.create("tests & more?")
    tests.mkdir("d #1")
    path = f"d #1/{name}"
    tests.upload(b"x", path)
    assert [entry.path for entry in tests.files("d #1")] == [path]
    assert tests.read_bytes(path) == b"x"
    tests.delete(path)
    assert tests.files("d #1") == []
