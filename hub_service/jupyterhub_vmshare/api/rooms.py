"""The nouns that routes call, as wiring puts them together."""

from __future__ import annotations

from dataclasses import dataclass

from jupyterhub_vmshare.audit.streams import Streams
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.folders.room import Folders
from jupyterhub_vmshare.machines.room import Machines
from jupyterhub_vmshare.mounts.room import Mounts
from jupyterhub_vmshare.people.hook import HubHook
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.leavers import Leavers
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.search import PeopleSearch
from jupyterhub_vmshare.people.succession import Succession
from jupyterhub_vmshare.relay.cutting import Cutting
from jupyterhub_vmshare.relay.ways import Ways
from jupyterhub_vmshare.storage.port import FolderStore
from jupyterhub_vmshare.uploads.room import Uploads


@dataclass
class Rooms:
    """One of each; handlers reach them through ``self.rooms``."""

    db: Database
    identity: Identity
    hub: Hub
    membership: Membership
    search: PeopleSearch
    leavers: Leavers
    folders: Folders
    uploads: Uploads
    store: FolderStore
    streams: Streams
    mounts: Mounts
    machines: Machines
    ways: Ways
    cutting: Cutting
    hook: HubHook
    succession: Succession
