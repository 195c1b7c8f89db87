"""The service's front page: who you are here, and the ways on."""

from __future__ import annotations

from jupyterhub_vmshare.pages.page import Page


class Landing(Page):
    """``GET /``."""

    async def get(self) -> None:
        """Show it; and set the XSRF cookie that this browser's API requests will need."""
        _ = self.xsrf_token
        self.show("landing.html", teams=sorted(self.caller.teams), hub_admin=self.caller.hub_admin)
