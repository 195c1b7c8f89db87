"""Sessions that still hold what was taken from them: which there are, and ending them."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.mounts import HoldersPage, Stopped, StoppedPage, Stopping
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.problems import problem
from jupyterhub_vmshare.api.render import holder_view
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.errors import NotFound, VMShareError
from jupyterhub_vmshare.mounts import stopping
from jupyterhub_vmshare.mounts.reach import Holder


class FolderHolders(Route):
    """Where a fast mount was taken away, and something of it is open still."""

    path = "/folders/{folder_id}/holders"

    @operation("folder.revoke", gives=HoldersPage)
    async def get(self, folder_id: str) -> None:
        """The sessions that still hold something of a folder; that can't be cut, only ended."""
        db = self.rooms.db
        async with db.read() as conn:
            found = await stopping.holders(conn, self.caller.person(), folder_id, db.clock())
        self.reply(200, HoldersPage(items=[holder_view(holder) for holder in found]))


class FolderHoldersStopped(Route):
    """Ending sessions."""

    path = "/folders/{folder_id}/holders/stop"

    @operation("folder.revoke", takes=Stopping, gives=StoppedPage)
    async def post(self, folder_id: str) -> None:
        """Stop sessions that hold a folder which was taken from them, with all that runs there."""
        asked, db = self.body(Stopping), self.rooms.db
        async with db.read() as conn:
            found = await stopping.holders(conn, self.caller.person(), folder_id, db.clock())
        holding = {holder.session_id: holder for holder in found}
        results = [await self._stop(folder_id, one, holding.get(one)) for one in asked.sessions]
        self.reply(200, StoppedPage(results=results))

    async def _stop(self, folder_id: str, session_id: str, holder: Holder | None) -> Stopped:
        if holder is None:
            nothing = problem(NotFound("This session holds nothing of the folder any more."))
            return Stopped(session_id=session_id, person=None, stopped=False, problem=nothing)
        try:
            await self.rooms.hub.stop_server(holder.person, holder.server_name)
        except VMShareError as error:
            return Stopped(
                session_id=session_id, person=holder.person, stopped=False, problem=problem(error)
            )
        async with self.rooms.db.write() as tx:
            await stopping.record(tx, self.caller.person(), folder_id, holder)
        return Stopped(session_id=session_id, person=holder.person, stopped=True)


ROUTES = (FolderHolders, FolderHoldersStopped)
