"""``jupyterhub-vmshare link``: let the service's orders into the agent of another node."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from traitlets import Bool, Unicode, default
from traitlets.config import Application

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.mounts.linking import Service, keep_dialled


class LinkNode(Application):
    """One a node on which the service does not run, under the service's account, never as root.

    The agent, which is root, has no network: this process has it, and can do nothing else.
    """

    name = "jupyterhub-vmshare link"
    description = (
        "Dial the service from another node, and let its orders into the agent there. Run it"
        " under the account that the store belongs to."
    )
    version = __version__
    aliases = {
        "service": "LinkNode.service",
        "node": "LinkNode.node",
        "node-key-file": "LinkNode.node_key_file",
        "ca-file": "LinkNode.ca_file",
        "agent-socket": "LinkNode.agent_socket",
        "log-level": "Application.log_level",
    }
    flags = {
        "allow-http": (
            {"LinkNode": {"allow_http": True}},
            "Dial the service without TLS: only where nobody else can listen or answer.",
        ),
    }

    service = Unicode(
        help="""The hub service's address, such as https://hub.example.org/services/vmshare/.
        Since 0.2."""
    ).tag(config=True)
    node = Unicode(
        help="""What the hub calls this node, when it says where a session starts. Default: its
        host name. Since 0.2."""
    ).tag(config=True)
    node_key_file = Unicode(
        "/etc/vmshare/node-key",
        help="""Where this node's key is, as `jupyterhub-vmshare node-key NAME` prints it on the
        service's side; nobody else may read it. Since 0.2.""",
    ).tag(config=True)
    ca_file = Unicode(
        help="""Whose certificates the service may show (PEM). Default: the system's. Since 0.2."""
    ).tag(config=True)
    agent_socket = Unicode(
        "/run/vmshare/agent.sock", help="Where this node's agent listens. Since 0.2."
    ).tag(config=True)
    allow_http = Bool(
        False, help="Dial without TLS. Whoever can answer gives orders to root. Since 0.2."
    ).tag(config=True)

    @default("node")
    def _default_node(self) -> str:
        return os.uname().nodename

    @default("log_level")
    def _default_log_level(self) -> int:
        return logging.INFO

    def start(self) -> None:
        """Dial, for ever."""
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
        asyncio.run(keep_dialled(self.dialled(), Path(self.agent_socket)))

    def dialled(self) -> Service:
        """What is dialled, with what; ends with a sentence where that can't be."""
        if not self.service.startswith("https://") and not self.allow_http:
            self._fail("--service must be https://…: whoever can answer gives orders to root.")
        path = Path(self.node_key_file)
        try:
            if path.stat().st_mode & 0o007:
                self._fail(f"{path} can be read by others: chmod 600 {path}")
            key = path.read_text().strip()
        except OSError as error:
            self._fail(f"{path} can't be read ({error.strerror}): see jupyterhub-vmshare node-key.")
        return Service(self.service, self.node, key, self.ca_file or None)

    def _fail(self, sentence: str) -> None:
        self.log.error("%s", sentence)
        self.exit(1)
