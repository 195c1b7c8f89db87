"""Projects: how they come to be, what they are called, what they may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyterhub_vmshare.api.contract.projects import (
    NewProject,
    ProjectApproval,
    ProjectChange,
    ProjectQuota,
    ProjectRefusal,
    ProjectRequest,
    ProjectsAsked,
    ProjectsPage,
    ProjectView,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.people.known import known
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.projects import life, listing
from jupyterhub_vmshare.projects.life import Wanted
from jupyterhub_vmshare.projects.listing import Seen
from jupyterhub_vmshare.projects.standing import project_of
from jupyterhub_vmshare.sharing.facts import demand


class ProjectRoute(Route):
    """What routes of projects have in common."""

    async def seen(self, tx: Transaction, project_id: str) -> ProjectView:
        """A project as the caller sees it now."""
        project = await project_of(tx.conn, project_id)
        [found] = await listing.seen(tx.conn, self.asker, [project], tx.at)
        return project_view(found)

    async def page_of(self, found: Sequence[Seen], limit: int) -> None:
        """Answer with a page; one more than the limit was looked for."""
        items = [project_view(one) for one in found[:limit]]
        following = items[-1].id if len(found) > limit else None
        self.reply(200, ProjectsPage(items=items, next=following))


class Projects(ProjectRoute):
    """The caller's projects."""

    path = "/projects"

    @operation("project.member.list", query=ProjectsAsked, gives=ProjectsPage)
    async def get(self) -> None:
        """Projects that the caller is in, asked for, or asked to join; newest first."""
        asked, db = self.query(ProjectsAsked), self.rooms.db
        async with db.read() as conn:
            found = await listing.page(
                conn, self.asker, db.clock(), after=asked.after, limit=asked.limit + 1
            )
        await self.page_of(found, asked.limit)

    @operation("service.create_project", takes=NewProject, gives=ProjectView, status=201, once=True)
    async def post(self) -> None:
        """Make a project; for hub admins and those whom the site lets."""
        asked, person = self.body(NewProject), self.caller.person()
        demand(decide(person, "create_project", None, self.rooms.db.clock()))
        administrators = await self._known(asked.administrators)
        async with self.once() as tx:
            project_id = await life.create(tx, person, wanted(asked), administrators)
            self.keep(201, await self.seen(tx, project_id))

    async def _known(self, names: Sequence[str]) -> list[str]:
        rooms, limit = self.rooms, self.rooms.search.limit
        there = await known(rooms.succession, rooms.db, names, asker=self.caller.name, limit=limit)
        missing = sorted(set(names) - there.keys())
        if missing:
            raise BadInput(f"The hub knows nobody called {missing[0]}, exactly so spelled.")
        return sorted(there)


class ProjectRequests(ProjectRoute):
    """Projects that are asked for."""

    path = "/project-requests"

    @operation("service.approve_project", query=ProjectsAsked, gives=ProjectsPage)
    async def get(self) -> None:
        """Requests that wait for an answer, the oldest first; for hub admins."""
        asked, db = self.query(ProjectsAsked), self.rooms.db
        demand(decide(self.caller.person(), "approve_project", None, db.clock()))
        async with db.read() as conn:
            found = await life.requests(conn, after=asked.after, limit=asked.limit + 1)
            told = await listing.seen(conn, self.asker, found, db.clock())
        await self.page_of(told, asked.limit)

    @operation(
        "service.request_project", takes=ProjectRequest, gives=ProjectView, status=201, once=True
    )
    async def post(self) -> None:
        """Ask for a project: it is there once a hub admin has said yes."""
        asked, person = self.body(ProjectRequest), self.caller.person()
        async with self.once() as tx:
            project_id = await life.request(tx, person, wanted(asked))
            self.keep(201, await self.seen(tx, project_id))


