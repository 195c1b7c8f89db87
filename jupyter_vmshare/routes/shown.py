"""``GET vmshare/shown``: how this session's shared folders stand on machines.

``{"shown": [{"folder_id", "machine_id", "state", "place", "because"}]}`` of those that the person
has chosen, where session and machine run: ``waiting``, ``shown`` at ``place``, ``elsewhere``
(another session of theirs shows it there), or ``failed``.
"""

from __future__ import annotations

from jupyter_vmshare.routes.base import Route, allowed

SETTING = "vmshare_shown_folders"


class Shown(Route):
    """Nothing of it is asked of the service."""

    @allowed("read")
    async def get(self) -> None:
        """All that are known."""
        keeping = self.settings.get(SETTING)
        self.finish({"shown": keeping.all() if keeping else []})
