"""The room as wiring starts it and routes reach it."""

from __future__ import annotations

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.mounts import choices, sessions
from jupyterhub_vmshare.mounts.listing import NO_AGENT, SeenSession, sessions_of
from jupyterhub_vmshare.mounts.sessions import Session
from jupyterhub_vmshare.policy.model import Person


class Mounts:
    """Folders in running sessions."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def start_session(self, person: str, server_name: str, uid: int, gid: int) -> Session:
        """A session that is about to run, with its view; without one where that takes too long."""
        async with self._db.write() as tx:
            session = await sessions.start(tx, person, server_name, uid, gid)
        async with self._db.write() as tx:
            return await sessions.start_without_view(tx, session, NO_AGENT)

    async def end_session(self, person: str, server_name: str) -> None:
        """A session that has ended."""
        async with self._db.write() as tx:
            await sessions.end(tx, person, server_name)

    async def choose(self, person: Person, folder_id: str, wanted: bool) -> list[SeenSession]:
        """Have a folder in one's sessions, or not; how it stands in them afterwards."""
        async with self._db.write() as tx:
            await choices.choose(tx, person, folder_id, wanted)
        async with self._db.read() as conn:
            return await sessions_of(conn, person.name, folder_id)

    async def sessions_of(self, person: str) -> list[SeenSession]:
        """The person's running sessions."""
        async with self._db.read() as conn:
            return await sessions_of(conn, person)
