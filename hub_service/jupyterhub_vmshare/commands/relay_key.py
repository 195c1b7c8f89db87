"""``jupyterhub-vmshare relay-key NAME``: what a relay shows the service."""

from __future__ import annotations

from pathlib import Path

from jupyterhub_vmshare.commands.base import DataCommand
from jupyterhub_vmshare.mounts.node_keys import secret_in
from jupyterhub_vmshare.relay.relay_keys import relay_key_of


class PrintRelayKey(DataCommand):
    """A relay's credential, on stdout and nowhere else."""

    name = "jupyterhub-vmshare relay-key"
    description = (
        "Print the key of a relay, by its name ('relay' by default). It goes"
        " into /etc/vmshare/relay-key, where the relay alone can read it."
    )

    def start(self) -> None:
        """The same key for the same name, as long as the service's secret lives."""
        match self.extra_args or ["relay"]:
            case [relay]:
                print(relay_key_of(secret_in(Path(self.data_dir).absolute()), relay))
            case _:
                self.fail("Say: jupyterhub-vmshare relay-key NAME", 2)
