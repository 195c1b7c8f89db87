"""Share compute machines and storage folders from JupyterLab and from notebooks.

>>> from jupyter_vmshare import connect
>>> vm = connect()
>>> vm.folders["tests"].share("ben", level="view")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_vmshare._version import __version__

if TYPE_CHECKING:
    from jupyter_vmshare.widgets.connect import connect, connect_async

__all__ = ["__version__", "connect", "connect_async"]


def __getattr__(name: str) -> Any:
    # Imported late: a notebook server that loads the extension needs none of it.
    if name in {"connect", "connect_async"}:
        from jupyter_vmshare.widgets import connect as door

        return getattr(door, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-vmshare"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    # Imported late: a kernel that imports this package needs no Jupyter Server.
    from jupyter_vmshare.extension import VMShareExtension

    return [{"module": "jupyter_vmshare", "app": VMShareExtension}]
