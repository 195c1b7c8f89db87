"""The live stream for a browser: ``GET vmshare/events?after=<position>``, a WebSocket.

Messages, JSON: ``{"type": "ready", "position": n, "reset": false}`` when the stream is open (again;
with ``reset``, load everything again: the service did not know the position asked for),
``{"type": "event", "event": EventView}``, and ``{"type": "status", "state": …, "because": …}`` with
the states of ``vmshare/session``. A browser that comes back asks with the position it saw last. The
socket is closed with 1008 when trying again is of no use, with 1013 when it is.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web, websocket

from jupyter_vmshare.routes.base import authorise
from jupyter_vmshare.routes.gateway import (
    NO_HUB,
    NO_TOKEN,
    SETTING,
    Gateway,
    Visitor,
    is_under_a_hub,
)
from jupyter_vmshare.routes.streams import Tab


class Events(WebSocketMixin, websocket.WebSocketHandler, JupyterHandler):
    """One tab's WebSocket."""

    _visitor: Visitor | None = None
    _tab: Tab | None = None
    _sending: asyncio.Task[None] | None = None

    @property
    def gateway(self) -> Gateway:
        """The way to the service."""
        return cast(Gateway, self.settings[SETTING])

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Authorise, then upgrade."""
        await authorise(self, "read")
        self._after = _position(self.get_query_argument("after", None))
        await super().get(*args, **kwargs)

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Join the visitor's stream."""
        super().open(*args, **kwargs)
        because = self._hindrance()
        if because is not None:
            self._say_and_close(*because)
            return
        visitor = cast(Visitor, self._visitor)
        self._tab = self.gateway.streams.join(visitor.token, self._after)
        self._sending = asyncio.create_task(self._send(self._tab))

    def on_message(self, message: str | bytes) -> None:
        """Browsers have nothing to say here."""

    def on_close(self) -> None:
        """Leave the stream; the last tab takes it along."""
        super().on_close()
        if self._sending is not None:
            self._sending.cancel()
        if self._tab is not None and self._visitor is not None:
            self.gateway.streams.leave(self._visitor.token, self._tab)

    def _hindrance(self) -> tuple[str, str] | None:
        """Why there can be no stream: a state and a sentence."""
        if not is_under_a_hub(self):
            return "absent", NO_HUB
        if self.gateway.address is None:
            return "absent", self.gateway.because
        self._visitor = self.gateway.visitor(self)
        return None if self._visitor is not None else ("refused", NO_TOKEN)

    async def _send(self, tab: Tab) -> None:
        refused = False
        try:
            while (message := await tab.next()) is not None:
                refused = message.get("state") == "refused"
                await self.write_message(json.dumps(message))
            self.close(1008 if refused else 1013, "refused" if refused else "come back")
        except websocket.WebSocketClosedError:
            # on_close follows and leaves the stream.
            return

    def _say_and_close(self, state: str, because: str) -> None:
        self.write_message(json.dumps({"type": "status", "state": state, "because": because}))
        self.close(1008, state)


def _position(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if not text.isdecimal() or not text.isascii() or len(text) > 18:
        raise web.HTTPError(400, "`after` is no position.")
    return int(text)
