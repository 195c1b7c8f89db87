"""The way from this notebook server to the hub service, as one visitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_vmshare.client import AsyncClient, NotConfigured, Retries, service_address
from jupyter_vmshare.routes.contract import Contract
from jupyter_vmshare.routes.machine_links import KeptLinks
from jupyter_vmshare.routes.streams import VisitorStreams

SETTING = "vmshare_gateway"
NO_HUB = "This notebook server does not run under a JupyterHub, so nothing can be shared here."
NO_TOKEN = "This visit carries no token of yours that could act for you: sign in again."  # noqa: S105 (a sentence)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who visits, with their own token: never this server's, unless that is what they sent."""

    name: str
    token: str


class Gateway:
    """Where the service is, and what of it may be asked from here.

    Args:
        service_url: Said by configuration; empty to find out.
        patience: Seconds that the service may stay silent before it counts as unreachable.
        contract: What is forwarded.
    """

    def __init__(self, service_url: str, patience: float, contract: Contract) -> None:
        self.patience = patience
        self.contract = contract
        self.address, self.because = None, ""
        try:
            self.address = service_address(service_url)
        except NotConfigured as error:
            self.because = str(error)
        self.streams = VisitorStreams(self.client)
        self.links = KeptLinks(self.client)

    def client(self, token: str) -> AsyncClient:
        """A client that acts with ``token`` and does not try again by itself."""
        if self.address is None:
            raise NotConfigured(self.because)
        return AsyncClient(self.address.url, token, retries=Retries(attempts=1))

    def visitor(self, handler: Any) -> Visitor | None:
        """Who makes this request; None outside a hub, or when they carry no token of their own."""
        hub_auth = getattr(handler.identity_provider, "hub_auth", None)
        if hub_auth is None or handler.current_user is None:
            return None
        token = hub_auth.get_token(handler) or ""
        # A cookie or a link with this server's own token would make any visitor its owner.
        # Whoever sends it in a header has it anyway: the service judges it as a kernel's.
        sent = handler.request.headers.get("Authorization", "").split(" ")[-1]
        if not token or (token == hub_auth.api_token and token != sent):
            return None
        return Visitor(handler.current_user.username, token)


def is_under_a_hub(handler: Any) -> bool:
    """Whether visitors sign in through a JupyterHub."""
    return getattr(handler.identity_provider, "hub_auth", None) is not None
