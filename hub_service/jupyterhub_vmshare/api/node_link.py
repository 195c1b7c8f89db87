"""Where the agents of other nodes dial in: a WebSocket that carries orders to them.

It is no part of the API: what goes over it is the agents' own protocol, a line a message.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any, Final

import structlog
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyterhub_vmshare.mounts.room import Mounts

_log = structlog.get_logger("vmshare.mounts")
_BEARER: Final = re.compile(r"bearer +([0-9a-f]{64})", re.IGNORECASE)
NODE: Final = "X-VMShare-Node"


class NodeLink(WebSocketHandler):
    """One agent's connection."""

    def initialize(self, mounts: Mounts) -> None:
        self.mounts = mounts
        self.node = ""
        self._writer: asyncio.StreamWriter | None = None
        self._carrying: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Only a node's own agent, and never a page in a browser."""
        node = self.request.headers.get(NODE, "")
        match = _BEARER.fullmatch(self.request.headers.get("Authorization", "").strip())
        if match is None or not self.mounts.keys.lets_in(node, match[1]):
            _log.warning("node_refused")
            raise HTTPError(404)
        self.node = node

    def check_origin(self, origin: str) -> bool:
        """Agents send none."""
        return False

    async def open(self, *args: Any, **kwargs: Any) -> None:
        reader, self._writer = await self.mounts.arrive(self.node)
        self._carrying = asyncio.create_task(self._carry(reader), name=f"orders to {self.node}")
        _log.info("node_dialled", node=self.node)

    async def on_message(self, message: str | bytes) -> None:
        if self._writer is not None:
            line = message.encode() if isinstance(message, str) else message
            self._writer.write(line.rstrip(b"\n") + b"\n")
            with suppress(OSError):
                await self._writer.drain()

    async def _carry(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError, ValueError, WebSocketClosedError):
            while (line := await reader.readline()).endswith(b"\n"):
                await self.write_message(line.decode())
        self.close()

    def on_close(self) -> None:
        _log.info("node_gone", node=self.node)
        if self._carrying is not None:
            self._carrying.cancel()
        if self._writer is not None:
            self._writer.close()
