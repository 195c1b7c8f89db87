"""Project folders: all members at the project's level, overridden for one, gone with membership."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import project_overrides, things
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.folders import life
from jupyterhub_vmshare.people.succession import Former
from jupyterhub_vmshare.policy.model import Person as PolicyPerson
from jupyterhub_vmshare.projects.expiry import end_what_is_over
from jupyterhub_vmshare.sharing import handing
from jupyterhub_vmshare.sharing.model import wire
from jupyterhub_vmshare.sharing.succession import end_what_they_had
from tests.fixtures.api import Api, Json, Person
from tests.fixtures.service import ScriptedClock
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio


def lead(project: str) -> PolicyPerson:
    """ana, as the service's own pages know her."""
    return PolicyPerson("ana", administers=frozenset({project}))


async def may(api: Api, name: str, folder: str, action: str) -> tuple[bool, str]:
    """What ``why`` says: whether, and by which rule."""
    answer = await api(name).get("/why", action=action, thing=folder)
    if answer.status_code == 404:
        return False, "not-found"
    return answer.json()["allowed"], answer.json()["rule"]


async def because(api: Api, name: str, folder: str, action: str) -> str:
    return str(
        (await api(name).ask("GET", "/why", params={"action": action, "thing": folder}))["because"]
    )


async def grant_of(api: Api, name: str, folder: str) -> str:
    """The invitation to a folder that waits for somebody's answer."""
    (waiting,) = (one for one in await api(name).invitations() if one["thing_id"] == folder)
    return str(waiting["id"])


@pytest.mark.scenario("P5")
async def test_all_members_list_it_at_once_and_each_answers_for_themselves(
    api: Api, lab: ProjectLab, project: str
) -> None:
    await lab.let_in(project, "cleo")
    made = await lab.folder(project, "reads", "edit")
    assert (made["owner"], made["project_id"], made["level"]) == ("genome", project, "owner")
    assert "trash_folder" in made["actions"]
    for name in ("ana", "ben", "cleo"):
        seen = (await api(name).folders())["reads"]
        assert (seen["level"], seen["owner"], seen["relation"]) == (
            *("edit", "genome"),
            "shared_with_me",
        )
        assert "upload" in seen["actions"]
        assert "trash_folder" not in seen["actions"]
        assert "mount_read_only" not in seen["actions"]
        (waiting,) = await api(name).invitations()
        assert waiting["receiver"] == {"kind": "project", "name": "genome"}
        assert (waiting["owner"], waiting["giver"]) == ("genome", "ana")
    for outsider in ("dan", "root-hub"):
        assert await api(outsider).folders() == {}
        assert (await api(outsider).get(f"/folders/{made['id']}")).status_code == 404
    grant = await grant_of(api, "ben", made["id"])
    assert (await api("ben").accept(grant, "mine"))["answer"] == "accepted"
    assert "mount_read_write" in (await api("ben").folders())["mine"]["actions"]
    said = await api("cleo").ask("POST", f"/invitations/{grant}/decline")
    assert (said["answer"], said["state"]) == ("declined", "active")
    assert await api("cleo").folders() == {}
    assert (await api("cleo").get(f"/folders/{made['id']}")).status_code == 404
    await api("cleo").accept(grant)
    assert "reads" in await api("cleo").folders()
    assert "genome" in await because(api, "ben", made["id"], "write_file")


@pytest.mark.scenario("P1")
@pytest.mark.parametrize("through", ["panel", "kernel", "own"])
async def test_administrators_make_and_override_on_the_pages_alone(
    api: Api, lab: ProjectLab, project: str, through: Any
) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    ana = api("ana", through)
    for method, path, body in (
        ("POST", f"/projects/{project}/folders", {"name": "mine", "level": "view"}),
        ("PUT", f"/folders/{folder}/overrides/ben", {"level": "view"}),
        ("DELETE", f"/folders/{folder}/overrides/ben", None),
    ):
        answer = await ana.call(method, path, json=body)
        assert (answer.status_code, answer.json()["rule"]) == (403, "credential.page"), path
    answer = await ana.call("POST", f"/folders/{folder}/trash")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert set(await ana.folders()) == {"reads"}
    # Nothing is left of the folder that was refused.
    service = api.running.service
    async with service.db.read() as conn:
        rows = (await conn.execute(sa.select(things.c.id))).scalars().all()
    assert rows == [folder]


