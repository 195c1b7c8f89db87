"""``GET`` and ``POST vmshare/terminals``: JupyterLab's terminals that are on machines.

Whoever opens one is on the machine as the owner of this notebook server, as with kernels; so it
takes the right to terminals of this server, too.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from jupyter_server.utils import ensure_async
from jupyter_server_terminals.api_handlers import AUTH_RESOURCE
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_vmshare.routes.base import Refused, Route, allowed
from jupyter_vmshare.shell.keeping import NAME
from jupyter_vmshare.shell.ledger import MACHINE, Entry
from jupyter_vmshare.shell.manager import OnMachines

_NONE: Final = "This notebook server has no terminals: its operator has switched them off."


class NewTerminal(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    machine: str = Field(pattern=f"^{MACHINE.pattern}$")
    called: str = Field("", max_length=1000)
    """What people call the machine: for the name of the terminal alone."""
    keep: bool = False
    session: str | None = Field(None, pattern=f"^{NAME.pattern}$")
    """What runs on there, to go on with."""


class Terminals(Route):
    """Nothing of it is asked of the service: the program in the terminal does, and says why not."""

    @allowed("read")
    async def get(self) -> None:
        """``{"terminals": [{"name", "machine", "keep", "session", "since", "open"}]}``."""
        manager = await self._manager("read")
        found = manager.ledger.all()
        told = [_told(name, each, name in manager.terminals) for name, each in found.items()]
        self.finish({"terminals": told})

    @allowed("write")
    async def post(self) -> None:
        """Make one, or say which is there already; ``{"name"}`` is what ``terminal:open`` takes."""
        manager = await self._manager("write")
        if manager.service_url == "":
            raise Refused(503, "no-hub", self.gateway.because)
        try:
            asked = NewTerminal.model_validate_json(self.request.body or b"{}")
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise Refused(400, "bad-input", f"{place}: {wrong['msg']}.") from None
        name = self._known(manager, asked) or manager.ledger.add(
            asked.machine,
            asked.called,
            tuple(manager.terminals),
            keeps=asked.keep,
            session=asked.session,
        )
        if name not in manager.terminals:
            manager.create(name=name)
        self.set_status(201)
        self.finish(json.dumps({"name": name}))

    def _known(self, manager: OnMachines, asked: NewTerminal) -> str | None:
        """The terminal in which something runs on already."""
        entries = manager.ledger.all().items()
        same = [name for name, each in entries if each.session == asked.session]
        return same[-1] if asked.session is not None and same else None

    async def _manager(self, action: Literal["read", "write"]) -> OnMachines:
        """The server's terminals, for whom its authorizer lets have them. Raises `Refused`."""
        manager = self.settings.get("terminal_manager")
        if not self.settings.get("terminals_available") or not isinstance(manager, OnMachines):
            raise Refused(404, "no-terminals", _NONE)
        is_allowed = self.authorizer.is_authorized(self, self.current_user, action, AUTH_RESOURCE)
        if not await ensure_async(is_allowed):
            raise Refused(403, "forbidden", "You may not use terminals of this notebook server.")
        return manager


def _told(name: str, entry: Entry, is_open: bool) -> dict[str, Any]:
    return {
        "name": name,
        "machine": entry.machine,
        "keep": entry.keeps,
        "session": entry.session,
        "since": entry.since,
        "open": is_open,
    }
