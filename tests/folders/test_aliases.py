"""No two folders of one person's list have the same label, whoever makes them clash."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.api import Api, Json, Person

pytestmark = pytest.mark.asyncio


async def shared(api: Api, name: str, *receivers: str, owner: str = "ana") -> str:
    """A folder that the receivers have accepted."""
    folder = await api(owner).make_folder(name)
    for receiver in receivers:
        [grant] = await api(owner).invite(folder, "view", receiver)
        await api(receiver).accept(grant)
    return folder


async def rename(person: Person, folder: str, name: str) -> None:
    version = (await person.ask("GET", f"/folders/{folder}"))["version"]
    headers = {"If-Match": f'"{version}"'}
    await person.ask("PATCH", f"/folders/{folder}", {"name": name}, headers=headers)


@pytest.mark.scenario("F7")
async def test_a_clash_when_accepting_offers_an_alias_that_nobody_else_sees(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    own = await ben.make_folder("tests")
    folder = await ana.make_folder("tests")
    [grant] = await ana.invite(folder, "view", "ben")
    [invitation] = await ben.invitations()
    assert invitation["suggested_alias"] == "tests (ana)"
    refused = await ben.call("POST", f"/invitations/{grant}/accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "name-taken")
    assert refused.json()["suggestion"] == "tests (ana)"
    await ben.accept(grant, alias=refused.json()["suggestion"])
    folders = await ben.folders()
    assert {label: seen["id"] for label, seen in folders.items()} == {
        "tests": own,
        "tests (ana)": folder,
    }
    assert (folders["tests (ana)"]["name"], folders["tests (ana)"]["alias"]) == (
        "tests",
        "tests (ana)",
    )
    told = await ana.ask("GET", f"/folders/{folder}")
    assert (told["label"], told["alias"]) == ("tests", None)
    assert "tests (ana)" not in str(await ana.all("/events"))


async def test_an_alias_that_is_taken_too_is_refused_with_another(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    await ben.make_folder("tests")
    folder = await ana.make_folder("tests")
    [grant] = await ana.invite(folder, "view", "ben")
    answer = await ben.call("POST", f"/invitations/{grant}/accept", json={"alias": "tests"})
    assert (answer.status_code, answer.json()["suggestion"]) == (409, "tests 2")
    assert len(await ben.folders()) == 1
    bad = await ben.call("POST", f"/invitations/{grant}/accept", json={"alias": "a/b"})
    assert bad.status_code == 422


@pytest.mark.scenario("F6")
async def test_a_rename_reaches_everybody_and_a_clash_makes_an_alias(api: Api) -> None:
    ana, ben, cleo = api("ana"), api("ben"), api("cleo")
    folder = await shared(api, "tests", "ben", "cleo")
    await ben.make_folder("results")
    await rename(ana, folder, "results")
    assert "results" in await cleo.folders()
    seen = await ben.folders()
    assert seen["results (ana)"]["id"] == folder
    assert seen["results (ana)"]["name"] == "results"
    assert seen["results"]["owner"] == "ben"
    for name in ("ben", "cleo"):
        answer = await api(name).call(
            "PATCH", f"/folders/{folder}", json={"name": "mine"}, headers={"If-Match": '"2"'}
        )
        assert (answer.status_code, answer.json()["rule"]) == (403, "table.rename_folder")


async def test_a_rename_leaves_an_alias_alone(api: Api) -> None:
    folder = await shared(api, "tests", "ben")
    await api("ben").ask("PUT", f"/folders/{folder}/alias", {"alias": "anas"})
    await rename(api("ana"), folder, "results")
    seen = (await api("ben").folders())["anas"]
    assert (seen["name"], seen["alias"]) == ("results", "anas")
    await api("ben").ask("PUT", f"/folders/{folder}/alias", {"alias": None})
    assert "results" in await api("ben").folders()


@pytest.mark.parametrize("clash", ["their own", "another shared one", "an alias"])
async def test_a_restored_folder_makes_room_in_its_receivers_lists(api: Api, clash: str) -> None:
    ana, ben = api("ana"), api("ben")
    folder = await shared(api, "tests", "ben")
    await ana.ask("POST", f"/folders/{folder}/trash")
    assert await ben.folders() == {}
    if clash == "their own":
        await ben.make_folder("tests")
    elif clash == "another shared one":
        await shared(api, "tests", "ben", owner="cleo")
    else:
        other = await ben.make_folder("other")
        await ben.ask("PUT", f"/folders/{other}/alias", {"alias": "tests"})
    await ana.ask("POST", f"/folders/{folder}/restore")
    assert (await ben.folders())["tests (ana)"]["id"] == folder
    assert len(await ben.folders()) == 2


@pytest.mark.parametrize("taken_by", ["their own", "another shared one"])
async def test_a_restored_folder_whose_alias_is_taken_by_now_gets_another(
    api: Api, taken_by: str
) -> None:
    ana, ben = api("ana"), api("ben")
    folder = await shared(api, "tests", "ben")
    await ben.ask("PUT", f"/folders/{folder}/alias", {"alias": "x"})
    await ana.ask("POST", f"/folders/{folder}/trash")
    if taken_by == "their own":
        other = await ben.make_folder("x")
    else:
        other = await shared(api, "x", "ben", owner="cleo")
    await ana.ask("POST", f"/folders/{folder}/restore")
    seen = [(folder["label"], folder["id"]) for folder in await ben.all("/folders")]
    assert seen == [("x", other), ("x 2", folder)]
    told = await told_before(ben, "folder.restored")
    assert (told["type"], told["data"]) == ("folder.alias_chosen", {"alias": "x 2"})


async def told_before(person: Person, newest: str) -> Json:
    """The event before the newest, once that has its position."""
    async with asyncio.timeout(10):
        while True:
            first, second, *_ = (await person.ask("GET", "/events"))["items"]
            if first["type"] == newest:
                return dict(second)
            await asyncio.sleep(0.02)


async def test_an_owners_alias_that_is_taken_by_now_is_replaced_too(api: Api) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.ask("PUT", f"/folders/{folder}/alias", {"alias": "x"})
    await ana.ask("POST", f"/folders/{folder}/trash")
    other = await ana.make_folder("x")
    await ana.ask("POST", f"/folders/{folder}/restore")
    seen = [(folder["label"], folder["id"]) for folder in await ana.all("/folders")]
    assert seen == [("x", other), ("x 2", folder)]


@pytest.mark.parametrize("used", ["their own", "a shared one", "an alias", "hidden by an alias"])
async def test_making_a_folder_of_a_label_that_is_used(api: Api, used: str) -> None:
    ben = api("ben")
    if used == "a shared one":
        await shared(api, "tests", "ben")
    else:
        own = await ben.make_folder("other" if used == "an alias" else "tests")
        alias = {"an alias": "tests", "hidden by an alias": "other"}.get(used)
        if alias is not None:
            await ben.ask("PUT", f"/folders/{own}/alias", {"alias": alias})
    before = await ben.folders()
    answer = await ben.call("POST", "/folders", json={"name": "tests"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")
    assert answer.json()["suggestion"] == "tests 2"
    assert await ben.folders() == before
    await ben.make_folder("tests 2")


async def test_a_trashed_namesake_blocks_nobody(api: Api) -> None:
    ana = api("ana")
    first = await ana.make_folder("tests")
    await ana.ask("POST", f"/folders/{first}/trash")
    second = await ana.make_folder("tests")
    answer = await ana.call("POST", f"/folders/{first}/restore")
    assert (answer.status_code, answer.json()["suggestion"]) == (409, "tests 2")
    await ana.ask("POST", f"/folders/{first}/restore", {"name": "tests 2"})
    assert {label: seen["id"] for label, seen in (await ana.folders()).items()} == {
        "tests": second,
        "tests 2": first,
    }


async def test_an_alias_of_something_gone_is_free_again(api: Api) -> None:
    ben = api("ben")
    folder = await shared(api, "tests", "ben")
    await ben.ask("PUT", f"/folders/{folder}/alias", {"alias": "anas"})
    await ben.ask("POST", f"/folders/{folder}/leave")
    other = await shared(api, "more", "ben", owner="cleo")
    await ben.ask("PUT", f"/folders/{other}/alias", {"alias": "anas"})
    assert sorted(await ben.folders()) == ["anas"]


async def test_a_new_invitation_does_not_bring_back_an_old_alias(api: Api) -> None:
    ben = api("ben")
    folder = await shared(api, "tests", "ben")
    await ben.ask("PUT", f"/folders/{folder}/alias", {"alias": "anas"})
    await ben.ask("POST", f"/folders/{folder}/leave")
    [again] = await api("ana").invite(folder, "view", "ben")
    await ben.accept(again)
    assert sorted(await ben.folders()) == ["tests"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("eve", 403), ("root-hub", 404)],
    ids=["somebody only invited", "a hub admin"],
)
async def test_who_has_nothing_chooses_no_alias(api: Api, name: str, status: int) -> None:
    folder = await shared(api, "tests", "ben")
    await api("ana").invite(folder, "view", "eve")
    answer = await api(name).call("PUT", f"/folders/{folder}/alias", json={"alias": "x"})
    assert answer.status_code == status


@pytest.mark.parametrize("alias", ["", " x", "a/b", "..", "a\nb", "x" * 256, ".vmshare"], ids=ascii)
async def test_an_alias_is_a_name(api: Api, alias: str) -> None:
    folder = await shared(api, "tests", "ben")
    answer = await api("ben").call("PUT", f"/folders/{folder}/alias", json={"alias": alias})
    assert answer.status_code == 422
    assert "tests" in await api("ben").folders()
