"""The way into machines from Python: one SSH connection through the relay, and what runs on it.

``connected`` opens it and closes it again; ``open_link`` is for whoever keeps it. Both take either
client. A notebook, which does not await, does it through `threads.at_once`.
"""

from jupyter_vmshare.reach.copying import Copied, get, put
from jupyter_vmshare.reach.failures import (
    CommandFailed,
    LinkCut,
    NotEmpty,
    NotLetIn,
    RelayUnreachable,
    WayFailed,
)
from jupyter_vmshare.reach.files import Entry, Files
from jupyter_vmshare.reach.link import Link, connected, open_link
from jupyter_vmshare.reach.running import Done, run
from jupyter_vmshare.reach.threads import at_once

__all__ = [
    "CommandFailed",
    "Copied",
    "Done",
    "Entry",
    "Files",
    "Link",
    "LinkCut",
    "NotEmpty",
    "NotLetIn",
    "RelayUnreachable",
    "WayFailed",
    "at_once",
    "connected",
    "get",
    "open_link",
    "put",
    "run",
]
