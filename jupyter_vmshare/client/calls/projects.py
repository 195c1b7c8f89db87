"""Projects, their people, and how one comes into them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from jupyter_vmshare.client.call import Call, Paged, get, nothing, reads, segment, send
from jupyterhub_vmshare.api.contract.drives import DrivesPage, DriveView
from jupyterhub_vmshare.api.contract.folders import (
    FolderLevel,
    FoldersPage,
    FolderView,
    MemberLevel,
    NewProjectFolder,
    OverrideView,
)
from jupyterhub_vmshare.api.contract.grants import Tagged
from jupyterhub_vmshare.api.contract.machines import (
    MachineSnapshotsPage,
    MachineSnapshotView,
    MachinesPage,
    MachineView,
)
from jupyterhub_vmshare.api.contract.projects import (
    AsksPage,
    AskView,
    LetIn,
    LinkCode,
    LinkLeadsTo,
    LinkMade,
    LinksPage,
    LinkView,
    MemberChange,
    MembershipEnded,
    MembersPage,
    MemberView,
    NewLink,
    NewProject,
    ProjectApproval,
    ProjectChange,
    ProjectMeters,
    ProjectQuota,
    ProjectRefusal,
    ProjectRequest,
    ProjectsPage,
    ProjectView,
)


def projects() -> Paged[ProjectView]:
    """Projects that the caller is in, asked for, or asked to join; newest first."""
    return Paged(
        lambda after: get("projects", ProjectsPage, after=after), lambda page: list(page.items)
    )


def project(project_id: str) -> Call[ProjectView]:
    """One project."""
    return get(_path(project_id), ProjectView)


def request_project(
    name: str, description: str = "", quota: ProjectQuota | None = None
) -> Call[ProjectView]:
    """Ask for a project: it is there once a hub admin has said yes."""
    asked = ProjectRequest(name=name, description=description, quota=quota or ProjectQuota())
    return send("POST", "project-requests", reads(ProjectView), asked, key=True)


def cancel_project_request(project_id: str) -> Call[None]:
    """Take one's own request back."""
    return send("POST", _path(project_id, "cancel"), nothing)


def create_project(
    name: str,
    description: str = "",
    quota: ProjectQuota | None = None,
    administrators: Sequence[str] = (),
) -> Call[ProjectView]:
    """Make a project at once; on the service's own pages, for those whom the site lets."""
    asked = NewProject(
        name=name,
        description=description,
        quota=quota or ProjectQuota(),
        administrators=list(administrators),
    )
    return send("POST", "projects", reads(ProjectView), asked, key=True)


def project_requests() -> Paged[ProjectView]:
    """Requests that wait for an answer; on the service's own pages, for hub admins."""
    return Paged(
        lambda after: get("project-requests", ProjectsPage, after=after),
        lambda page: list(page.items),
    )


def approve_project(project_id: str, quota: ProjectQuota | None = None) -> Call[ProjectView]:
    """Say yes to a request; ``quota`` None: as it was asked for. For hub admins."""
    asked = ProjectApproval(quota=quota)
    return send("POST", _path(project_id, "approve"), reads(ProjectView), asked)


def decline_project(project_id: str, because: str) -> Call[ProjectView]:
    """Say no to a request, and why. For hub admins."""
    asked = ProjectRefusal(because=because)
    return send("POST", _path(project_id, "decline"), reads(ProjectView), asked)


def set_project_quota(project_id: str, quota: ProjectQuota) -> Call[ProjectView]:
    """Say what a project may hold. For hub admins."""
    path = _path(project_id, "quota")
    return send("PUT", path, reads(ProjectView), quota, repeatable=True)


def change_project(project_id: str, version: int, **changes: Any) -> Call[ProjectView]:
    """Change name, description or settings; what is left out stays. For administrators."""
    asked = ProjectChange(**changes)
    return send("PATCH", _path(project_id), reads(ProjectView), asked, version=version)


def members(project_id: str) -> Paged[MemberView]:
    """The people in a project, by name; oneself, where members don't see each other."""
    path = _path(project_id, "members")
    return Paged(lambda after: get(path, MembersPage, after=after), lambda page: list(page.items))


def member(project_id: str, person: str) -> Call[MemberView]:
    """One member."""
    return get(_path(project_id, "members", person), MemberView)


def change_member(
    project_id: str,
    person: str,
    version: int,
    *,
    role: Literal["administrator", "member"] | None = None,
    ends_at: datetime | Any | None = ...,
) -> Call[MemberView]:
    """Promote, demote, or say when a membership ends (None: never). For administrators."""
    told: dict[str, Any] = {} if ends_at is ... else {"ends_at": ends_at}
    asked = MemberChange.model_validate({"role": role, **told})
    path = _path(project_id, "members", person)
    return send("PATCH", path, reads(MemberView), asked, version=version)


def remove_member(project_id: str, person: str) -> Call[MembershipEnded]:
    """Take somebody out of a project; what that cut, and what stays. For administrators."""
    return send("DELETE", _path(project_id, "members", person), reads(MembershipEnded))


