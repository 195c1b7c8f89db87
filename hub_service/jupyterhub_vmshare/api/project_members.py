"""Who is in a project, and how one comes into it and out again."""

from __future__ import annotations

from jupyterhub_vmshare.api import taking
from jupyterhub_vmshare.api.contract.projects import (
    AsksAsked,
    AsksPage,
    AskView,
    LetIn,
    LinkCode,
    LinkLeadsTo,
    LinkMade,
    LinksAsked,
    LinksPage,
    LinkView,
    MemberChange,
    MembersAsked,
    MembershipEnded,
    MembersPage,
    MemberView,
    NewLink,
    StaysBehind,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.projects import ProjectRoute
from jupyterhub_vmshare.api.render import CANNOT_UNDO, grant_view, in_sessions, receivers
from jupyterhub_vmshare.api.rooms import Rooms
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.projects import joining, links, members
from jupyterhub_vmshare.projects.model import Ask, Link, Member
from jupyterhub_vmshare.projects.standing import project_of
from jupyterhub_vmshare.sharing.parting import Lost


class ProjectMembers(ProjectRoute):
    """The people in a project."""

    path = "/projects/{project_id}/members"

    @operation("project.member.list", query=MembersAsked, gives=MembersPage)
    async def get(self, project_id: str) -> None:
        """Members by name; the caller alone, where members don't see each other."""
        asked, db = self.query(MembersAsked), self.rooms.db
        async with db.read() as conn:
            project = await project_of(conn, project_id)
            found = await members.page(
                conn, self.asker, project, db.clock(), after=asked.after, limit=asked.limit + 1
            )
        items = [member_view(one) for one in found[: asked.limit]]
        following = items[-1].person if len(found) > asked.limit else None
        self.reply(200, MembersPage(items=items, next=following))


class ProjectMember(ProjectRoute):
    """One member."""

    path = "/projects/{project_id}/members/{person}"

    @operation("project.member.list", gives=MemberView)
    async def get(self, project_id: str, person: str) -> None:
        """One member."""
        db = self.rooms.db
        async with db.read() as conn:
            project = await project_of(conn, project_id)
            found = await members.one(conn, self.asker, project, person, db.clock())
        self.reply(200, member_view(found))

    @operation(
        "project.member.change_role", takes=MemberChange, gives=MemberView, versioned="needed"
    )
    async def patch(self, project_id: str, person: str) -> None:
        """Promote, demote, or say when a membership ends."""
        asked, version = self.body(MemberChange), self.expected_version()
        ends_at = asked.ends_at if "ends_at" in asked.model_fields_set else members.UNSET
        async with self.rooms.db.write() as tx:
            changed = await members.change(
                tx, self.asker, project_id, person, version, role=asked.role, ends_at=ends_at
            )
        self.reply(200, member_view(changed))

    @operation("project.member.remove", gives=MembershipEnded)
    async def delete(self, project_id: str, person: str) -> None:
        """Take somebody out of the project; what that cut, and what of theirs stays in it."""
        async with self.rooms.db.write() as tx:
            lost = await members.remove(tx, self.asker, project_id, person)
            before = await held_of(self.rooms, tx, lost, person)
        reached = await taking.all_taken(self.rooms, before)
        self.reply(200, membership_ended_view(person, lost, reached))


class ProjectLeave(ProjectRoute):
    """Going out of a project."""

    path = "/projects/{project_id}/leave"

    @operation("project.member.leave", gives=MembershipEnded)
    async def post(self, project_id: str) -> None:
        """Leave a project; its last administrator can't."""
        person = self.caller.name
        async with self.rooms.db.write() as tx:
            lost = await members.leave(tx, self.asker, project_id)
            before = await held_of(self.rooms, tx, lost, person)
        reached = (await taking.all_taken(self.rooms, before)).as_seen_by(person)
        self.reply(200, membership_ended_view(person, lost, reached))


class ProjectLinks(ProjectRoute):
    """Invitation links."""

    path = "/projects/{project_id}/links"

    @operation("project.member.invite", query=LinksAsked, gives=LinksPage)
    async def get(self, project_id: str) -> None:
        """A project's invitation links, the newest first, without their codes."""
        asked, db = self.query(LinksAsked), self.rooms.db
        async with db.read() as conn:
            project, at = await project_of(conn, project_id), db.clock()
            found = await links.page(
                conn, self.asker, project, at, after=asked.after, limit=asked.limit + 1
            )
        items = [link_view(one, one.is_open(at)) for one in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, LinksPage(items=items, next=following))

    # Not `once`: a repeated answer would have to keep the code.
    @operation("project.member.invite", takes=NewLink, gives=LinkMade, status=201)
    async def post(self, project_id: str) -> None:
        """A new invitation link, with its code, which is told this once."""
        asked = self.body(NewLink)
        async with self.rooms.db.write() as tx:
            link, code = await links.make(
                tx, self.asker, project_id, note=asked.note, uses=asked.uses, ends_at=asked.ends_at
            )
        self.reply(201, LinkMade(**link_view(link, True).model_dump(), code=code))


class ProjectLink(ProjectRoute):
    """One invitation link."""

    path = "/projects/{project_id}/links/{link_id}"

    @operation("project.member.invite", status=204)
    async def delete(self, project_id: str, link_id: str) -> None:
        """Revoke a link; who has asked with it already goes on waiting."""
        async with self.rooms.db.write() as tx:
            await links.revoke(tx, self.asker, project_id, link_id)
        self.reply(204)


class LinkLook(ProjectRoute):
    """Where a link leads."""

    path = "/project-links/look"

    @operation("service.request_project", takes=LinkCode, gives=LinkLeadsTo)
    async def post(self) -> None:
        """What project a link leads to; by POST, so that its code is in no address."""
        code, db = self.body(LinkCode).code, self.rooms.db
        self.rooms.search.limit.take(self.caller.name)
        async with db.read() as conn:
            project, administrators = await joining.look(conn, code, db.clock())
        told = LinkLeadsTo(
            project_id=project.id,
            name=project.name,
            description=project.description,
            administrators=administrators,
        )
        self.reply(200, told)


class LinkAsk(ProjectRoute):
    """Asking to join by a link."""

    path = "/project-links/ask"

    @operation("service.request_project", takes=LinkCode, gives=AskView, status=201)
    async def post(self) -> None:
        """Ask to become a member; who asks again is told what waits already."""
        code = self.body(LinkCode).code
        self.rooms.search.limit.take(self.caller.name)
        async with self.rooms.db.write() as tx:
            asked = await joining.ask(tx, self.caller.name, code)
        self.reply(201, ask_view(asked))


class ProjectAsks(ProjectRoute):
    """Who wishes to join."""

    path = "/projects/{project_id}/asks"

    @operation("project.member.answer_request", query=AsksAsked, gives=AsksPage)
    async def get(self, project_id: str) -> None:
        """Who waits for an answer, the first one first."""
        asked, db = self.query(AsksAsked), self.rooms.db
        async with db.read() as conn:
            project = await project_of(conn, project_id)
            found = await joining.waiting(
                conn, self.asker, project, db.clock(), after=asked.after, limit=asked.limit + 1
            )
        items = [ask_view(one) for one in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, AsksPage(items=items, next=following))


class AskAccept(ProjectRoute):
    """The yes to somebody's wish to join."""

    path = "/projects/{project_id}/asks/{ask_id}/accept"

    @operation("project.member.answer_request", takes=LetIn, optional_body=True, gives=AskView)
    async def post(self, project_id: str, ask_id: str) -> None:
        """Let somebody in, until a date or for good."""
        ends_at = (self.body_or_none(LetIn) or LetIn(ends_at=None)).ends_at
        async with self.rooms.db.write() as tx:
            answered = await joining.accept(tx, self.asker, project_id, ask_id, ends_at)
        self.reply(200, ask_view(answered))


class AskDecline(ProjectRoute):
    """The no to somebody's wish to join."""

    path = "/projects/{project_id}/asks/{ask_id}/decline"

    @operation("project.member.answer_request", gives=AskView)
    async def post(self, project_id: str, ask_id: str) -> None:
        """Don't let somebody in."""
        async with self.rooms.db.write() as tx:
            answered = await joining.decline(tx, self.asker, project_id, ask_id)
        self.reply(200, ask_view(answered))


class AskCancel(ProjectRoute):
    """One's own wish to join."""

    path = "/projects/{project_id}/asks/{ask_id}"

    @operation("service.request_project", status=204)
    async def delete(self, project_id: str, ask_id: str) -> None:
        """Take one's own wish to join back."""
        async with self.rooms.db.write() as tx:
            await joining.cancel(tx, self.caller.name, project_id, ask_id)
        self.reply(204)


async def held_of(rooms: Rooms, tx: Transaction, lost: Lost, person: str) -> list[taking.Held]:
    """Where they had open what they lost; whoever had something through them, too."""
    people = {person} | (receivers(lost.ended) or set())
    return await taking.all_held(rooms, tx, lost.things, people)


def membership_ended_view(person: str, lost: Lost, reached: taking.Taken) -> MembershipEnded:
    """What somebody lost, what that reached, and what of theirs stays."""
    stays = lost.stays
    return MembershipEnded(
        person=person,
        ended=[grant_view(grant) for grant in lost.ended],
        stays=StaysBehind(machines=stays.machines, drives=stays.drives, snapshots=stays.snapshots),
        cannot_undo=CANNOT_UNDO,
        **in_sessions(reached).model_dump(),
    )


def member_view(member: Member) -> MemberView:
    """A member as they go over the wire."""
    return MemberView(
        person=member.person,
        role=member.role,
        since=member.since,
        ends_at=member.ends_at,
        version=member.version,
    )


def link_view(link: Link, is_open: bool) -> LinkView:
    """A link as it goes over the wire."""
    told = {name: getattr(link, name) for name in LinkView.model_fields if name != "is_open"}
    return LinkView(**told, is_open=is_open)


def ask_view(asked: Ask) -> AskView:
    """A wish to join as it goes over the wire."""
    return AskView(**{name: getattr(asked, name) for name in AskView.model_fields})


ROUTES = (
    ProjectMembers,
    ProjectMember,
    ProjectLeave,
    ProjectLinks,
    ProjectLink,
    LinkLook,
    LinkAsk,
    ProjectAsks,
    AskAccept,
    AskDecline,
    AskCancel,
)
