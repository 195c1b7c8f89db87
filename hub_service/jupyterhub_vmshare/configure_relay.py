"""The relay as a service of the hub's: it starts and ends with it."""

from __future__ import annotations

import sys
from typing import Any, Final
from urllib.parse import urlsplit

from jupyterhub_vmshare.relay.relay_keys import relay_key_of, relays_secret

RELAY: Final = "relay"
"""The name by which it asks the service."""
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def relay_service(name: str, service_url: str, listens: str, service_token: str) -> dict[str, Any]:
    """As ``c.JupyterHub.services`` takes it. It may ask the hub nothing.

    Args:
        name: The service's name; the relay's is made from it.
        service_url: Where the service listens.
        listens: ``host:port``; no host: everywhere.
        service_token: What the relay's key is made from.
    """
    host, _, port = listens.rpartition(":")
    if not port.isdecimal():
        raise ValueError("relay and relay_listens are host:port, such as hub.example.org:2222.")
    where = urlsplit(service_url)
    plain = ["--allow-http"] if where.scheme == "http" else []
    if plain and where.hostname not in _HERE:
        raise ValueError(
            "The relay would ask the service without TLS over a network. Start it yourself"
            " (jupyterhub-vmshare relay), and name it in c.Serve.relay_address alone."
        )
    words = [
        *(sys.executable, "-m", "jupyterhub_vmshare", "relay", *plain),
        f"--service={service_url.rstrip('/')}/services/{name}/",
        f"--relay-name={RELAY}",
        f"--host={host.strip('[]')}",
        f"--port={port}",
    ]
    key = relay_key_of(relays_secret(service_token), RELAY)
    return {"name": f"{name}-relay", "command": words, "environment": {"VMSHARE_RELAY_KEY": key}}
