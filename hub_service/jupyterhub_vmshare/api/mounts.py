"""Running sessions and the folders in them: for people, and for the hub's spawner hook."""

from __future__ import annotations

from collections.abc import Sequence

from jupyterhub_vmshare.api.contract.mounts import (
    EndedSession,
    MountChoice,
    MountState,
    MountView,
    NewSession,
    SessionsPage,
    SessionView,
    StartedSession,
)
from jupyterhub_vmshare.api.operation import HUB_HOOK, operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.mounts.listing import SeenMount, SeenSession


class HubSessions(Route):
    """Which session is whose, as the hub tells it."""

    path = "/hub/sessions"

    @operation(HUB_HOOK, takes=NewSession, gives=StartedSession, status=201)
    async def post(self) -> None:
        """A notebook server is about to start; told again, it takes the place of the one before."""
        asked = self.body(NewSession)
        # Before anything appears in it: their server may start before they have asked for anything.
        await self.rooms.succession.check(asked.person)
        session = await self.rooms.mounts.start_session(
            asked.person,
            asked.server_name,
            asked.uid,
            asked.gid,
            within=asked.wait_seconds,
            node=asked.node,
        )
        told = StartedSession(id=session.id, view=session.view, because=session.because)
        self.reply(201, told)

    @operation(HUB_HOOK, takes=EndedSession, status=204)
    async def delete(self) -> None:
        """A notebook server has ended."""
        asked = self.body(EndedSession)
        await self.rooms.mounts.end_session(asked.person, asked.server_name)
        self.reply(204)


class Sessions(Route):
    """The caller's running sessions."""

    path = "/sessions"

    @operation("folder.mount_read_only", gives=SessionsPage)
    async def get(self) -> None:
        """The caller's running sessions, and the folders in each of them."""
        found = await self.rooms.mounts.sessions_of(self.caller.name)
        self.reply(200, SessionsPage(items=views(found)))


class FolderMount(Route):
    """Whether the caller has a folder in their sessions."""

    path = "/folders/{folder_id}/mount"

    @operation("folder.mount_read_only", gives=MountChoice)
    async def put(self, folder_id: str) -> None:
        """Have this folder in one's running sessions, now and in those to come."""
        await self._choose(folder_id, True)

    @operation("folder.mount_read_only", gives=MountChoice)
    async def delete(self, folder_id: str) -> None:
        """Have this folder in none of one's sessions; it stays in the panel."""
        await self._choose(folder_id, False)

    async def _choose(self, folder_id: str, wanted: bool) -> None:
        found = await self.rooms.mounts.choose(self.caller.person(), folder_id, wanted)
        told = MountChoice(folder_id=folder_id, wanted=wanted, sessions=views(found))
        self.reply(200, told)


def views(found: Sequence[SeenSession]) -> list[SessionView]:
    """Sessions as they go over the wire."""
    return [
        SessionView(
            id=seen.session.id,
            server_name=seen.session.server_name,
            started_at=seen.session.started_at,
            mounts_available=seen.because is None,
            because=seen.because,
            mounts=[_view(mount) for mount in seen.mounts],
        )
        for seen in found
    ]


def _view(mount: SeenMount) -> MountView:
    return MountView(
        folder_id=mount.folder_id,
        name=mount.name,
        level=mount.level,
        read_only=mount.level == "view",
        state=MountState(mount.state),
        because=mount.because,
        until=mount.until,
        direct=mount.direct,
        not_direct=mount.not_direct,
    )


ROUTES = (HubSessions, Sessions, FolderMount)