def leave_project(project_id: str) -> Call[MembershipEnded]:
    """Go out of a project; what that cut, and what of one's own stays in it."""
    return send("POST", _path(project_id, "leave"), reads(MembershipEnded))


def tag(thing_id: str) -> Call[Tagged]:
    """Let only active members of its project into a machine, drive or folder; what that cut."""
    kinds = {"mch": "machines", "drv": "drives"}
    path = f"{kinds.get(thing_id[:3], 'folders')}/{segment(thing_id)}/tag"
    return send("PUT", path, reads(Tagged), repeatable=True)


def project_meters(project_id: str) -> Call[ProjectMeters]:
    """How much a project holds, and how much of its quota is left."""
    return get(_path(project_id, "meters"), ProjectMeters)


def project_machines(project_id: str) -> Paged[MachineView]:
    """The machines in a project that the caller may see, the newest first."""
    path = _path(project_id, "machines")
    return Paged(lambda after: get(path, MachinesPage, after=after), lambda page: list(page.items))


def project_drives(project_id: str) -> Paged[DriveView]:
    """The drives in a project, the newest first."""
    path = _path(project_id, "drives")
    return Paged(lambda after: get(path, DrivesPage, after=after), lambda page: list(page.items))


def project_machine_snapshots(project_id: str) -> Paged[MachineSnapshotView]:
    """The snapshots of machines in a project, the newest first."""
    path = _path(project_id, "machine-snapshots")
    return Paged(
        lambda after: get(path, MachineSnapshotsPage, after=after), lambda page: list(page.items)
    )


def project_folders(project_id: str) -> Paged[FolderView]:
    """The folders of a project that the caller has, by label."""
    return Paged(
        lambda after: get("folders", FoldersPage, project=project_id, after=after),
        lambda page: list(page.items),
    )


def create_project_folder(project_id: str, name: str, level: FolderLevel) -> Call[FolderView]:
    """Make a folder for all members; on the service's own pages, for administrators."""
    asked = NewProjectFolder(name=name, level=level)
    return send("POST", _path(project_id, "folders"), reads(FolderView), asked, key=True)


def override_level(folder_id: str, person: str, level: FolderLevel) -> Call[OverrideView]:
    """Give one member a level of their own on a project's folder, in the place of the project's;
    on the service's own pages, for administrators."""
    asked, path = MemberLevel(level=level), _override(folder_id, person)
    return send("PUT", path, reads(OverrideView), asked, repeatable=True)


def remove_override(folder_id: str, person: str) -> Call[OverrideView]:
    """Let the project's level hold again for that member; for administrators, as above."""
    return send("DELETE", _override(folder_id, person), reads(OverrideView))


def _override(folder_id: str, person: str) -> str:
    return f"folders/{segment(folder_id)}/overrides/{segment(person)}"


def project_links(project_id: str) -> Paged[LinkView]:
    """A project's invitation links, without their codes. For administrators."""
    path = _path(project_id, "links")
    return Paged(lambda after: get(path, LinksPage, after=after), lambda page: list(page.items))


def make_project_link(
    project_id: str, note: str = "", *, uses: int = 1, ends_at: datetime | None = None
) -> Call[LinkMade]:
    """A new invitation link; its code is told this once. For administrators."""
    asked = NewLink(note=note, uses=uses, ends_at=ends_at)
    return send("POST", _path(project_id, "links"), reads(LinkMade), asked)


def revoke_project_link(project_id: str, link_id: str) -> Call[None]:
    """End a link. For administrators."""
    return send("DELETE", _path(project_id, "links", link_id), nothing, repeatable=True)


def project_of_link(code: str) -> Call[LinkLeadsTo]:
    """What project a link leads to."""
    asked = LinkCode(code=code)
    return send("POST", "project-links/look", reads(LinkLeadsTo), asked, repeatable=True)


def ask_to_join(code: str) -> Call[AskView]:
    """Ask to become a member; who asks again is told what waits already."""
    asked = LinkCode(code=code)
    return send("POST", "project-links/ask", reads(AskView), asked, repeatable=True)


def asks(project_id: str) -> Paged[AskView]:
    """Who waits to be let in. For administrators."""
    path = _path(project_id, "asks")
    return Paged(lambda after: get(path, AsksPage, after=after), lambda page: list(page.items))


def let_in(project_id: str, ask_id: str, ends_at: datetime | None = None) -> Call[AskView]:
    """Let somebody in, until a date or for good. For administrators."""
    asked = LetIn(ends_at=ends_at)
    return send("POST", _path(project_id, "asks", ask_id, "accept"), reads(AskView), asked)


def turn_away(project_id: str, ask_id: str) -> Call[AskView]:
    """Don't let somebody in. For administrators."""
    return send("POST", _path(project_id, "asks", ask_id, "decline"), reads(AskView))


def cancel_ask(project_id: str, ask_id: str) -> Call[None]:
    """Take one's own wish to join back."""
    return send("DELETE", _path(project_id, "asks", ask_id), nothing)


def _path(project_id: str, *more: str) -> str:
    return "/".join(["projects", segment(project_id), *map(segment, more)])
