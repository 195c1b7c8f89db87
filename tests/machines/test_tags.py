"""A project's tag: whoever is no active member does not get in, whatever they hold (V15)."""

from __future__ import annotations

import pytest
import pytest_asyncio

from jupyterhub_vmshare.errors import Conflict, Forbidden
from jupyterhub_vmshare.machines.tagging import demand_untaggable
from jupyterhub_vmshare.projects import tags
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.sharing.model import wire
from tests.machines.conftest import Lab, on
from tests.machines.test_in_projects import InProject
from tests.machines.test_permissions import PUBLIC_KEY

pytestmark = [pytest.mark.asyncio, pytest.mark.scenario("V15")]

KEY = {"public_key": PUBLIC_KEY}


@pytest_asyncio.fixture
async def reef(lab: Lab) -> InProject:
    """dan shares a team with cleo, and is in no project."""
    made = InProject(lab.api)
    await made.build()
    return made


async def enters(reef: InProject, who: str, box: str) -> tuple[int, str | None]:
    answer = await reef(who).call("POST", f"/machines/{box}/certificates", json=KEY)
    return answer.status_code, None if answer.is_success else answer.json()["rule"]


async def confirms(reef: InProject, who: str, thing: str) -> bool:
    async with reef.api.running.service.db.write() as tx:
        asker = Asker(who, on_pages=True)
        return await tags.confirm_removal(tx, asker, thing, demand_untaggable)


@pytest.mark.parametrize("level", ["use", "manage", "co_own"])
async def test_nobody_outside_gets_in_whatever_they_were_given(reef: InProject, level: str) -> None:
    box = (await reef.box("cleo"))["id"]
    await reef("dan").accept(await reef.give(box, level, "dan", by="cleo"))
    await reef("ben").accept(await reef.give(box, "use", "ben", by="cleo"))
    assert (await enters(reef, "dan", box))[0] == 201
    told = await reef("cleo").ask("PUT", f"/machines/{box}/tag")
    assert told["tagged"]
    assert await enters(reef, "dan", box) == (403, "gate.tag")
    for who in ("cleo", "ben"):
        assert (await enters(reef, who, box))[0] == 201
    seen = await reef("dan").ask("GET", f"/machines/{box}")  # so that he is told, and can leave
    assert seen["tagged"]
    for verb, more in (("start", {}), ("users", {"grants": [{"receiver": "cleo"}]})):
        answer = await reef("dan").call("POST", f"/machines/{box}/{verb}", json=more or None)
        assert answer.status_code == 403, verb
    why = await reef("dan").ask("GET", "/why", params={"action": "connect", "thing": box})
    assert (why["allowed"], why["rule"]) == (False, "gate.tag")
    assert "genome" in why["because"]
    assert (await reef("dan").call("POST", f"/machines/{box}/leave")).status_code == 200


async def test_what_a_gate_never_blocks(reef: InProject) -> None:
    box = (await reef.box("cleo"))["id"]
    pending = await reef.give(box, "use", "dan", by="cleo")
    await reef("cleo").ask("PUT", f"/machines/{box}/tag")
    accepted = await reef("dan").call("POST", f"/invitations/{pending}/accept")
    assert (accepted.status_code, accepted.json()["rule"]) == (403, "gate.tag")
    await reef("dan").ask("POST", f"/invitations/{pending}/decline")
    second = await reef.give(box, "use", "dan", by="cleo")
    await reef("cleo").ask("DELETE", f"/grants/{second}")
    # Whoever is out of the project goes on leaving and declining, too.
    third = await reef.give(box, "use", "ben", by="cleo")
    await reef("ben").ask("POST", f"/invitations/{third}/decline")
    await reef("ben").ask("POST", f"/projects/{reef.project}/leave")


async def test_a_membership_that_ends_on_a_date_ends_there_to_the_second(reef: InProject) -> None:
    box, clock = (await reef.box("cleo"))["id"], reef.api.running.clock
    await reef("ben").accept(await reef.give(box, "use", "ben", by="cleo"))
    await reef("cleo").ask("PUT", f"/machines/{box}/tag")
    from datetime import timedelta

    end = wire(clock.now + timedelta(hours=1))
    await reef.projects.change(reef.project, "ben", ends_at=end)
    assert (await enters(reef, "ben", box))[0] == 201
    clock.advance(hours=1)
    assert (await enters(reef, "ben", box))[0] in (403, 404)


async def test_only_owners_set_it_on_what_is_in_a_project(reef: InProject) -> None:
    box, data = (await reef.box("cleo"))["id"], await reef.drive("cleo")
    admin = await reef.projects.admin()
    for who in (admin, reef("ben"), reef("dan")):
        for path in (f"/machines/{box}/tag", f"/drives/{data}/tag"):
            assert (await who.call("PUT", path)).status_code in (403, 404), (who.name, path)
    personal = (await reef.make("personal"))["id"]
    assert (await reef("ana").call("PUT", f"/machines/{personal}/tag")).status_code == 404
    folder = (await reef.projects.folder(reef.project, "reads", "view"))["id"]
    assert (await reef("ana").call("PUT", f"/folders/{folder}/tag")).status_code == 403
    assert (await admin.ask("PUT", f"/folders/{folder}/tag"))["tagged"]


