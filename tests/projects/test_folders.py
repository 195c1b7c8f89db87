"""Project folders: all members at the project's level, overridden for one, gone with membership."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fixtures.api import Api, Json
from tests.fixtures.service import ScriptedClock
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio


async def may(api: Api, name: str, folder: str, action: str) -> tuple[bool, str]:
    """What ``why`` says: whether, and by which rule."""
    answer = await api(name).get("/why", action=action, thing=folder)
    if answer.status_code == 404:
        return False, "not-found"
    return answer.json()["allowed"], answer.json()["rule"]


async def because(api: Api, name: str, folder: str, action: str) -> str:
    return str((await api(name).ask("GET", "/why", params={"action": action, "thing": folder}))["because"])


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
