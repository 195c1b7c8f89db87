"""From a node on which no service runs: dial the service, and let its orders in.

It connects outwards, and what comes over that connection goes to the agent's own socket, where the
service's orders would come in on its own node. So there is one place that obeys, no port is open,
and the agent, which is root, has no network. This runs beside it, under the service's account.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyterhub_vmshare.mounts.fields import LINE_LIMIT

_log = logging.getLogger("vmshare.link")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_TO_CONNECT: Final = 10.0
# A network that swallows everything is noticed by the silence after a ping.
_PING_EVERY, _PING_WITHIN = 5.0, 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """Where to dial, as which node, with what; ``ca``: a file with whom to trust, or the system's.

    ``url`` is the service's own, such as ``https://hub.example.org/services/vmshare/``.
    """

    url: str
    node: str
    key: str
    ca: str | None = None

    @property
    def request(self) -> HTTPRequest:
        """The WebSocket's beginning."""
        scheme, _, rest = self.url.rstrip("/").partition(":")
        address = f"{'wss' if scheme == 'https' else 'ws'}:{rest}/nodes/link"
        headers = {"Authorization": f"Bearer {self.key}", "X-VMShare-Node": self.node}
        return HTTPRequest(address, headers=headers, connect_timeout=_TO_CONNECT, ca_certs=self.ca)


async def keep_dialled(service: Service, agent: Path) -> NoReturn:
    """Have a connection, for ever.

    Args:
        service: Where.
        agent: The socket of the agent.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            link = await websocket_connect(
                service.request,
                max_message_size=LINE_LIMIT,
                ping_interval=_PING_EVERY,
                ping_timeout=_PING_WITHIN,
            )
        except (OSError, HTTPClientError) as error:
            # Where and why, and never the key.
            _log.warning("The service at %s can't be dialled: %s", service.url, _why(error))
        else:
            _log.info("dialled %s as node %s", service.url, service.node)
            pause = _FIRST_PAUSE
            await _carry(link, agent)
            _log.warning("The connection to %s is gone", service.url)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _carry(link: WebSocketClientConnection, agent: Path) -> None:
    """Lines both ways, until either end is gone."""
    try:
        reader, writer = await asyncio.open_unix_connection(agent, limit=LINE_LIMIT)
    except OSError as error:
        _log.warning("The agent at %s can't be reached: %s", agent, error.strerror)
        link.close()
        return
    ways = [asyncio.create_task(_in(link, writer)), asyncio.create_task(_out(reader, link))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        link.close()


async def _in(link: WebSocketClientConnection, writer: asyncio.StreamWriter) -> None:
    while (message := await link.read_message()) is not None:
        line = message.encode() if isinstance(message, str) else message
        writer.write(line.rstrip(b"\n") + b"\n")
        await writer.drain()


async def _out(reader: asyncio.StreamReader, link: WebSocketClientConnection) -> None:
    with suppress(ValueError):
        while (line := await reader.readline()).endswith(b"\n"):
            await link.write_message(line.decode())


def _why(error: OSError | HTTPClientError) -> str:
    if isinstance(error, HTTPClientError) and error.code in (403, 404):
        return "it does not know this node by this key (c.Serve.nodes, jupyterhub-vmshare node-key)"
    return str(error) or type(error).__name__