class Project(ProjectRoute):
    """One project."""

    path = "/projects/{project_id}"

    @operation("project.member.list", gives=ProjectView)
    async def get(self, project_id: str) -> None:
        """One project, and what the caller may do in it."""
        db = self.rooms.db
        async with db.read() as conn:
            project = await project_of(conn, project_id)
            told = await listing.one(conn, self.asker, project, db.clock())
        self.reply(200, project_view(told))

    @operation(
        "project.settings.change", takes=ProjectChange, gives=ProjectView, versioned="needed"
    )
    async def patch(self, project_id: str) -> None:
        """Change name, description or settings, for everybody."""
        asked, version = self.body(ProjectChange), self.expected_version()
        changes = {name: value for name, value in asked.model_dump().items() if value is not None}
        async with self.rooms.db.write() as tx:
            await life.change(tx, self.asker, project_id, version, **changes)
            told = await self.seen(tx, project_id)
        self.reply(200, told)


class ProjectApprove(ProjectRoute):
    """The yes to a request."""

    path = "/projects/{project_id}/approve"

    @operation(
        "service.approve_project", takes=ProjectApproval, optional_body=True, gives=ProjectView
    )
    async def post(self, project_id: str) -> None:
        """Say yes to a request: who asked administers the project. For hub admins."""
        asked = self.body_or_none(ProjectApproval) or ProjectApproval(quota=None)
        quota = None if asked.quota is None else limits(asked.quota)
        async with self.rooms.db.write() as tx:
            await life.approve(tx, self.caller.person(), project_id, quota)
            told = await self.seen(tx, project_id)
        self.reply(200, told)


class ProjectDecline(ProjectRoute):
    """The no to a request."""

    path = "/projects/{project_id}/decline"

    @operation("service.approve_project", takes=ProjectRefusal, gives=ProjectView)
    async def post(self, project_id: str) -> None:
        """Say no to a request, and why. For hub admins."""
        because = self.body(ProjectRefusal).because
        async with self.rooms.db.write() as tx:
            await life.decline(tx, self.caller.person(), project_id, because)
            told = await self.seen(tx, project_id)
        self.reply(200, told)


class ProjectCancel(ProjectRoute):
    """One's own request."""

    path = "/projects/{project_id}/cancel"

    @operation("service.request_project", status=204)
    async def post(self, project_id: str) -> None:
        """Take one's own request back."""
        async with self.rooms.db.write() as tx:
            await life.cancel(tx, self.caller.person(), project_id)
        self.reply(204)


class QuotaOfProject(ProjectRoute):
    """What a project may hold."""

    path = "/projects/{project_id}/quota"

    @operation("service.set_quota_of_project", takes=ProjectQuota, gives=ProjectView)
    async def put(self, project_id: str) -> None:
        """Say what a project may hold; what is there stays. For hub admins."""
        quota = limits(self.body(ProjectQuota))
        async with self.rooms.db.write() as tx:
            await life.set_quota(tx, self.caller.person(), project_id, quota)
            told = await self.seen(tx, project_id)
        await self.rooms.folders.quota.catch_up()  # so that it holds at once
        self.reply(200, told)


def wanted(asked: ProjectRequest) -> Wanted:
    """A project as it came over the wire."""
    return Wanted(asked.name, asked.description, limits(asked.quota))


def limits(quota: ProjectQuota) -> Mapping[str, int]:
    """What is limited, by name."""
    return {name: limit for name, limit in quota.model_dump().items() if limit is not None}


def project_view(seen: Seen) -> ProjectView:
    """A project as it goes over the wire."""
    project, member, ask = seen.project, seen.member, seen.ask
    return ProjectView(
        id=project.id,
        kind=project.kind,
        name=project.name,
        description=project.description,
        state=project.state,
        role=None if member is None else member.role,
        member_until=None if member is None else member.ends_at,
        ask_id=None if ask is None else ask.id,
        created_by=project.created_by,
        created_at=project.created_at,
        because=project.because,
        administrators=list(seen.administrators),
        members=seen.members,
        quota=ProjectQuota(**project.quota),
        members_may_create=project.members_may_create,
        members_see_each_other=project.members_see_each_other,
        new_things_open=project.new_things_open,
        actions=list(seen.actions),
        version=project.version,
    )


ROUTES = (
    Projects,
    ProjectRequests,
    Project,
    ProjectApprove,
    ProjectDecline,
    ProjectCancel,
    QuotaOfProject,
)
