"""Which certificates are trusted, and shown: the system's, and a hub's own (``internal_ssl``)."""

from __future__ import annotations

import functools
import os
import ssl


def trusted() -> ssl.SSLContext:
    """For connections to the service from here. Loading certificates takes 30 ms: done once."""
    names = ("CLIENT_CA", "CERTFILE", "KEYFILE")
    return _context(*(os.environ.get(f"JUPYTERHUB_SSL_{name}", "") for name in names))


@functools.cache
def _context(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority:
        # Beside the system's: the service may be reached through the hub's public address.
        context.load_verify_locations(cafile=authority)
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context
