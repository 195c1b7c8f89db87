"""The nouns that routes call, as wiring puts them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyterhub_vmshare.db.database import Database


@dataclass
class Rooms:
    """One of each; handlers reach them through ``self.rooms``."""

    db: Database
    identity: Any
    hub: Any = None
    membership: Any = None
    search: Any = None
    sharing: Any = None
    folders: Any = None
    store: Any = None
    streams: Any = None
    settings: dict[str, Any] = field(default_factory=dict)
