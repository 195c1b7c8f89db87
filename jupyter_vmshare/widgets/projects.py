"""Projects as a notebook shows them."""

from __future__ import annotations

from typing import Final

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import projects as calls
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.moments import shown
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.projects import (
    MembershipEnded,
    MemberView,
    ProjectMeter,
    ProjectView,
)


class Projects(Table[ProjectView]):
    """Projects that one is in, asked for, or asked to join."""

    heads = ("Project", "You", "Members", "Administrators")
    empty = "You are in no project. An administrator's link lets you ask to join one."

    def row(self, item: ProjectView) -> tuple[str, ...]:
        """Name, how one stands to it, how many are in it, whom to turn to."""
        return item.name, _standing(item), str(item.members), ", ".join(item.administrators)

    def named(self, wanted: str) -> ProjectView:
        """The one of this name or id. Raises ``LookupError``."""
        for project in self:
            if wanted in (project.name, project.id):
                return project
        raise LookupError(f"You have no project called {wanted}. “projects” lists yours.")


class Members(Table[MemberView]):
    """The people in a project."""

    heads = ("Person", "Role", "Since", "Until")

    def row(self, item: MemberView) -> tuple[str, ...]:
        """Name, role, and from when to when."""
        return item.person, item.role.value, shown(item.since), shown(item.ends_at)


class ProjectFolders(Table[FolderView]):
    """The folders of a project, as one has them."""

    heads = ("Folder", "Level", "Until", "In sessions")
    empty = "This project has no folder that you have."

    def row(self, item: FolderView) -> tuple[str, ...]:
        """Label, level, until when, and whether it waits for one's own yes."""
        waits = "mount_read_only" not in item.actions
        told = "after you accept" if waits else "yes, unless you chose otherwise"
        return item.label, cards.level(item.level), shown(item.ends_at), told


class Meters(Table[ProjectMeter]):
    """What a project holds, and how much of its quota is left."""

    heads = ("What", "Used", "Limit", "Left")

    def row(self, item: ProjectMeter) -> tuple[str, ...]:
        """Name, and the three numbers; no limit where there is none."""
        limit = "no limit" if item.limit is None else str(item.limit)
        left = "" if item.left is None else str(item.left)
        return _METERS.get(item.name, item.name), str(item.used), limit, left


_METERS: Final = {
    "machines": "Machines",
    "cores": "Processors",
    "ram_gib": "Memory (GiB)",
    "drives": "Drives",
    "drive_gib": "Drives (GiB)",
    "machine_snapshots": "Snapshots",
    "folder_gib": "Folders (GiB)",
}


def project_id(project: str | None) -> Steps[str | None]:
    """The id of one of your projects, by its name or id; None for None. Raises ``LookupError``."""
    if project is None:
        return None
    found = yield from calls.projects().steps()
    return Projects(found, "Your projects").named(project).id


def left_behind(told: MembershipEnded, project: str) -> str:
    """What leaving a project cut, and what of one's own stays in it."""
    stays = told.stays
    counts = (
        (stays.machines, "machine"),
        (stays.drives, "drive"),
        (stays.snapshots, "snapshot"),
    )
    said = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts if n]
    links = f" Cut: {len(told.links)} on machines." if told.links else ""
    mounts = f" {told.in_sessions}" if told.in_sessions else ""
    stay = f" In it stay {', '.join(said)} of yours." if said else ""
    return f"You are no longer in {project}.{links}{mounts}{stay}"


def _standing(project: ProjectView) -> str:
    if project.ask_id is not None:
        return "asked to join"
    if project.role is not None:
        until = f" until {shown(project.member_until)}" if project.member_until else ""
        return f"{project.role.value}{until}"
    return f"{project.state.value}: {project.because}" if project.because else project.state.value
