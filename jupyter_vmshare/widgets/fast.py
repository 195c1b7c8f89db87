"""Fast mounts of one's folders, and what a revoke can't cut of them, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import mounts as calls
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.handle import FolderHandle
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.grants import HolderView
from jupyterhub_vmshare.api.contract.mounts import Stopped, StoppedPage


class Holders(Table[HolderView]):
    """Sessions that still have something open of a folder which was taken from them."""

    heads = ("Session", "Of", "Server", "Programs")
    empty = "Nobody holds anything that was taken away."

    def row(self, item: HolderView) -> tuple[str, ...]:
        """Id, person, server, how many programs."""
        return item.session_id, item.person, item.server_name or "default", str(item.processes)


class StoppedSessions(Table[Stopped]):
    """What became of each session that was to be stopped."""

    heads = ("Session", "Of", "Now")
    empty = "No session was to be stopped."

    def row(self, item: Stopped) -> tuple[str, ...]:
        """Id, person, stopped or why not."""
        why = item.problem.detail if item.problem else "not stopped"
        return item.session_id, item.person or "", "stopped" if item.stopped else why


class FastVerbs(FolderHandle):
    """Methods on how a folder is mounted. Its owner only."""

    @twin
    def choose_fast(self, fast: bool = True) -> Steps[Holders]:
        """Have it mounted directly, at the speed of the disk, where levels allow that.

        At View (read-only) and at Edit+Delete; people at Edit have it as before. Access to what
        somebody has open then ends with their session: the answer is a table of the sessions in
        which that is so after fast mounts were switched off.
        """
        told = yield calls.choose_fast(self.id, self.view.version, fast=fast)
        self.view = told
        return Holders(told.holders, f"Holding {self.label}")

    @twin
    def holders(self) -> Steps[Holders]:
        """The sessions that hold something of it that was taken from them."""
        found = yield from calls.holders(self.id).steps()
        return Holders(found, f"Holding {self.label}")

    @twin
    def end_sessions(self, of: Iterable[str] | None = None) -> Steps[StoppedSessions]:
        """Stop the sessions that hold it, with all that runs in them; ``of``: these people's."""
        people = None if of is None else set(of)
        found = yield from calls.holders(self.id).steps()
        asked = [one.session_id for one in found if people is None or one.person in people]
        if not asked:
            return StoppedSessions([], "Stopped")
        told: StoppedPage = yield calls.stop_holders(self.id, asked)
        return StoppedSessions(told.results, "Stopped")
