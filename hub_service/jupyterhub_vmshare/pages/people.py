"""What somebody holds, and why: for hub admins; of projects, for who administers them."""

from __future__ import annotations

from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.pages.shell import ShellPage
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.sharing.facts import demand


class PeoplePage(ShellPage):
    """``GET /people``; ``?person=`` says about whom, ``?project=`` within which project."""

    view = "people"
    fresh = True

    async def get(self) -> None:
        """Everybody, for hub admins; or one person."""
        caller = self.caller
        demand(decide(caller.person(), "ask_why_about_another", None, self.db.clock()))
        about = self.get_query_argument("person", "")[:255]
        project = self.get_query_argument("project", "")[:64]
        if not caller.hub_admin and (not about or project not in caller.administers):
            raise NotFound
        told = {"about": about, "project": project}
        self.open_view(about or "People", **{name: said for name, said in told.items() if said})
