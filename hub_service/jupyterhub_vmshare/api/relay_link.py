"""Where relays ask, and a WebSocket over which they hear what has changed.

Neither is a part of the API: what goes over them are messages of ``api.contract.ways``.
"""

from __future__ import annotations

from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyterhub_vmshare.api.contract.ways import FROM_RELAY, NewRelayLink
from jupyterhub_vmshare.api.problems import plain_problem, problem
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.relay.relay_keys import RelayKeys
from jupyterhub_vmshare.relay.telling import Connected, Telling
from jupyterhub_vmshare.relay.ways import Ways

_log = structlog.get_logger("vmshare.relay")


class RelayLinks(RequestHandler):
    """Somebody with a certificate is at a relay: what they may, and what opens the machine."""

    def initialize(self, ways: Ways) -> None:
        self.ways = ways

    def check_xsrf_cookie(self) -> None:
        """Nothing here: no cookie is a credential."""

    async def post(self) -> None:
        try:
            self.ways.keys.who(self.request.headers)
            told: BaseModel = await self.ways.open(
                NewRelayLink.model_validate_json(self.request.body)
            )
        except VMShareError as error:
            told = problem(error, None)
            self.set_status(error.status)
        except ValidationError:
            told = plain_problem(400, "malformed", "This is not what relays ask.", None)
            self.set_status(400)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(told.model_dump_json())


class RelayLinkSocket(WebSocketHandler):
    """One relay's connection."""

    def initialize(self, telling: Telling, keys: RelayKeys) -> None:
        self.telling, self.keys = telling, keys
        self.relay: Connected | None = None

    def prepare(self) -> None:
        """Only a relay, and never a page in a browser."""
        try:
            name = self.keys.who(self.request.headers)
        except VMShareError:
            _log.warning("relay_refused")
            raise HTTPError(404) from None
        self.relay = Connected(name, self._send)

    def check_origin(self, origin: str) -> bool:
        """Relays send none."""
        return False

    async def open(self, *args: Any, **kwargs: Any) -> None:
        _log.info("relay_dialled", relay=self.relay.name if self.relay else None)

    async def on_message(self, message: str | bytes) -> None:
        if self.relay is None:
            return
        try:
            await self.telling.heard(self.relay, FROM_RELAY.validate_json(message))
        except ValidationError:
            _log.warning("relay_unreadable", relay=self.relay.name)
        except VMShareError as error:
            _log.error("relay_unanswered", relay=self.relay.name, because=error.message)
            self.close()

    async def _send(self, said: BaseModel) -> None:
        """Never waits for the network: one that swallows must not keep other relays waiting.

        A relay that does not answer pings is hung up on, with what was not sent yet.
        """
        try:
            written = self.write_message(said.model_dump_json())
        except WebSocketClosedError:
            self.on_close()
        else:
            written.add_done_callback(lambda done: done.cancelled() or done.exception())

    def on_close(self) -> None:
        if self.relay is not None:
            self.telling.gone(self.relay)