@pytest.mark.scenario("P5")
async def test_who_joins_later_gets_it_under_a_label_of_its_own(
    api: Api, lab: ProjectLab, project: str
) -> None:
    await api("cleo").make_folder("reads")
    await lab.folder(project, "reads", "view")
    await lab.let_in(project, "cleo")
    seen = await api("cleo").folders()
    assert {label: one["owner"] for label, one in seen.items()} == {
        "reads": "cleo",
        "reads (genome)": "genome",
    }
    assert len(await api("cleo").invitations()) == 1


@pytest.mark.scenario("P5")
async def test_a_new_folder_clashes_with_nobodys_list(
    api: Api, lab: ProjectLab, project: str
) -> None:
    await api("ben").make_folder("reads")
    await lab.folder(project, "reads", "view")
    assert set(await api("ben").folders()) == {"reads", "reads (genome)"}
    assert set(await api("ana").folders()) == {"reads"}
    admin = await lab.admin()
    again = await admin.call(
        "POST", f"/projects/{project}/folders", json={"name": "reads", "level": "view"}
    )
    assert (again.status_code, again.json()["suggestion"]) == (409, "reads 2")


OUT = [
    pytest.param("remove", id="removed"),
    pytest.param("leave", id="left"),
    pytest.param("date", id="at the end date"),
]


@pytest.mark.scenario("P5")
@pytest.mark.parametrize("way", OUT)
async def test_who_is_out_has_nothing_of_it_and_is_told(
    api: Api, lab: ProjectLab, project: str, clock: ScriptedClock, way: str
) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    ben = api("ben")
    await ben.accept(await grant_of(api, "ben", folder))
    await lab.override(folder, "ben", "view")
    if way == "remove":
        await (await lab.admin()).ask("DELETE", f"/projects/{project}/members/ben")
    elif way == "leave":
        await ben.ask("POST", f"/projects/{project}/leave")
    else:
        end = clock.now + timedelta(hours=1)
        await lab.change(project, "ben", ends_at=end.isoformat())
        assert (await ben.folders())["reads"]["ends_at"] == wire(end)
        clock.advance(hours=1)
        assert (await ben.get(f"/folders/{folder}")).status_code == 404, "at that very moment"
        await end_what_is_over(api.running.service.db)
    assert await ben.folders() == {}
    assert await ben.invitations() == []
    assert (await ben.get(f"/folders/{folder}/entries")).status_code == 404
    assert [e["thing_id"] for e in await ben.events("grant.ended")] == [folder]
    assert await api("ana").events("grant.ended") == []
    # Coming back is being asked anew, at the project's level.
    await lab.let_in(project, "ben")
    seen = (await ben.folders())["reads"]
    assert (seen["level"], "mount_read_only" in seen["actions"]) == ("edit", False)
    assert len(await ben.invitations()) == 1


@pytest.mark.scenario("P5")
@pytest.mark.parametrize(("level", "held"), [("view", "view"), ("edit_delete", "edit_delete")])
async def test_one_member_is_overridden_lower_or_higher(
    api: Api, lab: ProjectLab, project: str, level: str, held: str
) -> None:
    await lab.let_in(project, "cleo")
    folder = (await lab.folder(project, "reads", "edit"))["id"]
    ben = api("ben")
    await ben.accept(await grant_of(api, "ben", folder))
    told = await lab.override(folder, "ben", level)
    assert (told["level"], told["set_by"]) == (level, "ana")
    assert (await ben.folders())["reads"]["level"] == held
    assert (await api("cleo").folders())["reads"]["level"] == "edit"
    assert await may(api, "ben", folder, "delete_file") == (
        (True, "table.delete_file") if level == "edit_delete" else (False, "grant.level")
    )
    if level == "view":
        assert await may(api, "ben", folder, "write_file") == (False, "grant.override")
    wrote = await ben.call("PUT", f"/folders/{folder}/file", params={"path": "a"}, content=b"x")
    assert wrote.status_code == (403 if level == "view" else 201)
    (mine,) = (one for one in (await people(ben, folder)) if one["name"] == "ben")
    (source,) = mine["sources"]
    assert (mine["level"], source["project"], source["level"], source["override"]) == (
        *(level, "genome"),
        *("edit", level),
    )
    assert len(await ben.events("override.set")) == 1
    assert await api("cleo").events("override.set") == []
    await lab.override(folder, "ben", None)
    assert (await ben.folders())["reads"]["level"] == "edit"
    again = await (await lab.admin()).call("DELETE", f"/folders/{folder}/overrides/ben")
    assert again.status_code == 404


