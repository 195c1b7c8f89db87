"""``jupyterhub-vmshare relay``: the one way into machines, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import stat
from contextlib import suppress
from pathlib import Path

from traitlets import Bool, Float, Int, Unicode
from traitlets.config import Application

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.observe.logs import configure_logs
from jupyterhub_vmshare.relay.door.limits import Limits
from jupyterhub_vmshare.relay.door.main import Relay, Settings
from jupyterhub_vmshare.relay.door.service import ServiceAddress

KEY_VARIABLE = "VMSHARE_RELAY_KEY"


class RunRelay(Application):
    """Restarting the service cuts nothing of what goes through it."""

    name = "jupyterhub-vmshare relay"
    description = (
        "Run the relay, which people's SSH connections to machines go through. It needs no root"
        " and keeps nothing; the service tells it who may what."
    )
    version = __version__
    aliases = {
        "service": "RunRelay.service",
        "relay-name": "RunRelay.relay_name",
        "relay-key-file": "RunRelay.relay_key_file",
        "ca-file": "RunRelay.ca_file",
        "host": "RunRelay.host",
        "port": "RunRelay.port",
        "health": "RunRelay.health",
        "log-level": "Application.log_level",
    }
    flags = {
        "allow-http": (
            {"RunRelay": {"allow_http": True}},
            "Ask the service without TLS: only where nobody else can listen or answer.",
        ),
    }

    service = Unicode(
        help="""The hub service's address, such as https://hub.example.org/services/vmshare/.
        Since 0.3."""
    ).tag(config=True)
    relay_name = Unicode("relay", help="Its name for the service (c.Serve.relays). Since 0.3.").tag(
        config=True
    )
    relay_key_file = Unicode(
        "/etc/vmshare/relay-key",
        help="""Where its key is, as `jupyterhub-vmshare relay-key` prints it; nobody else may
        read it. VMSHARE_RELAY_KEY is stronger. Since 0.3.""",
    ).tag(config=True)
    ca_file = Unicode(
        help="""Whose certificates the service may show (PEM). Default: the system's. Since 0.3."""
    ).tag(config=True)
    allow_http = Bool(False, help="Ask the service without TLS. Since 0.3.").tag(config=True)
    host = Unicode("", help="Where to listen; empty: everywhere. Since 0.3.").tag(config=True)
    port = Int(2222, help="Where to listen; 0: any. Since 0.3.").tag(config=True)
    health = Unicode(
        help="""A host:port that answers HTTP with how it is, as JSON, to whoever watches over it;
        503 while the service does not answer. Empty: none. Since 0.3."""
    ).tag(config=True)
    at_the_door = Int(
        100,
        min=2,
        help="""Connections that have not shown a certificate yet, of everybody together; one
        address may have half of them. Since 0.3.""",
    ).tag(config=True)
    login = Float(15.0, min=1, help="Seconds that one of these may take. Since 0.3.").tag(
        config=True
    )
    links = Int(1000, min=1, help="Connections to machines at once. Since 0.3.").tag(config=True)
    links_of_one = Int(20, min=1, help="Of one person. Since 0.3.").tag(config=True)
    keepalive = Float(
        15.0,
        min=0.1,
        help="""Seconds after which a quiet end of a connection, a person's or a machine's, is
        asked whether it is there; one that answers three of these not is gone. Since 0.3.""",
    ).tag(config=True)
    idle_minutes = Float(
        None,
        allow_none=True,
        min=1,
        help="""After how many minutes a connection on which nothing is open is closed. None:
        never. Since 0.3.""",
    ).tag(config=True)

    def settings(self) -> Settings:
        """What the traits say."""
        if not self.service:
            self._fail("Say where the service is: --service=https://…/services/vmshare/", 2)
        if not self.service.startswith("https://") and not self.allow_http:
            self._fail("The service's address has to begin with https:// (or say --allow-http).", 2)
        return Settings(
            service=ServiceAddress(
                self.service, self.relay_name, self._key(), self.ca_file or None
            ),
            host=self.host,
            port=self.port,
            limits=Limits(
                at_the_door=self.at_the_door,
                login=self.login,
                links=self.links,
                links_of_one=self.links_of_one,
                keepalive=self.keepalive,
                idle=None if self.idle_minutes is None else self.idle_minutes * 60,
            ),
        )

    def _key(self) -> str:
        if key := os.environ.get(KEY_VARIABLE, "").strip():
            return key
        file = Path(self.relay_key_file)
        try:
            with file.open() as opened:
                if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                    self._fail(f"Others may read {file}, so it is no secret: chmod 600 it.")
                return opened.read().strip()
        except OSError as error:
            self._fail(f"The relay's key can't be read from {file}: {error.strerror}.")
            return ""

    def start(self) -> None:
        settings = self.settings()
        configure_logs()
        logging.getLogger().setLevel(logging.INFO)
        asyncio.run(_run(settings, self.health))

    def _fail(self, sentence: str, code: int = 1) -> None:
        self.log.error("%s", sentence)
        self.exit(code)


async def _run(settings: Settings, health: str) -> None:
    """Until SIGTERM or SIGINT."""
    relay = Relay(settings)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if health:
        host, _, port = health.rpartition(":")
        await asyncio.start_server(lambda r, w: _answer(relay, r, w), host or None, int(port))
    await relay.start()
    await ended.wait()
    await relay.stop()


async def _answer(relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """How it is, to anybody who asks: numbers alone."""
    with suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(5):
            await reader.readline()
            state = relay.state()
            body = json.dumps(state).encode()
            status = b"200 OK" if state["service"] else b"503 Service Unavailable"
            head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            writer.write(head % (status, len(body)) + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
    writer.close()
