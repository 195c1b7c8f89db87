"""``jupyterhub-vmshare node-key NAME``: what the agent of another node shows the service."""

from __future__ import annotations

from pathlib import Path

from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.mounts.node_keys import key_of, secret_in


class PrintNodeKey(DataCommand):
    """A node's credential, on stdout and nowhere else."""

    name = "jupyterhub-vmshare node-key"
    description = (
        "Print the key of another node, by its name. It goes into /etc/vmshare/node-key on that"
        " node, where the link alone can read it. The service lets the node in when c.Serve.nodes"
        " names it."
    )

    def start(self) -> None:
        """The same key for the same name, as long as the service's secret lives."""
        match self.extra_args:
            case [node]:
                print(key_of(secret_in(Path(self.data_dir).absolute()), node))
            case _:
                self.fail("Say: jupyterhub-vmshare node-key NAME", 2)