@pytest.mark.scenario("P5")
async def test_a_lower_override_caps_what_else_a_member_was_given(
    api: Api, lab: ProjectLab, project: str
) -> None:
    folder = (await lab.folder(project, "reads", "view"))["id"]
    admin, ben = await lab.admin(), api("ben")
    (given,) = await admin.invite(folder, "edit_delete", "ben")
    await ben.accept(given)
    assert (await ben.folders())["reads"]["level"] == "edit_delete"
    await lab.override(folder, "ben", "view")
    assert (await ben.folders())["reads"]["level"] == "view"
    assert await may(api, "ben", folder, "write_file") == (False, "grant.override")
    assert "set your level" in await because(api, "ben", folder, "write_file")
    # Who is no member has no level in the project, and nothing caps what they were given.
    none = await admin.call("PUT", f"/folders/{folder}/overrides/dan", json={"level": "view"})
    assert (none.status_code, none.json()["code"]) == (422, "bad-input")
    await ben.ask("POST", f"/projects/{project}/leave")
    assert (await ben.folders())["reads"]["level"] == "edit_delete"


@pytest.mark.scenario("P5")
async def test_on_the_pages_administrators_do_what_an_owner_does(
    api: Api, lab: ProjectLab, project: str
) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    admin = await lab.admin()
    seen = await admin.ask("GET", f"/folders/{folder}")
    assert seen["level"] == "owner"
    renamed = await admin.ask(
        "PATCH", f"/folders/{folder}", {"name": "runs"}, headers={"If-Match": '"1"'}
    )
    assert (renamed["name"], renamed["owner"]) == ("runs", "genome")
    told = await admin.ask("GET", f"/folders/{folder}/people")
    (grant,) = told["grants"]
    assert grant["receiver"] == {"kind": "project", "name": "genome"}
    assert (told["owner"], told["administrators"]) == ("genome", ["ana"])
    lowered = await admin.ask(
        "PATCH", f"/grants/{grant['id']}", {"level": "view"}, headers={"If-Match": '"1"'}
    )
    assert lowered["level"] == "view"
    assert (await api("ben").folders())["runs"]["level"] == "view"
    kept = await admin.call("DELETE", f"/grants/{grant['id']}")
    assert kept.status_code == 409
    end = await admin.call(
        "PATCH",
        f"/grants/{grant['id']}",
        json={"ends_at": "2099-01-01T00:00:00Z"},
        headers={"If-Match": '"2"'},
    )
    assert end.status_code == 409
    async with api.running.service.db.write() as tx:
        with pytest.raises(Conflict, match="belongs to genome, and stays with it"):
            await handing.offer(tx, lead(project), folder, handing.Offer("ben"))
    await admin.ask("POST", f"/folders/{folder}/trash")
    assert await api("ben").folders() == await api("ana").folders() == {}
    assert set(await admin.folders(state="trashed")) == {"runs"}
    assert await api("ana").folders(state="trashed") == {}
    await admin.ask("POST", f"/folders/{folder}/restore")
    assert set(await api("ben").folders()) == {"runs"}


@pytest.mark.scenario("P4")
@pytest.mark.scenario("P5")
async def test_its_bytes_are_the_projects_and_a_refusal_says_asked_and_left(
    api: Api, lab: ProjectLab, project: str
) -> None:
    hub_admin, ben = await api.page("root-hub"), api("ben")
    before = (await lab.folder(project, "without a limit", "edit_delete"))["id"]
    await ben.write(before, "a", b"x" * 1000)
    await hub_admin.ask("PUT", f"/projects/{project}/quota", {"folder_gib": 0})
    answer = await ben.call("PUT", f"/folders/{before}/file", params={"path": "b"}, content=b"xyz")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "quota-exceeded")
    assert (told["asked"], told["left"]) == (3, 0)
    assert "3 bytes" in told["detail"]
    # Made later, it is the same account.
    later = (await lab.folder(project, "later", "edit_delete"))["id"]
    refused = await ben.call("PUT", f"/folders/{later}/file", params={"path": "b"}, content=b"xyz")
    assert refused.status_code == 409
    await hub_admin.ask("PUT", f"/projects/{project}/quota", {"folder_gib": 1})
    await ben.write(later, "b", b"xyz")
    # ben's own folders, and what he may have, are another matter.
    mine = await ben.ask("GET", "/me/quota")
    assert (mine["bytes"]["used"], mine["folders"]["used"]) == (0, 0)


