"""The audit trail, for hub admins: to look into, to verify and to take away."""

from __future__ import annotations

from jupyterhub_vmshare.pages.shell import ShellPage
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.sharing.facts import demand


class AuditPage(ShellPage):
    """``GET /audit``. Others read their part of it there, too."""

    view = "audit"
    fresh = True

    async def get(self) -> None:
        """What the caller may read of it."""
        demand(decide(self.caller.person(), "read_audit", None, self.db.clock()))
        self.open_view("Audit")
