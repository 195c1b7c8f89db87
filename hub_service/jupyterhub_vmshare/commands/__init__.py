"""``jupyterhub-vmshare <command>``. Each command says what it does in ``--help``."""

from __future__ import annotations

from traitlets.config import Application

from jupyterhub_vmshare import __version__


class VMShare(Application):
    """The door to all commands."""

    name = "jupyterhub-vmshare"
    description = "Sharing machines and folders on a JupyterHub."
    version = __version__
    subcommands = {
        "serve": ("jupyterhub_vmshare.commands.serve.Serve", "Run the service."),
        "configure": (
            "jupyterhub_vmshare.commands.configure.CheckConfiguration",
            "With --check: say what a jupyterhub_config.py sets, and what it leaves open.",
        ),
        "audit": (
            "jupyterhub_vmshare.commands.audit.VerifyAudit",
            "With 'verify': check that the audit trail is whole.",
        ),
        "db": (
            "jupyterhub_vmshare.commands.database.UpgradeDatabase",
            "With 'upgrade': bring the database to this version.",
        ),
        "quota": (
            "jupyterhub_vmshare.commands.quota.SetQuota",
            "Say what one person's folders may hold together.",
        ),
        "agent": (
            "jupyterhub_vmshare.commands.agent.ShareAgent",
            "Mount shared folders into this node's sessions (root; one a node).",
        ),
        "link": (
            "jupyterhub_vmshare.commands.link.LinkNode",
            "Dial the service from another node, and let its orders into the agent there.",
        ),
        "node-key": (
            "jupyterhub_vmshare.commands.node_key.PrintNodeKey",
            "Print what the agent of another node shows the service.",
        ),
        "ca": (
            "jupyterhub_vmshare.commands.authorities.KeepAuthorities",
            "List, rotate and forget the authorities that sign certificates for machines.",
        ),
        "sandboxes": (
            "jupyterhub_vmshare.commands.sandboxes.Sandboxes",
            "Keep this host's sandboxes, and build images for them (root; one a host).",
        ),
        "qemu": (
            "jupyterhub_vmshare.commands.qemu.Qemu",
            "Keep this host's virtual machines, and build images for them (root; one a host).",
        ),
        "image": (
            "jupyterhub_vmshare.commands.qemu.Image",
            "Make an image that virtual machines start from ('build'), or take one ('add').",
        ),
        "relay": (
            "jupyterhub_vmshare.commands.relay.RunRelay",
            "Run the relay: the one way into machines.",
        ),
        "relay-key": (
            "jupyterhub_vmshare.commands.relay_key.PrintRelayKey",
            "Print what a relay shows the service.",
        ),
        "openapi": ("jupyterhub_vmshare.commands.openapi.PrintOpenApi", "Print the HTTP contract."),
    }

    def start(self) -> None:
        if self.subapp is None:
            self.print_help()
            self.exit(2)
        super().start()


def main(argv: list[str] | None = None) -> None:
    """Run the command that the arguments name."""
    VMShare.launch_instance(argv=argv)