@pytest.mark.scenario("F15")
async def test_a_tagged_folder_is_for_members_alone(reef: InProject) -> None:
    admin = await reef.projects.admin()
    folder = (await reef.projects.folder(reef.project, "reads", "edit"))["id"]
    one = {"grants": [{"receiver": "dan", "level": "edit"}]}
    [given] = (await admin.ask("POST", f"/folders/{folder}/grants", one))["results"]
    await reef("dan").accept(given["grant"]["id"])
    assert (await reef("dan").get(f"/folders/{folder}/entries")).status_code == 200
    await admin.ask("PUT", f"/folders/{folder}/tag")
    answer = await reef("dan").get(f"/folders/{folder}/entries")
    assert (answer.status_code, answer.json()["rule"]) == (403, "gate.tag")
    assert (await reef("ben").get(f"/folders/{folder}/entries")).status_code == 200


async def test_drives_on_tagged_machines(reef: InProject) -> None:
    box, plain = (await reef.box("ben"))["id"], (await reef.box("ben", "plain"))["id"]
    untagged, tagged = await reef.drive("ben", "untagged"), await reef.drive("ben", "tagged")
    personal = (await reef.make_drive("personal", by="ben"))["id"]
    for path in (f"/machines/{box}/tag", f"/drives/{tagged}/tag"):
        await reef("ben").ask("PUT", path)

    async def attaches(drive: str, way: str, machine: str) -> int:
        return (await reef("ben").call("PUT", f"/drives/{drive}/{way}/{machine}")).status_code

    assert await attaches(untagged, "writer", box) == 409
    assert await attaches(personal, "writer", box) == 409
    assert await attaches(tagged, "readers", plain) == 409
    assert await attaches(tagged, "writer", plain) == 409
    assert await attaches(personal, "readers", box) == 202
    assert await attaches(untagged, "readers", box) == 202
    assert await attaches(tagged, "writer", box) == 202
    await reef.until(f"/drives/{tagged}", on(box), by="ben")
    with pytest.raises(Conflict, match="Detach tagged from box first"):
        await confirms(reef, "ben", box)
        await confirms(reef, "ana", box)


async def test_a_machine_is_tagged_with_the_drives_that_it_writes(reef: InProject) -> None:
    box, data = (await reef.box("ben"))["id"], await reef.drive("ben")
    cleos = await reef.drive("cleo", "cleos")
    await reef("ben").ask("PUT", f"/drives/{data}/writer/{box}")
    await reef.until(f"/drives/{data}", on(box), by="ben")
    assert (await reef("ben").call("PUT", f"/drives/{data}/tag")).status_code == 409
    await reef("cleo").ask("PUT", f"/drives/{cleos}/opened", {"opened": True})
    await reef("ben").ask("PUT", f"/drives/{cleos}/writer/{box}")
    assert (await reef("ben").call("PUT", f"/machines/{box}/tag")).status_code == 409
    await reef("ben").ask("DELETE", f"/machines/{box}/drives/{cleos}")
    await reef.until(f"/machines/{box}", lambda told: len(told["drives"]) == 1, by="ben")
    await reef("ben").ask("PUT", f"/machines/{box}/tag")
    assert (await reef("ben").ask("GET", f"/drives/{data}"))["tagged"]


async def test_taking_it_away_takes_an_owner_and_an_administrator(reef: InProject) -> None:
    box = (await reef.box("ben"))["id"]
    await reef("ben").ask("PUT", f"/machines/{box}/tag")
    for who in ("cleo", "dan"):
        with pytest.raises(Forbidden, match="two people"):
            await confirms(reef, who, box)
    assert not await confirms(reef, "ana", box)
    assert not await confirms(reef, "ana", box)  # twice is once
    assert not await confirms(reef, "eve", box)  # another administrator is no owner
    assert (await reef("ben").ask("GET", f"/machines/{box}"))["tagged"]
    assert await confirms(reef, "ben", box)
    assert not (await reef("ben").ask("GET", f"/machines/{box}"))["tagged"]


async def test_an_owner_who_administers_needs_another_administrator(reef: InProject) -> None:
    box = (await reef.box("ana"))["id"]
    await reef("ana").ask("PUT", f"/machines/{box}/tag")
    assert not await confirms(reef, "ana", box)
    assert not await confirms(reef, "ana", box)
    assert await confirms(reef, "eve", box)


async def test_a_confirmation_counts_as_long_as_one_is_who_one_was(reef: InProject) -> None:
    box = (await reef.box("ben"))["id"]
    await reef("ben").ask("PUT", f"/machines/{box}/tag")
    assert not await confirms(reef, "eve", box)
    await reef.projects.change(reef.project, "eve", role="member")
    assert not await confirms(reef, "ben", box)
    assert await confirms(reef, "ana", box)
