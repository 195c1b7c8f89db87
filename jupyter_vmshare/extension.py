"""The Jupyter Server extension."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp


class VMShareExtension(ExtensionApp):
    """Forwards what the panel asks to the hub service, as the person who asks."""

    name = "jupyter_vmshare"
    app_name = "Jupyter VMShare"
    description = "Share machines and folders."
