"""The contract itself, for clients and curious people."""

from __future__ import annotations

from jupyterhub_vmshare.api.openapi import stored, text_of
from jupyterhub_vmshare.api.operation import PUBLIC, operation
from jupyterhub_vmshare.api.route import Route


class OpenApi(Route):
    """``openapi.json``."""

    path = "/openapi.json"

    @operation(PUBLIC, raw_out="application/json")
    async def get(self) -> None:
        """The OpenAPI description of this API."""
        self.set_header("Content-Type", "application/json")
        self.write(text_of(stored()))
