"""The pages of projects: the caller's projects, one of them, and asking to join by a link."""

from __future__ import annotations

from jupyterhub_vmshare.pages.shell import ShellPage
from jupyterhub_vmshare.projects import listing
from jupyterhub_vmshare.projects.standing import Asker, project_of


class ProjectsPage(ShellPage):
    """``GET /projects``."""

    view = "projects"

    async def get(self) -> None:
        """The caller's projects; for hub admins, what is asked for."""
        self.open_view("Projects")


class ProjectPage(ShellPage):
    """``GET /projects/{id}``."""

    view = "project"

    async def get(self, project_id: str) -> None:
        """One project; 404 to whom it is not there."""
        asker = Asker(self.caller.name, on_pages=True)
        async with self.db.read() as conn:
            project = await project_of(conn, project_id)
            await listing.one(conn, asker, project, self.db.clock())
        self.open_view(project.name, project=project.id)


class JoinPage(ShellPage):
    """``GET /projects/join``; the link's code is behind the ``#``, which stays in the browser."""

    view = "join"

    async def get(self) -> None:
        """Where a link leads, and asking to join."""
        self.open_view("Join a project")
