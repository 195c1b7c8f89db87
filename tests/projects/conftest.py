"""A project that ana administers, with ben in it; cleo and dan are outside."""

from __future__ import annotations

import pytest_asyncio

from tests.fixtures.api import Api, Json, Person


class ProjectLab:
    """What people do with projects most."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def admin(self, name: str = "ana") -> Person:
        """Somebody on the service's own pages, where administrators count."""
        return await self.api.page(name)

    async def make(self, name: str = "genome", *members: str) -> str:
        """A project that ana administers; its id."""
        hub_admin = await self.api.page("root-hub")
        asked = {"name": name, "administrators": ["ana"]}
        made = await hub_admin.ask("POST", "/projects", asked)
        for member in members:
            await self.let_in(made["id"], member)
        return str(made["id"])

    async def link(self, project: str, **more: object) -> Json:
        """A new invitation link by ana."""
        return await (await self.admin()).ask("POST", f"/projects/{project}/links", dict(more))

    async def ask(self, project: str, name: str) -> str:
        """Somebody asks to join; the id of their wish."""
        code = (await self.link(project))["code"]
        asked = await self.api(name).ask("POST", "/project-links/ask", {"code": code})
        return str(asked["id"])

    async def let_in(self, project: str, name: str, **more: object) -> None:
        """Somebody asks, and ana says yes."""
        asked = await self.ask(project, name)
        path = f"/projects/{project}/asks/{asked}/accept"
        await (await self.admin()).ask("POST", path, dict(more))

    async def change(self, project: str, member: str, **changes: object) -> Json:
        """ana changes a member."""
        admin, path = await self.admin(), f"/projects/{project}/members/{member}"
        version = (await admin.ask("GET", path))["version"]
        return await admin.ask("PATCH", path, dict(changes), headers={"If-Match": f'"{version}"'})

    async def folder(self, project: str, name: str, level: str = "edit") -> Json:
        """A folder of the project, made by ana."""
        asked = {"name": name, "level": level}
        return await (await self.admin()).ask("POST", f"/projects/{project}/folders", asked)

    async def override(self, folder: str, person: str, level: str | None, by: str = "ana") -> Json:
        """ana gives a member a level of their own, or takes it away."""
        admin, path = await self.admin(by), f"/folders/{folder}/overrides/{person}"
        if level is None:
            return await admin.ask("DELETE", path)
        return await admin.ask("PUT", path, {"level": level})

    async def members(self, project: str, by: str = "ana") -> dict[str, str]:
        """Who is in it, as what; as an administrator sees it."""
        found = await (await self.admin(by)).all(f"/projects/{project}/members")
        return {member["person"]: member["role"] for member in found}


@pytest_asyncio.fixture
async def lab(api: Api) -> ProjectLab:
    """The people of the small world, and what they do with projects."""
    return ProjectLab(api)


@pytest_asyncio.fixture
async def project(lab: ProjectLab) -> str:
    """ana administers it, ben is a member."""
    return await lab.make("genome", "ben")
