"""A project is never without an administrator, whatever happens in it and at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from jupyterhub_vmshare.sharing.model import wire
from tests.fixtures.api import Api
from tests.fixtures.service import ScriptedClock
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio

LAST = "Somebody else has to become an administrator of the project first."


@pytest.mark.scenario("P2")
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(("POST", "/leave", {}), id="leaves"),
        pytest.param(("DELETE", "/members/ana", {}), id="removes herself"),
        pytest.param(("PATCH", "/members/ana", {"json": {"role": "member"}}), id="steps down"),
        pytest.param(("PATCH", "/members/ana", {"json": {"ends_at": "later"}}), id="until a date"),
    ],
)
async def test_the_last_one_stays(
    api: Api, lab: ProjectLab, project: str, clock: ScriptedClock, act: tuple[str, str, Any]
) -> None:
    method, path, more = act
    later = wire(clock() + timedelta(days=1))
    more = {"json": {"ends_at": later}} if "ends_at" in more.get("json", {}) else more
    seen = {"headers": {"If-Match": '"1"'}} if method == "PATCH" else {}
    for who in (await lab.admin(), api("ana")):
        answer = await who.call(method, f"/projects/{project}{path}", **more, **seen)
        assert answer.status_code == 403
    on_page = await (await lab.admin()).call(method, f"/projects/{project}{path}", **more, **seen)
    assert (on_page.json()["rule"], on_page.json()["detail"]) == (
        "if.not_last_administrator",
        LAST,
    )
    assert await lab.members(project) == {"ana": "administrator", "ben": "member"}


async def test_one_who_is_there_until_a_date_does_not_count_as_another(
    api: Api, lab: ProjectLab, project: str, clock: ScriptedClock
) -> None:
    until = wire(clock() + timedelta(days=1))
    await lab.change(project, "ben", role="administrator")
    await lab.change(project, "ben", ends_at=until)
    answer = await (await lab.admin()).call("POST", f"/projects/{project}/leave")
    assert answer.status_code == 403
    answer = await (await lab.admin("ben")).call("DELETE", f"/projects/{project}/members/ana")
    assert answer.json()["rule"] == "if.not_last_administrator"
    await lab.change(project, "ben", ends_at=None)
    await (await lab.admin()).ask("POST", f"/projects/{project}/leave")
    assert await lab.members(project, by="ben") == {"ben": "administrator"}


@pytest.mark.scenario("P2")
@pytest.mark.parametrize("how", ["leave", "take each other out", "demote each other"])
async def test_of_two_at_the_very_same_moment_one_stays(
    api: Api, lab: ProjectLab, project: str, how: str
) -> None:
    await lab.change(project, "ben", role="administrator")
    ana, ben = await lab.admin("ana"), await lab.admin("ben")
    at = f"/projects/{project}"
    versions = {
        name: {"If-Match": f'"{(await ana.ask("GET", f"{at}/members/{name}"))["version"]}"'}
        for name in ("ana", "ben")
    }
    down = {"role": "member"}
    acts = {
        "leave": [ana.call("POST", f"{at}/leave"), ben.call("POST", f"{at}/leave")],
        "take each other out": [
            ana.call("DELETE", f"{at}/members/ben"),
            ben.call("DELETE", f"{at}/members/ana"),
        ],
        "demote each other": [
            ana.call("PATCH", f"{at}/members/ben", json=down, headers=versions["ben"]),
            ben.call("PATCH", f"{at}/members/ana", json=down, headers=versions["ana"]),
        ],
    }
    answers = await asyncio.gather(*acts.pop(how))
    for left_alone in acts.values():
        for call in left_alone:
            call.close()
    assert sum(answer.is_success for answer in answers) == 1
    roles = [
        role
        for name in ("ana", "ben")
        if (await (await lab.admin(name)).get(at)).is_success
        for role in (await lab.members(project, by=name)).values()
    ]
    assert "administrator" in roles
