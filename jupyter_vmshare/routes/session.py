"""Who visits which notebook server, and whether the service can be used from here."""

from __future__ import annotations

import asyncio
import os

from pydantic import BaseModel

from jupyter_vmshare.client import VMShareError
from jupyter_vmshare.client.stream import state_of
from jupyter_vmshare.routes.base import Route, allowed
from jupyter_vmshare.routes.gateway import NO_HUB, NO_TOKEN, is_under_a_hub
from jupyter_vmshare.shared_dir import SharedDir


class SessionView(BaseModel):
    """What the panel asks first. ``because`` is a sentence, null when all is well."""

    hub: bool
    user: str | None
    server_owner: str | None = None
    server_name: str | None = None
    own_server: bool = False
    service: str
    service_url: str | None = None
    because: str | None = None
    shared_dir: str | None = None
    """Where shared folders are, as the file browser spells it; null: it does not show them."""
    shared_path: str | None = None
    """Where they are for programs of this session: absolute; null without mounts."""
    mounts_because: str | None = None
    """Why the file browser does not show them."""


class Session(Route):
    """``GET vmshare/session``."""

    @allowed("read")
    async def get(self) -> None:
        """Always answers 200: that something is missing is what this route tells."""
        service, because = await self._service()
        self.finish(self._view(service, because).model_dump_json())

    def _view(self, service: str, because: str | None) -> SessionView:
        user = self.current_user.username if self.current_user else None
        address = self.gateway.address
        view = SessionView(
            hub=is_under_a_hub(self),
            user=user,
            service=service,
            because=because,
            service_url=address.url if address else None,
        )
        if view.hub:
            view.server_owner = os.environ.get("JUPYTERHUB_USER") or None
            view.server_name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
            view.own_server = user is not None and user == view.server_owner
        self._say_where_mounts_are(view)
        return view

    def _say_where_mounts_are(self, view: SessionView) -> None:
        shared = SharedDir.of_session()
        if shared.path is None:
            view.mounts_because = shared.because
            return
        root = getattr(self.contents_manager, "root_dir", None)
        view.shared_path = str(shared.path)
        view.shared_dir = shared.below(root) if root else None
        if view.shared_dir is None:
            outside = "which this file browser does not show."
            view.mounts_because = f"Shared folders are at {shared.path}, {outside}"

    async def _service(self) -> tuple[str, str | None]:
        """The service's state for this visitor, and why."""
        if not is_under_a_hub(self):
            return "absent", NO_HUB
        if self.gateway.address is None:
            return "absent", self.gateway.because
        visitor = self.gateway.visitor(self)
        if visitor is None:
            return "refused", NO_TOKEN
        try:
            async with asyncio.timeout(5), self.gateway.client(visitor.token) as client:
                await client.me()
        except VMShareError as error:
            return state_of(error), str(error)
        except TimeoutError:
            return "unreachable", "The VMShare service took too long to answer."
        return "ok", None