@pytest.mark.scenario("P5")
async def test_a_projects_other_name_is_its_folders_owner(
    api: Api, lab: ProjectLab, project: str
) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    admin = await lab.admin()
    version = (await admin.ask("GET", f"/projects/{project}"))["version"]
    await admin.ask(
        "PATCH", f"/projects/{project}", {"name": "ben"}, headers={"If-Match": f'"{version}"'}
    )
    for name in ("ana", "ben"):
        seen = (await api(name).folders())["reads"]
        assert (seen["owner"], seen["level"], seen["relation"]) == ("ben", "edit", "shared_with_me")
    (waiting,) = await api("ben").invitations()
    assert waiting["receiver"] == {"kind": "project", "name": "ben"}
    assert "trash_folder" not in (await api("ben").folders())["reads"]["actions"]
    assert await api("ben").folders(relation="mine") == {}
    only = await api("ben").folders(project=project)
    assert [one["id"] for one in only.values()] == [folder]


@pytest.mark.scenario("P3")
async def test_where_members_dont_see_each_other_they_see_administrators_and_themselves(
    api: Api, lab: ProjectLab, project: str
) -> None:
    await lab.let_in(project, "cleo")
    folder = (await lab.folder(project, "reads"))["id"]
    assert {one["name"] for one in await people(api("ben"), folder)} == {"ana", "ben", "cleo"}
    admin = await lab.admin()
    version = (await admin.ask("GET", f"/projects/{project}"))["version"]
    await admin.ask(
        "PATCH",
        f"/projects/{project}",
        {"members_see_each_other": False},
        headers={"If-Match": f'"{version}"'},
    )
    assert {one["name"] for one in await people(api("ben"), folder)} == {"ana", "ben"}
    assert {one["name"] for one in await people(admin, folder)} == {"ana", "ben", "cleo"}


async def people(person: Person, folder: str) -> list[Json]:
    return list((await person.ask("GET", f"/folders/{folder}/people"))["people"])


@pytest.mark.scenario("P5")
async def test_lists_at_a_glance_name_the_project(api: Api, lab: ProjectLab, project: str) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    for name in ("ana", "ben"):
        (share,) = await api(name).all("/shares/received")
        assert (share["thing_id"], share["owner"]) == (folder, "genome")
        assert share["receiver"] == {"kind": "project", "name": "genome"}
    assert await api("ana").all("/shares/given") == []
    (kept,) = await (await lab.admin()).all("/shares/given")
    assert kept["thing_id"] == folder
    assert await api("dan").all("/shares/received") == []


@pytest.mark.scenario("P5")
async def test_what_is_deleted_for_ever_leaves_no_level_of_anybody(
    api: Api, lab: ProjectLab, project: str
) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    await lab.override(folder, "ben", "view")
    await (await lab.admin()).ask("POST", f"/folders/{folder}/trash")
    service = api.running.service
    async with service.db.write() as tx:
        await life.delete_for_ever(tx, lead(project), folder)
    assert await api("ben").folders() == {}
    assert [e["thing_id"] for e in await api("ben").events("folder.deleted")] == [folder]
    await service.folders.removal.catch_up()
    async with service.db.read() as conn:
        assert (await conn.execute(project_overrides.select())).all() == []
        assert (await conn.execute(things.select())).all() == []


@pytest.mark.scenario("P5")
async def test_what_a_former_administrator_gave_the_project_gave(
    api: Api, lab: ProjectLab, project: str
) -> None:
    folder = (await lab.folder(project, "reads"))["id"]
    (given,) = await (await lab.admin()).invite(folder, "view", "dan")
    await api("dan").accept(given)
    async with api.running.service.db.write() as tx:
        await end_what_they_had(tx, Former("ana", "ana", tx.at))
    assert (await api("ben").folders())["reads"]["level"] == "edit"
    assert (await api("dan").folders())["reads"]["level"] == "view"


@pytest.mark.scenario("P4")
async def test_a_limit_that_was_there_before_the_first_folder_holds(
    api: Api, lab: ProjectLab, project: str
) -> None:
    hub_admin = await api.page("root-hub")
    await hub_admin.ask("PUT", f"/projects/{project}/quota", {"folder_gib": 0})
    folder = (await lab.folder(project, "reads"))["id"]
    refused = await api("ben").call(
        "PUT", f"/folders/{folder}/file", params={"path": "a"}, content=b"xyz"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "quota-exceeded")
