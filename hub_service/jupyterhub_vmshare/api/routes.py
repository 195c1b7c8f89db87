"""Every route of the API: what the router, the OpenAPI file and the tests all go by."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.api.audit import ROUTES as AUDIT
from jupyterhub_vmshare.api.batches import ROUTES as BATCHES
from jupyterhub_vmshare.api.clones import ROUTES as CLONES
from jupyterhub_vmshare.api.drives import ROUTES as DRIVES
from jupyterhub_vmshare.api.events import Events, EventStream
from jupyterhub_vmshare.api.files import ROUTES as FILES
from jupyterhub_vmshare.api.folders import ROUTES as FOLDERS
from jupyterhub_vmshare.api.glance import ROUTES as GLANCE
from jupyterhub_vmshare.api.grants import ROUTES as GRANTS
from jupyterhub_vmshare.api.hand_overs import ROUTES as HAND_OVERS
from jupyterhub_vmshare.api.holders import ROUTES as HOLDERS
from jupyterhub_vmshare.api.holdings import ROUTES as HOLDINGS
from jupyterhub_vmshare.api.invitations import Accept, Decline, Invitations
from jupyterhub_vmshare.api.machine_grants import ROUTES as MACHINE_GRANTS
from jupyterhub_vmshare.api.machine_snapshots import ROUTES as MACHINE_SNAPSHOTS
from jupyterhub_vmshare.api.machines import ROUTES as MACHINES
from jupyterhub_vmshare.api.me import Myself
from jupyterhub_vmshare.api.mounts import ROUTES as MOUNTS
from jupyterhub_vmshare.api.openapi_route import OpenApi
from jupyterhub_vmshare.api.people import People, Teams, TeamsRefresh
from jupyterhub_vmshare.api.project_folders import ROUTES as PROJECT_FOLDERS
from jupyterhub_vmshare.api.project_machines import ROUTES as PROJECT_MACHINES
from jupyterhub_vmshare.api.project_members import ROUTES as PROJECT_MEMBERS
from jupyterhub_vmshare.api.projects import ROUTES as PROJECTS
from jupyterhub_vmshare.api.quota import ROUTES as QUOTA
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.showing import ROUTES as SHOWING
from jupyterhub_vmshare.api.snapshots import ROUTES as SNAPSHOTS
from jupyterhub_vmshare.api.tags import ROUTES as TAGS
from jupyterhub_vmshare.api.uploads import ROUTES as UPLOADS
from jupyterhub_vmshare.api.ways import ROUTES as WAYS
from jupyterhub_vmshare.api.why import WhyAnother, WhyMe

ROUTES: Final[tuple[type[Route], ...]] = (
    OpenApi,
    Myself,
    WhyMe,
    WhyAnother,
    People,
    Teams,
    TeamsRefresh,
    *HOLDINGS,
    *QUOTA,
    *FOLDERS,
    *CLONES,
    *SNAPSHOTS,
    *FILES,
    *BATCHES,
    *UPLOADS,
    *GRANTS,
    *GLANCE,
    Invitations,
    Accept,
    Decline,
    *HAND_OVERS,
    *MOUNTS,
    *HOLDERS,
    *SHOWING,
    *MACHINES,
    *MACHINE_GRANTS,
    *MACHINE_SNAPSHOTS,
    *DRIVES,
    *WAYS,
    *PROJECTS,
    *PROJECT_MEMBERS,
    *PROJECT_FOLDERS,
    *PROJECT_MACHINES,
    *TAGS,
    Events,
    EventStream,
    *AUDIT,
)
