"""Share compute machines and storage folders from JupyterLab and from notebooks."""

from __future__ import annotations

from typing import Any

from jupyter_vmshare._version import __version__

__all__ = ["__version__"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-vmshare"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    # Imported late: a kernel that imports this package needs no Jupyter Server.
    from jupyter_vmshare.extension import VMShareExtension

    return [{"module": "jupyter_vmshare", "app": VMShareExtension}]
